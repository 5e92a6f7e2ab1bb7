"""Whether the characters of a page make words: a font may draw letters without saying which. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ragcli.documents.pdf.lines import Word

# Pages with fewer characters than this are not judged; and shares of them.
_FEWEST = 40
_MOST_UNDEFINED = 0.3
_FEWEST_LETTERS = 0.15
_MOST_SYMBOLS = 0.6
_FEWEST_KINDS = 10

# Private use, controls, the sign for a character that is unknown, noncharacters, and "(cid:17)".
_UNDEFINED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufff0-\uffff\U000f0000-\U0010ffff]|\\(cid:\\d+\\)"
)
_DIGITS, _LETTERS = re.compile(r"\d+"), re.compile(r"[^\W_]+")
_SIGNS = re.compile(r"[\W_]+")
_LEADERS = re.compile(r"([^\w\s])(?:\s?\1)+")


def is_nonsense(text: str) -> bool:
    """Whether most of a page's text shows that its characters were not decoded."""
    undefined = sum(len(match[0]) for match in _UNDEFINED.finditer(text))
    characters = "".join(_LEADERS.sub(" ", text).split())
    if len(characters) < _FEWEST:
        return False
    if undefined > _MOST_UNDEFINED * len(characters):
        return True
    others = _DIGITS.sub("", characters)
    symbols = _LETTERS.sub("", others)
    return (
        len(others) >= _FEWEST
        and len(others) - len(symbols) < _FEWEST_LETTERS * len(others)
        and len(symbols) > _MOST_SYMBOLS * len(characters)
        and len(set(others)) >= _FEWEST_KINDS
    )


def letters_in(words: Iterable[Word]) -> int:
    return len(_SIGNS.sub("", "".join(word.text for word in words)))
