"""The question meets the index: candidates by vectors, by words, or by both."""
