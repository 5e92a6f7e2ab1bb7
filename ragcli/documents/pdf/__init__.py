"""PDF: `reader` begins; what knows PDFium, what knows places on a page, and what knows neither."""
