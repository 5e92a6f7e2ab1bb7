"""The language model: messages become a stream of text."""
