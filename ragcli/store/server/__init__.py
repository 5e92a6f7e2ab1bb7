"""A collection on a Chroma server."""
