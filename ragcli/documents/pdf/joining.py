"""Lines that were wrapped become one line of text again."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HYPHENS = ("-", "‐")
_HYPHENATED = re.compile(r"[^\W\d_]{2}[-‐]$")
_STARTS_LETTER = re.compile(r"[^\W\d_]")
# Chinese and Japanese are written without spaces.
_UNSPACED = re.compile("[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")


def joined(lines: Sequence[str]) -> str:
    """Wrapped lines as one line, words that were hyphenated at a line's end put together.

    "expen-" + "ses" is "expenses"; a hyphen stays if no lower-case letter follows ("Jean-" + "Luc",
    "COVID-" + "19"), and if the same line has a similar compound with hyphens ("day-to-" + "day").
    """
    text = ""
    for line in lines:
        line = line.strip()
        if is_cut(text) and _STARTS_LETTER.match(line) and line[0].islower():
            word = re.split(r"\s", text)[-1]
            text = text + line if "-" in word[:-1] else text[:-1] + line
        elif (text.endswith("-") and not text.endswith(" -")) or _is_unspaced(text, line):
            text += line
        else:
            text = f"{text} {line}" if text else line
    return text


def is_cut(line: str) -> bool:
    """Whether a line ends in the middle of a word."""
    return line.endswith(_HYPHENS) and bool(_HYPHENATED.search(line[-3:]))


def _is_unspaced(text: str, line: str) -> bool:
    return bool(_UNSPACED.match(text[-1:]) and _UNSPACED.match(line))


def cut_word(lines: Sequence[str]) -> tuple[list[str], str]:
    """The lines without the beginning of a word that they end with, and that beginning ("expen-" or "")."""
    if not lines or not is_cut(lines[-1]):
        return list(lines), ""
    *words, beginning = lines[-1].split()
    return [*lines[:-1], " ".join(words)], beginning
