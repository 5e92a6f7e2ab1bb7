"""How much of a document is left out, in words, as in the notes of the report."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+")


def word_count(text: str) -> int:
    return len(_WORD.findall(text))


def words(count: int) -> str:
    return f"{count:,} {'word' if count == 1 else 'words'}"


def words_of(text: str) -> str:
    """ "12 words"."""
    return words(word_count(text))
