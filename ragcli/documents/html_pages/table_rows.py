"""HTML's tables as rows of texts, with spanning cells where a reader sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ragcli.documents.html_pages.names import HEADINGS
from ragcli.documents.outline import one_line
from ragcli.documents.tables import Row

if TYPE_CHECKING:
    from lxml.etree import _Element

_MOST_SPANNED = 100
_MOST_DIGITS = 6
# A longer cell in a table without headers is a column of the page, not of a table.
_LONGEST_CELL = 1000
_SECTIONS = {"thead": 0, "tfoot": 2}
_NOT_SHOWN = frozenset({"caption", "col", "colgroup"})

ReadCell = Callable[["_Element"], tuple[str, int]]
"""A cell -> its text on one line, and its last line in the file."""


class Parts(NamedTuple):
    """The parts of a table; strays are what is outside any cell, shown before the table."""

    rows: list[_Element]
    strays: list[_Element | str]


class _Spanning(NamedTuple):
    text: str
    rows_left: int


def is_layout(table: _Element) -> bool:
    """Whether the table only arranges parts of the page, which are read one after the other."""
    if table.get("role") in ("presentation", "none"):
        return True
    if any(next(header.iterancestors("table")) is table for header in table.iter("th")):
        return False
    if any(part is not table for part in table.iter("table", *HEADINGS)):
        return True
    cells = list(table.iter("td"))
    return len(cells) == 1 or any(holds_blocks(cell) or _length(cell) > _LONGEST_CELL for cell in cells)


def holds_blocks(cell: _Element) -> bool:
    """Whether one line would spoil it: code of several lines, or another table."""
    if any("\n" in "".join(code.itertext()).strip() for code in cell.iter("pre")):
        return True
    return next(cell.iter("table"), None) is not None


def table_parts(table: _Element, skipped: frozenset[_Element]) -> Parts:
    """Rows in the order in which they are shown: the head first and the foot last."""
    parts = Parts([], [])
    _sort(table, "tr", parts, skipped)
    parts.rows.sort(key=_section)
    return parts


def read_rows(parts: Parts, read_cell: ReadCell, skipped: frozenset[_Element]) -> list[Row]:
    """Adds what is in a row outside its cells to the strays."""
    below: dict[int, _Spanning] = {}
    rows = [_row(tr, parts.strays, below, read_cell, skipped) for tr in parts.rows]
    if len(rows) > 1 and not any(row.is_header for row in rows):
        rows[0].is_header = _is_bold(parts.rows[0])
    return rows


def _sort(element: _Element, wanted: str, parts: Parts, skipped: frozenset[_Element]) -> None:
    if element.text and not element.text.isspace():
        parts.strays.append(element.text)
    for child in element:
        if isinstance(child.tag, str) and child not in skipped and child.tag not in _NOT_SHOWN:
            if child.tag == wanted:
                parts.rows.append(child)
            elif next(child.iter(wanted), None) is not None:
                _sort(child, wanted, parts, skipped)
            else:
                parts.strays.append(child)
        if child.tail and not child.tail.isspace():
            parts.strays.append(child.tail)


def _section(tr: _Element) -> int:
    parent = tr.getparent()
    return 1 if parent is None else _SECTIONS.get(str(parent.tag), 1)


def _row(
    tr: _Element,
    strays: list[_Element | str],
    below: dict[int, _Spanning],
    read_cell: ReadCell,
    skipped: frozenset[_Element],
) -> Row:
    row = Row()
    cells = list(_cells(tr, strays, skipped))
    first = last = tr.sourceline or (cells[0].sourceline if cells else None) or 1
    row.is_header = bool(cells) and _is_in_head(tr, cells)
    for cell in cells:
        _fill_spanned(row.cells, below)
        if not row.is_header and holds_blocks(cell):
            row.blocks[len(row.cells)] = cell
        text, line = read_cell(cell)
        last = max(last, line)
        _place(row.cells, cell, text, below, repeats=row.is_header)
    _fill_spanned(row.cells, below)
    row.lines = (first, last)
    spans_all = len(cells) == 1 and _span(cells[0], "colspan") == len(row.cells) > 1
    row.is_title = spans_all and not row.is_header and not row.blocks
    row.is_pair = [cell.tag for cell in cells] == ["th", "td"]
    return row


def _cells(tr: _Element, strays: list[_Element | str], skipped: frozenset[_Element]) -> Iterator[_Element]:
    if tr.text and not tr.text.isspace():
        strays.append(tr.text)
    for child in tr:
        if isinstance(child.tag, str) and child not in skipped:
            if child.tag in ("td", "th"):
                yield child
            elif next(child.iter("td", "th"), None) is not None:
                yield from _cells(child, strays, skipped)
            else:
                strays.append(child)
        if child.tail and not child.tail.isspace():
            strays.append(child.tail)


def _is_in_head(tr: _Element, cells: Sequence[_Element]) -> bool:
    parent = tr.getparent()
    if parent is not None and parent.tag == "thead":
        return True
    return all(cell.tag == "th" for cell in cells) and (len(cells) > 1 or _span(cells[0], "colspan") == 1)


def _is_bold(tr: _Element) -> bool:
    """Whether the row has only bold text, like a header that was drawn but not marked."""
    cells = list(tr.iterchildren("td"))
    texts = [_length(cell) for cell in cells]
    bold = [sum(_length(part) for part in cell.iter("b", "strong")) for cell in cells]
    return len(cells) > 1 and sum(map(bool, texts)) > 1 and texts == bold


def _place(row: list[str], cell: _Element, text: str, below: dict[int, _Spanning], *, repeats: bool) -> None:
    rows_left = _span(cell, "rowspan") - 1
    for copy in range(_span(cell, "colspan")):
        shown = text if repeats or not copy else ""
        if rows_left:
            # A picture next to several rows says nothing about each of them.
            below[len(row)] = _Spanning(shown if _length(cell) else "", rows_left)
        row.append(shown)


def _fill_spanned(row: list[str], below: dict[int, _Spanning]) -> None:
    while len(row) in below:
        spanning = below.pop(len(row))
        if spanning.rows_left > 1:
            below[len(row)] = _Spanning(spanning.text, spanning.rows_left - 1)
        row.append(spanning.text)


def _span(cell: _Element, attribute: str) -> int:
    value = cell.get(attribute, "1").strip()[:_MOST_DIGITS]
    return min(max(int(value), 1), _MOST_SPANNED) if value.isdecimal() else 1


def _length(element: _Element) -> int:
    return len(one_line("".join(element.itertext())))
