"""Word files: `docx` begins."""
