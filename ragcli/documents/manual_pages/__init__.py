"""Manual pages: man and mdoc."""
