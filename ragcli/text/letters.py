"""One spelling of each letter, so that texts, questions and gold phrases meet: pure, for all of them."""

from __future__ import annotations

import re
import unicodedata

_LIGATURES = dict(zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))
_LIGATURE = re.compile(f"[{''.join(_LIGATURES)}]")


def spelled_out(text: str) -> str:
    """Ligatures as letters, and a letter with its accents as one character (NFC).

    Fonts draw "office" with U+FB03, and files from macOS hold accents as characters of their own: neither
    the tokenizers nor BM25 find such words. Not NFKC: that would make "10²" 102 and "2½" 21/2.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _LIGATURE.sub(lambda match: _LIGATURES[match[0]], text))
