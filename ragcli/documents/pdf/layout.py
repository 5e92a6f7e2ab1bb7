"""From the lines of PDF pages to headings, paragraphs, lists, listings and tables: free of any PDF library.

A PDF knows glyphs at places; structure is worked out here, from sizes, distances and the outline's bookmarks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from ragcli.documents.outline import LINE, PARAGRAPH, RUN_ON, Outline
from ragcli.documents.pdf.bookmarks import Bookmarks, settled, with_parted_headings
from ragcli.documents.pdf.contents import with_listed_contents
from ragcli.documents.pdf.headings import SENTENCE_END, Headings, body_size_of
from ragcli.documents.pdf.joining import cut_word, is_cut, joined
from ragcli.documents.pdf.lines import Line, Page
from ragcli.documents.pdf.running import without_running_lines
from ragcli.documents.pdf.tables import Table, with_tables

# Of the usual distance between lines: from here on a new paragraph begins.
_PARAGRAPH_GAP = 1.35
# Of the body's size: double spacing; lines farther apart are paragraphs.
_LARGEST_LEADING = 2.4
# In units of the size: the room after a line, beyond the next word, if it was ended on purpose.
_ROOM = 1.5
# In units of the size: how far the first line of a paragraph is indented.
_INDENT = (0.8, 4.0)
# Of the body's size: smaller text in mid-sentence is a note or a caption, and waits for the sentence's end.
_SMALL = 0.93
# Of the size: the usual width of a glyph of a typewriter face.
_MONO_WIDTH = 0.6
_BULLET = re.compile(r"(?:[•◦▪‣·●○■–—*-]|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]|\[\w{1,8}\])\s+\S")
_SYMBOL_BULLET = re.compile(r"[•◦▪‣·●○■–—*]\s+")


def fill(outline: Outline, pages: Sequence[Page], bookmarks: Bookmarks) -> None:
    """Write the pages' text into `outline`. What is left out is counted in its notes."""
    body_size = body_size_of(pages)
    pages, notes = without_running_lines(with_listed_contents(pages), body_size)
    outline.notes += notes
    bookmarks = settled(bookmarks, pages) if bookmarks else bookmarks
    pages = [
        replace(page, lines=tuple(with_parted_headings(page.lines, bookmarks.get(page.number, ()))))
        for page in pages
    ]
    _Composer(outline, pages, body_size, bookmarks).compose()


class _Composer:
    def __init__(
        self, outline: Outline, pages: Sequence[Page], body_size: float, bookmarks: Bookmarks
    ) -> None:
        self.outline = outline
        self.pages = pages
        self.body_size = body_size
        self.headings = Headings(pages, body_size, bookmarks)
        self.leading = _leading(pages, body_size)
        self.body_is_mono = _is_mostly_mono(pages)
        # By the identity of a line: the right edge of its column.
        self.edges: dict[int, float] = {}
        self.paragraph: list[Line] = []
        self.paragraph_page = 1
        self.listing: list[Line] = []
        # Of a paragraph that continues: whether it does, and the word that the page's end cuts.
        self.continues = False
        self.cut = ""
        # Its last line on the page before, and the right edge of the column there.
        self.broken_off: tuple[Line, float] | None = None
        self.last_was_item = False
        # Text that is read after the paragraph that contains it: footnotes, and text along the edges.
        self.waiting: list[tuple[int, Line | str]] = []

    def compose(self) -> None:
        for page in self.pages:
            self._page(page)
        self._end_paragraph()

    def _page(self, page: Page) -> None:
        blocks = with_tables(page.lines)
        lines = [block for block in blocks if isinstance(block, Line)]
        self.edges = right_edges(lines)
        self.waiting += [(page.number, text) for text in page.above]
        if not self.continues:
            self._add_waiting()
        headings = self.headings.runs(lines, page.number) if lines else {}
        starts = {id(lines[place]): heading for place, heading in headings.items()}
        inside = {id(line) for _, run in starts.values() for line in run[1:]}
        previous: Line | None = None
        for block in blocks:
            if isinstance(block, Table):
                self._table(block, page.number)
                previous = None
            elif id(block) in starts:
                level, run = starts[id(block)]
                self._end_paragraph()
                self.outline.heading(level, joined([line.text for line in run]), page=page.number)
                previous = run[-1]
            elif id(block) not in inside:
                previous = self._line(block, previous, page.number)
        self._end_listing(page.number)
        self.waiting += [(page.number, text) for text in page.asides]
        unfinished = bool(self.paragraph) and not SENTENCE_END.search(self.paragraph[-1].text)
        if self.paragraph:
            last = self.paragraph[-1]
            self.broken_off = last, self.edges.get(id(last), 0.0)
        self._end_paragraph(more_to_come=unfinished)

    def _line(self, line: Line, previous: Line | None, page: int) -> Line | None:
        """Returns the line to compare the next one with."""
        if line.mono and not self.body_is_mono and not self._is_in_sentence(line, previous):
            if not self.listing:
                self._end_paragraph()
            self.listing.append(line)
            return line
        self._end_listing(page)
        is_open = bool(self.paragraph) or self.continues
        if is_open and line.size < _SMALL * self.body_size and self._is_unfinished():
            self.waiting.append((page, line))
            return previous
        if self._begins(line, previous):
            self._end_paragraph()
        if not self.paragraph:
            self.paragraph_page = page
        self.paragraph.append(line)
        return line

    def _is_in_sentence(self, line: Line, previous: Line | None) -> bool:
        """Whether a line in a typewriter face only continues the sentence above it."""
        return (
            bool(self.paragraph)
            and previous is self.paragraph[-1]
            and self._is_unfinished()
            and abs(line.left - previous.left) < line.size
            and previous.y - line.y < _PARAGRAPH_GAP * self.leading
            and not self._is_ended(previous, line, self.edges.get(id(previous), 0.0))
        )

    def _is_unfinished(self) -> bool:
        """Whether the open paragraph belongs to the body, and its last sentence continues."""
        if not self.paragraph:
            return self.continues
        last = self.paragraph[-1]
        return last.size >= _SMALL * self.body_size and not SENTENCE_END.search(last.text)

    def _begins(self, line: Line, previous: Line | None) -> bool:
        """Whether `line` begins a paragraph or a list item."""
        if line.listed or (previous and previous.listed):
            return True
        if previous is None:
            return not self.continues or bool(_BULLET.match(line.text)) or self._begins_page(line)
        if is_cut(previous.text) and line.text[0].islower():
            return False
        gap = previous.y - line.y
        ends_sentence = bool(SENTENCE_END.search(previous.text))
        indent = (line.left - previous.left) / line.size
        is_last = self._is_ended(previous, line, self.edges.get(id(previous), 0.0))
        return bool(
            _BULLET.match(line.text)
            or gap
            > _PARAGRAPH_GAP * max(self.leading, 1.2 * line.size if line.size > self.body_size else 0.0)
            or (line.bold != previous.bold and (is_last or ends_sentence))
            or abs(line.size - previous.size) > 0.1 * self.body_size
            or (is_last and (ends_sentence or not line.text[0].islower()))
            or (ends_sentence and _INDENT[0] < indent < _INDENT[1])
        )

    def _begins_page(self, line: Line) -> bool:
        """Whether the paragraph that the page before left open had ended there, as the lines of slides do."""
        if self.broken_off is None or self.cut or line.text[0].islower():
            return False
        last, edge = self.broken_off
        return self._is_ended(last, line, edge)

    def _is_ended(self, previous: Line, line: Line, edge: float) -> bool:
        """Whether the first word of `line` had room on the line above: somebody ended that on purpose."""
        word = line.cells[0].words[0] if line.cells[0].words else None
        needed = (word.right - word.left if word else line.right - line.left) + _ROOM * line.size
        return previous.right + needed < edge

    def _end_paragraph(self, *, more_to_come: bool = False) -> None:
        lines, self.paragraph = self.paragraph, []
        if lines or (self.cut and not more_to_come):
            texts = [self.cut, *(line.text for line in lines)] if self.cut else [line.text for line in lines]
            self.cut = ""
            if more_to_come:
                texts, self.cut = cut_word(texts)
            is_item = bool(lines) and lines[0].listed
            self._add_paragraph(joined(texts), self.paragraph_page, is_item=is_item)
        if lines or not more_to_come:
            self.continues = more_to_come
        if not more_to_come:
            self._add_waiting()

    def _add_paragraph(self, text: str, page: int, *, is_item: bool) -> None:
        if not text:
            return
        is_item = is_item or bool(_BULLET.match(text))
        separator = LINE if is_item and self.last_was_item else PARAGRAPH
        text = _SYMBOL_BULLET.sub("- ", text, count=1) if _SYMBOL_BULLET.match(text) else text
        self.outline.add(text, page=page, separator=RUN_ON if self.continues else separator)
        self.last_was_item = is_item or (self.continues and self.last_was_item)

    def _add_waiting(self) -> None:
        waiting, self.waiting = self.waiting, []
        previous: Line | None = None
        for page, item in waiting:
            if isinstance(item, str):
                self._end_paragraph()
                self.outline.add(item, page=page)
                previous = None
                continue
            if previous and (page != self.paragraph_page or self._begins(item, previous)):
                self._end_paragraph()
            self.paragraph_page = page
            self.paragraph.append(item)
            previous = item
        if self.paragraph:
            self._end_paragraph()

    def _table(self, table: Table, page: int) -> None:
        self._end_listing(page)
        self._end_paragraph()
        for number, row in enumerate(table.rows):
            self.outline.add(row, page=page, separator=LINE if number else PARAGRAPH)
        self.last_was_item = False

    def _end_listing(self, page: int) -> None:
        """Lines in a typewriter face keep their ends and their indentation."""
        lines, self.listing = self.listing, []
        if not lines:
            return
        left = min(line.left for line in lines)
        rows: list[str] = []
        for above, line in zip([None, *lines], lines, strict=False):
            if above and above.y - line.y > 1.8 * self.leading:
                rows.append("")
            rows.append(" " * round((line.left - left) / (_MONO_WIDTH * line.size)) + _spread(line))
        self.outline.add("\n".join(rows), page=page, code=True)
        self.last_was_item = False


def _spread(line: Line) -> str:
    """A line of a listing, with its words where they stand."""
    text = ""
    for cell in line.cells:
        column = round((cell.left - line.left) / (_MONO_WIDTH * cell.size))
        text = text.ljust(column) if len(text) < column else f"{text} "
        text += cell.text
    return text.strip()


def right_edges(lines: Sequence[Line]) -> dict[int, float]:
    """By the identity of each line: how far to the right the lines of its column go, except a few."""
    edges: dict[int, float] = {}
    column: list[Line] = []
    for line in [*lines, None]:
        if column and (line is None or line.y > column[-1].y or line.left > column[-1].right):
            rights = sorted(part.right for part in column)
            edges.update(dict.fromkeys(map(id, column), rights[-1 - len(rights) // 8]))
            column = []
        if line is not None:
            column.append(line)
    return edges


def _is_mostly_mono(pages: Sequence[Page]) -> bool:
    lines = [line for page in pages for line in page.lines]
    return 2 * sum(len(line.text) for line in lines if line.mono) > sum(len(line.text) for line in lines)


def _leading(pages: Sequence[Page], body_size: float) -> float:
    """The usual distance between lines of the body, in points."""
    gaps = [
        above.y - below.y
        for page in pages
        for above, below in zip(page.lines, page.lines[1:], strict=False)
        if above.size == below.size == body_size
        and len(above.cells) == len(below.cells) == 1
        and 0 < above.y - below.y < _LARGEST_LEADING * body_size
    ]
    return median(gaps) if gaps else 1.2 * body_size
