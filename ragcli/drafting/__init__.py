"""Questions to measure on, drafted by an LLM from the passages of an index, for a person to review."""
