"""Names of files compared as a reader sees them: two spellings of an accented letter are one letter. Pure.

macOS and some archives spell "é" as "e" and a combining accent (NFD), keyboards as one character (NFC). Linux
takes the two for different names, so the name as it is on the disk is kept for opening the file.
"""

from __future__ import annotations

import unicodedata


def nfc(name: str) -> str:
    """The spelling by which names are compared."""
    return unicodedata.normalize("NFC", name)


def same_name(one: str, other: str) -> bool:
    """Whether a reader would take both for one name."""
    return nfc(one) == nfc(other)
