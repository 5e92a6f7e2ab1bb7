"""Word files: start with `docx`."""
