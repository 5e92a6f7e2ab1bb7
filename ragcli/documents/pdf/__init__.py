"""PDF: start with `reader`; modules that use PDFium, modules that use positions, and others."""
