"""Markdown, with the HTML and the front matter in it."""
