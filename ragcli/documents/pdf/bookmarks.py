"""The entries of a PDF's outline, and the lines that they name. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ragcli.documents.pdf.lines import Line, Page, Word, line_of, segment_of

_NUMBER = re.compile(
    r"^(?:(?:chapter|appendix|part|section)\s+)?(?:\d+|[A-Z]|[IVX]+)(?:\.\d+)*[.:]?\s+", re.IGNORECASE
)
_SIGNS = re.compile(r"[\W_]+")
# What ends a heading whose paragraph continues on the same line.
_RUN_IN_END = re.compile(r"[.:!?–—]\W*$")
# The most lines of a heading.
_MOST_LINES = 4
# In units of the size: how far below the place of its bookmark, and above it, the first line of a heading is.
_BELOW, _ABOVE = 4.0, 1.0


class Bookmark(NamedTuple):
    """`title` as `key_of` gives it; `y` is set if the file says where on the page it leads."""

    title: str
    level: int
    y: float | None = None


Bookmarks = Mapping[int, Sequence[Bookmark]]
"""By the number of the page."""


def key_of(title: str) -> str:
    """Only letters and digits: bookmarks have other spaces, signs and letter cases than headings."""
    plain = title if title.isascii() else unicodedata.normalize("NFKC", title)
    return _SIGNS.sub("", plain.casefold())


def keys_of(text: str) -> Iterator[str]:
    """With and without the number that it begins with."""
    yield key_of(text)
    yield key_of(_NUMBER.sub("", text))


def level_of(text: str, bookmarks: Sequence[Bookmark]) -> int:
    """The level of the bookmark with this title, of which one may lack its number; else 0."""
    keys = set(keys_of(text)) - {""}
    return next((mark.level for mark in bookmarks if mark.title in keys), 0)


def settled(bookmarks: Bookmarks, pages: Sequence[Page]) -> Bookmarks:
    """Those that lead to the page before their heading, for example if its anchor is above a page break."""
    found = {page.number: list(bookmarks.get(page.number, ())) for page in pages}
    for page, following in pairwise(pages):
        missing = {mark.title: mark for mark in bookmarks.get(page.number, ())}
        for line in page.lines if missing else ():
            for key in keys_of(line.text):
                missing.pop(key, None)
        if missing:
            keys = {key for line in following.lines for key in keys_of(line.text)}
            found[following.number] += [
                mark._replace(y=None) for title, mark in missing.items() if title in keys
            ]
    return found


def with_parted_headings(lines: Sequence[Line], bookmarks: Sequence[Bookmark]) -> Sequence[Line]:
    """Headings with text after them on the same line ("1.1 Title. The text") as separate lines."""
    placed = [mark for mark in bookmarks if mark.y is not None]
    if not placed:
        return lines
    found: list[Line] = []
    place = 0
    while place < len(lines):
        parts = _parted(lines[place : place + _MOST_LINES], placed)
        found += parts[0] if parts else [lines[place]]
        place += parts[1] if parts else 1
    return found


def _parted(lines: Sequence[Line], bookmarks: Sequence[Bookmark]) -> tuple[list[Line], int] | None:
    """(the heading and the text after it, the number of their lines) if a heading begins here."""
    line = lines[0]
    if line.listed:
        return None
    near = {
        mark.title
        for mark in bookmarks
        if mark.y is not None and -_ABOVE * line.size <= mark.y - line.y <= _BELOW * line.size
    }
    starts = tuple(key for key in keys_of(line.text) if key)
    if not any(start.startswith(title) or title.startswith(start) for title in near for start in starts):
        return None
    text = ""
    for number, part in enumerate(lines):
        words = [word for cell in part.cells for word in cell.words]
        for count, word in enumerate(words, start=1):
            text = f"{text} {word.text}" if text else word.text
            if near.isdisjoint(keys_of(text)):
                continue
            rest = words[count:]
            if not rest or not _goes_on(word, rest[0]):
                return None
            return [*lines[:number], _line(words[:count], part), _line(rest, part)], number + 1
    return None


def _goes_on(last: Word, following: Word) -> bool:
    return last.bold != following.bold or bool(_RUN_IN_END.search(last.text))


def _line(words: Sequence[Word], line: Line) -> Line:
    return line_of([segment_of(words, line.cells[0].order)])
