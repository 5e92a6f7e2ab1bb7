"""OpenDocument: texts, slides, drawings and sheets."""
