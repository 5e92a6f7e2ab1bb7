"""From the lines of PDF pages to headings, paragraphs, lists and tables: pure, and free of any PDF library.

A PDF knows glyphs at places; structure is worked out here, from sizes, distances and the outline's bookmarks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from ragcli.documents.outline import LINE, PARAGRAPH, RUN_ON, Outline
from ragcli.documents.pdf_lines import Line, Page, without_running_lines
from ragcli.documents.tables import CELL_SEPARATOR, row_line

# Of the body's size: from here on a short line is a heading.
_HEADING_SIZE = 1.12
_LONGEST_HEADING = 120
# Of the usual distance between lines: from here on a new paragraph begins.
_PARAGRAPH_GAP = 1.35
# Of the longest line: a line that ends a sentence before this ends its paragraph.
_SHORT_LINE = 0.8
_BULLET = re.compile(r"(?:[•◦▪‣·●○■–—*-]|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)])\s+\S")
_SYMBOL_BULLET = re.compile(r"[•◦▪‣·●○■–—*]\s+")
_SENTENCE_END = re.compile(r"[.!?:;][\"'”’)\]]*$")
_HYPHENATED = re.compile(r"[^\W\d_]{2,}-$")
_STARTS_LOWER = re.compile(r"[^\W\d_]")


def fill(outline: Outline, pages: Sequence[Page], bookmarks: Mapping[tuple[int, str], int]) -> None:
    """Write the pages' text into `outline`. `bookmarks`: (page, squeezed title) -> level, from 1."""
    pages = without_running_lines(pages)
    if not any(page.lines for page in pages):
        return
    _Composer(outline, pages, bookmarks).compose()


@dataclass
class _Paragraph:
    lines: list[Line] = field(default_factory=list)
    page: int = 1
    in_list: bool = False


class _Composer:
    def __init__(
        self, outline: Outline, pages: Sequence[Page], bookmarks: Mapping[tuple[int, str], int]
    ) -> None:
        self.outline = outline
        self.pages = pages
        self.bookmarks = bookmarks
        lines = [line for page in pages for line in page.lines]
        weights: Counter[float] = Counter()
        for line in lines:
            weights[line.size] += len(line.text)
        self.body_size = weights.most_common(1)[0][0]
        self.longest = max(len(line.text) for line in lines if line.size <= self.body_size * _HEADING_SIZE)
        self.leading = _leading(pages, self.body_size)
        self.heading_sizes = sorted(
            {line.size for line in lines if self._is_large(line) and len(line.text) <= _LONGEST_HEADING},
            reverse=True,
        )
        self.table: list[Line] = []
        self.open = _Paragraph()
        self.continues = False
        self.last_was_item = False

    def compose(self) -> None:
        for page in self.pages:
            previous: Line | None = None
            for line in page.lines:
                self._take(line, previous, page.number)
                previous = line
            self._end_table(page.number)
            self._end_page(page.number)
        self._end_paragraph()

    def _take(self, line: Line, previous: Line | None, page: int) -> None:
        level = self._level(line, previous, page)
        if level:
            self._end_table(page)
            self._end_paragraph()
            self.outline.heading(level, line.text, page=page)
        elif len(line.cells) > 1:
            self._end_paragraph()
            if self.table and len(self.table[-1].cells) != len(line.cells):
                self._end_table(page)
            self.table.append(line)
        else:
            self._end_table(page)
            if self._begins(line, previous):
                self._end_paragraph()
            if not self.open.lines:
                self.open.page = page
            self.open.lines.append(line)

    def _is_large(self, line: Line) -> bool:
        return line.size >= self.body_size * _HEADING_SIZE

    def _level(self, line: Line, previous: Line | None, page: int) -> int:
        """The heading's level, 0 for body text: by bookmark, by size, or bold and alone on its line."""
        marked = self.bookmarks.get((page, "".join(line.text.lower().split())), 0)
        if marked:
            return marked + (
                1 if self.heading_sizes and line.size < self.heading_sizes[0] and marked == 1 else 0
            )
        if len(line.text) > _LONGEST_HEADING or not any(map(str.isalpha, line.text)) or len(line.cells) > 1:
            return 0
        if self._is_large(line):
            return self.heading_sizes.index(line.size) + 1
        starts = previous is None or self._begins(line, previous)
        if line.bold and starts and not _SENTENCE_END.search(line.text) and not _BULLET.match(line.text):
            return len(self.heading_sizes) + 1
        return 0

    def _begins(self, line: Line, previous: Line | None) -> bool:
        """Whether `line` begins a paragraph or a list item."""
        if previous is None:
            return not self.continues
        gap = previous.y - line.y
        return bool(
            _BULLET.match(line.text)
            or gap > _PARAGRAPH_GAP * self.leading
            or line.bold != previous.bold
            or abs(line.size - previous.size) > 0.1 * self.body_size
            or (len(previous.text) < _SHORT_LINE * self.longest and _SENTENCE_END.search(previous.text))
        )

    def _end_page(self, page: int) -> None:
        """A paragraph that stops in mid-sentence goes on after the page break, as a block of its own page."""
        unfinished = bool(self.open.lines) and not _SENTENCE_END.search(self.open.lines[-1].text)
        self._end_paragraph(more_to_come=unfinished)

    def _end_paragraph(self, *, more_to_come: bool = False) -> None:
        lines = self.open.lines
        if lines:
            text = joined([line.text for line in lines])
            is_item = bool(_BULLET.match(text))
            separator = LINE if is_item and self.last_was_item else PARAGRAPH
            text = _SYMBOL_BULLET.sub("- ", text, count=1) if _SYMBOL_BULLET.match(text) else text
            self.outline.add(text, page=self.open.page, separator=RUN_ON if self.continues else separator)
            self.last_was_item = is_item or (self.continues and self.last_was_item)
        if lines or not more_to_come:
            self.continues = more_to_come
        self.open = _Paragraph()

    def _end_table(self, page: int) -> None:
        if not self.table:
            return
        first, *rest = self.table
        has_header = bool(rest) and first.bold and not all(line.bold for line in rest)
        rows = (
            [row_line(line.cells, first.cells) for line in rest]
            if has_header
            else [CELL_SEPARATOR.join(line.cells) for line in self.table]
        )
        for number, row in enumerate(rows):
            self.outline.add(row, page=page, separator=LINE if number else PARAGRAPH)
        self.table = []
        self.continues = self.last_was_item = False


def _leading(pages: Sequence[Page], body_size: float) -> float:
    """The usual distance between lines of the body, in points."""
    gaps = [
        above.y - below.y
        for page in pages
        for above, below in zip(page.lines, page.lines[1:], strict=False)
        if above.size == below.size == body_size and 0 < above.y - below.y < 3 * body_size
    ]
    return median(gaps) if gaps else 1.2 * body_size


def joined(lines: Sequence[str]) -> str:
    """Wrapped lines as one line, words that were hyphenated at a line's end put together.

    "expen-" + "ses" is "expenses"; a hyphen stays where what follows is no small letter ("Jean-" + "Luc",
    "COVID-" + "19"), and where the same line has the compound's like with hyphens ("day-to-" + "day").
    """
    text = ""
    for line in lines:
        line = line.strip()
        if text and _HYPHENATED.search(text) and _STARTS_LOWER.match(line) and line[0].islower():
            word = re.split(r"\s", text)[-1]
            text = text + line if "-" in word[:-1] else text[:-1] + line
        elif text.endswith("-") and not text.endswith(" -"):
            text += line
        else:
            text = f"{text} {line}" if text else line
    return text
