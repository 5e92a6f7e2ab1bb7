"""Which lines of a PDF are headings, and their level: by bookmark, by size, or bold on its own line. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from ragcli.documents.pdf.bookmarks import Bookmarks, key_of, level_of
from ragcli.documents.pdf.lines import Line, Page

LARGE = 1.12
"""Of the body's size: from here on a short line is a heading."""
_LONGEST_HEADING = 120
# Of the heading's size: the second line of a heading is not farther from its first.
_LEADING = 1.6
# This many bold lines, one under the other, are a paragraph or a listing in bold.
_MOST_BOLD_LINES = 3
# Bold text smaller than this names a figure or a footnote.
_SMALL = 0.95

SENTENCE_END = re.compile(r"[.!?:;。！？][\"'”’)\]]*$")
_BULLET_SIGN = re.compile(r"[•◦▪‣·●○■–—*-]\s+\S")
_NUMBERED = re.compile(r"(?:\d+(?:\.\d+)*\.?|[A-Z]\.(?:\d+\.?)*|[IVX]+\.)\s+\S")
_WORD = re.compile(r"[^\W\d_]{2,}")


def body_size_of(pages: Sequence[Page]) -> float:
    weights: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            # By width: a Chinese sign says as much as two letters.
            weights[line.size] += round(sum(cell.right - cell.left for cell in line.cells))
    return weights.most_common(1)[0][0] if weights else 1.0


class Headings:
    def __init__(self, pages: Sequence[Page], body_size: float, bookmarks: Bookmarks) -> None:
        self._body = body_size
        self._bookmarks = bookmarks
        lines = [line for page in pages for line in page.lines]
        large = {line.size for line in lines if self._is_large(line) and self._may_be(line)}
        self._sizes = sorted(large, reverse=True)
        bold = {line.size for line in lines if line.bold and not self._is_large(line) and self._may_be(line)}
        self._bold_sizes = sorted((size for size in bold if size >= _SMALL * body_size), reverse=True)
        self._set_by_bookmarks(pages)

    def _set_by_bookmarks(self, pages: Sequence[Page]) -> None:
        """The format of headings in the bookmarks, so that others of the same kind get their level."""
        kinds: defaultdict[tuple[float, bool], Counter[int]] = defaultdict(Counter)
        for page in pages:
            bookmarks = self._bookmarks.get(page.number, ())
            for line in page.lines if bookmarks else ():
                level = level_of(line.text, bookmarks)
                if level:
                    kinds[line.size, line.bold][level] += 1
        highest = [size for (size, _), levels in kinds.items() if 1 in levels]
        # The document's title is larger than its chapters, and rarely among the bookmarks.
        self._below_title = int(bool(highest) and bool(self._sizes) and max(highest) < self._sizes[0])
        self._marked = {
            kind: levels.most_common(1)[0][0] + self._below_title for kind, levels in kinds.items()
        }

    def runs(self, lines: Sequence[Line], page: int) -> dict[int, tuple[int, list[Line]]]:
        """By the place of its first line: (level, its lines) of each heading."""
        found: dict[int, tuple[int, list[Line]]] = {}
        place = 0
        while place < len(lines):
            level, length = self._heading(lines, place, page)
            if level:
                found[place] = level, list(lines[place : place + length])
            place += length
        return found

    def _heading(self, lines: Sequence[Line], place: int, page: int) -> tuple[int, int]:
        """(level, how many lines) of the heading that begins here; level 0 if none does."""
        line = lines[place]
        bookmarks = self._bookmarks.get(page, ()) if key_of(line.text) else ()
        for length in (1, 2, 3) if bookmarks else ():
            marked = level_of(" ".join(part.text for part in lines[place : place + length]), bookmarks)
            if marked:
                return marked + self._below_title, length
        if not self._may_be(line):
            return 0, 1
        length = self._length(lines, place)
        level = self._marked.get((line.size, line.bold), 0)
        if self._is_large(line):
            text = " ".join(part.text for part in lines[place : place + length])
            return (
                level or self._sizes.index(line.size) + 1 if len(text) <= _LONGEST_HEADING else 0,
                length,
            )
        if not line.bold or line.size not in self._bold_sizes:
            return 0, 1
        if length >= _MOST_BOLD_LINES or not self._names(lines[place : place + length]):
            return 0, length
        return level or len(self._sizes) + self._bold_sizes.index(line.size) + 1, length

    def _length(self, lines: Sequence[Line], place: int) -> int:
        """How many lines have the same format, one under the other, and begin nothing new."""
        length = 1
        while place + length < len(lines):
            above, line = lines[place + length - 1], lines[place + length]
            if not (
                abs(line.size - above.size) < 0.02 * above.size
                and (line.bold == above.bold or self._is_large(line))
                and 0 < above.y - line.y < _LEADING * above.size
                and self._is_under(lines[place], line)
                and not _NUMBERED.match(line.text)
                and not line.listed
            ):
                break
            length += 1
        return length

    @staticmethod
    def _is_under(first: Line, line: Line) -> bool:
        """Flush, centred, or set in behind the number of a heading."""
        indent = line.left - first.left
        return (
            abs(indent) < first.size
            or abs(line.left + line.right - first.left - first.right) < 2 * first.size
            or (0 < indent < 5 * first.size and bool(_NUMBERED.match(first.text)))
        )

    def _names(self, lines: Sequence[Line]) -> bool:
        """Whether bold text looks like a heading: not a sentence, an item or a line of a program."""
        text = " ".join(line.text for line in lines)
        begins = text.lstrip("\"'“‘([¿¡")
        return (
            len(text) <= _LONGEST_HEADING
            and not SENTENCE_END.search(text)
            and not _BULLET_SIGN.match(text)
            and begins[:1].isalnum()
            and not begins[:1].islower()
        )

    def _is_large(self, line: Line) -> bool:
        return line.size >= self._body * LARGE

    def _may_be(self, line: Line) -> bool:
        return (
            len(line.text) <= _LONGEST_HEADING
            and not line.mono
            and bool(_WORD.search(line.text) or (line.text.isalpha() and ord(line.text[0]) > 0x2E7F))
            and not line.listed
        )
