"""The lines of PDF pages, from the fragments that a page draws; without what repeats from page to page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ragcli.documents.outline import one_line

# In units of the font size: a gap this wide, with the average glyph half as wide as high, parts table cells.
_CELL_GAP = 2.5
_GLYPH_WIDTH = 0.55
# How many points apart two cells of one column may begin.
_COLUMN_TOLERANCE = 2.0
# Lines at the top and bottom of a page that may be a running header or footer: if they are alike on this
# share of the pages (left and right pages differ), or on this many when they count with the page's number.
_EDGE_LINES = 2
_REPEATED_SHARE = 0.35
_NUMBERED_PAGES = 3

_PAGE_NUMBER = re.compile(
    r"(?:page|p\.|seite|s\.)?\s*[-–—]?\s*(\d+)\s*(?:[-–—]|(?:of|/|von)\s*\d+)?", re.IGNORECASE
)
_CONTENTS_ENTRY = re.compile(r"(?:\. ?){4,}\s*(?:\d+|[ivxlc]+)?$")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A run of text as the page draws it; `size` in points, y upwards. Newlines in `text` end a line."""

    text: str
    x: float
    y: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    y: float
    size: float
    bold: bool
    cells: tuple[str, ...]
    columns: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Page:
    number: int
    lines: tuple[Line, ...]


def lines_of(fragments: Sequence[Fragment]) -> tuple[Line, ...]:
    """Fragments in drawing order as lines, and the cells that wide gaps part them into."""
    lines: list[Line] = []
    current: list[Fragment] = []
    for fragment in fragments:
        for number, part in enumerate(fragment.text.split("\n")):
            if number:
                lines.extend(_line(current, lines[-1].columns if lines else ()))
                current = []
            if part.strip():
                current.append(replace(fragment, text=part))
    lines.extend(_line(current, lines[-1].columns if lines else ()))
    return tuple(lines)


def _line(fragments: list[Fragment], columns_above: tuple[float, ...]) -> Iterator[Line]:
    """At most one line; a cell begins after a wide gap, or where one began in the row above."""
    if not fragments:
        return
    cells: list[str] = []
    columns: list[float] = []
    end = fragments[0].x
    for fragment in fragments:
        text = fragment.text
        aligned = any(abs(fragment.x - column) < _COLUMN_TOLERANCE for column in columns_above[1:])
        if cells and fragment.x - end < _CELL_GAP * fragment.size and not aligned:
            cells[-1] += text
        else:
            cells.append(text)
            columns.append(fragment.x)
        end = max(end, fragment.x + len(text) * fragment.size * _GLYPH_WIDTH)
    cells = [cell for cell in map(one_line, cells) if cell]
    weights: Counter[tuple[float, bool]] = Counter()
    for fragment in fragments:
        weights[fragment.size, fragment.bold] += len(fragment.text.strip())
    (size, _), _ = weights.most_common(1)[0]
    bold = all(fragment.bold for fragment in fragments)
    if cells:
        yield Line(" ".join(cells), fragments[0].y, size, bold, tuple(cells), tuple(columns))


def without_running_lines(pages: Sequence[Page]) -> list[Page]:
    """Drop page numbers, edge lines that many pages have alike, and the dotted lines of contents."""
    seen: Counter[str] = Counter()
    for page in pages:
        seen.update({key for line in _edges(page) for key in _running_keys(line, page.number)})
    needed = max(2, _REPEATED_SHARE * len(pages))
    repeated = {
        key
        for key, count in seen.items()
        if count >= (min(needed, _NUMBERED_PAGES) if "\0" in key else needed)
    }
    kept = []
    for page in pages:
        edge = set(map(id, _edges(page)))
        lines = (
            line
            for line in page.lines
            if not _CONTENTS_ENTRY.search(line.text)
            and not (id(line) in edge and _is_running(line, page.number, repeated))
        )
        kept.append(Page(page.number, tuple(lines)))
    return kept


def _edges(page: Page) -> tuple[Line, ...]:
    if len(page.lines) <= 2 * _EDGE_LINES:
        return page.lines
    return page.lines[:_EDGE_LINES] + page.lines[-_EDGE_LINES:]


def _running_keys(line: Line, number: int) -> set[str]:
    """What pages have alike: the line at its height, also with a number as its distance from the page's."""
    height = f"{round(line.y)} "
    keys = {height + line.text}
    for match in re.finditer(r"(?<!\d)\d{1,4}(?!\d)", line.text):
        distance = f"\0{int(match[0]) - number}"
        keys.add(height + line.text[: match.start()] + distance + line.text[match.end() :])
    return keys


def _is_running(line: Line, number: int, repeated: set[str]) -> bool:
    match = _PAGE_NUMBER.fullmatch(line.text)
    return bool(match and int(match[1]) == number) or not repeated.isdisjoint(_running_keys(line, number))
