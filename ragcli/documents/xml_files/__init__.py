"""XML: books, outlines, data."""
