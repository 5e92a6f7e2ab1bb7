"""Find candidates in the index: by vectors, by words, or by both."""
