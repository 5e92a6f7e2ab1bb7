"""Names of documents, compared as people see them."""

from __future__ import annotations

import unicodedata


def nfc(name: str) -> str:
    """The name in composed form: macOS writes é as two characters, a keyboard as one."""
    return unicodedata.normalize("NFC", name)
