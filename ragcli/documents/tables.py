"""Tables as lines that stand alone: "Plan: Gold | Price: 10 EUR", so that a chunk can begin at any row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING

from ragcli.documents.outline import one_line

if TYPE_CHECKING:
    from lxml.etree import _Element

CELL_SEPARATOR = " | "


@dataclass(slots=True)
class Row:
    """A row of a document's table.

    `cells` has a text for each column, "" where a cell spans it; `blocks` are cells that do not fit on one
    line, such as code, by their columns. A title spans the whole table; a pair is a name and its value.
    """

    cells: list[str] = field(default_factory=list)
    blocks: dict[int, _Element] = field(default_factory=dict)
    lines: tuple[int, int] | None = None
    is_header: bool = False
    is_title: bool = False
    is_pair: bool = False


def row_line(cells: Sequence[str], header: Sequence[str] = ()) -> str:
    """One row on one line, each cell after its column's name; empty cells are left out."""
    parts = []
    for column, cell in enumerate(cells):
        text = one_line(cell)
        name = one_line(header[column]).rstrip(":") if column < len(header) else ""
        if text:
            parts.append(f"{name}: {text}" if name else text)
    return CELL_SEPARATOR.join(parts)


def row_text(row: Row, header: Sequence[str]) -> str:
    """The line of a row without blocks."""
    if row.is_pair and not header:
        return ": ".join(filter(None, (one_line(cell).rstrip(":") for cell in row.cells)))
    return row_line(row.cells, header)


def apart(row: Row, header: Sequence[str]) -> Iterator[tuple[str, _Element | None]]:
    """A row with blocks: the line before each of them, which ends with the name of its column."""
    names = [*header, *[""] * len(row.cells)]
    start = 0
    for column, block in sorted(row.blocks.items(), key=lambda item: item[0]):
        yield row_line(row.cells[start:column], names[start:]), None
        yield f"{names[column]}:" if names[column] else "", block
        start = column + 1
    yield row_line(row.cells[start:], names[start:]), None


def with_headers(rows: Sequence[Row]) -> Iterator[tuple[Row, Sequence[str]]]:
    """The rows that are lines, each with the names of its columns.

    A header is itself a line only if it is alone, or if a column is empty and its name would be lost.
    """
    waiting: list[Row] = []
    header: Sequence[str] = ()
    for place, row in enumerate(rows):
        if row.is_header:
            waiting.append(row)
            continue
        if waiting and not row.is_title:
            header = _joined([waited.cells for waited in waiting])
            if _is_unfilled(header, takewhile(lambda below: not below.is_header, rows[place:])):
                yield from ((waited, ()) for waited in waiting)
            waiting = []
        yield row, () if row.is_title else header
    yield from ((waited, ()) for waited in waiting)


def table_lines(rows: Sequence[Sequence[str]], *, has_header: bool) -> list[str]:
    """The rows of a plain table as lines; its header is the first of them."""
    made = [Row(list(cells)) for cells in rows]
    for first in made[:1]:
        first.is_header = has_header
    return [line for row, header in with_headers(made) if (line := row_text(row, header))]


def names_columns(first: Sequence[str], rows: int) -> bool:
    """Whether an unmarked first row is a header, as in most tables of office programs.

    All its cells except the corner, which may be empty, have text.
    """
    return rows > 1 and len(first) > 1 and all(map(str.strip, first[1:]))


def _joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of the columns from header rows below each other: "2025" over "May" is "2025 May"."""
    width = max(map(len, rows), default=0)
    columns = ([one_line(row[place]) for row in rows if place < len(row)] for place in range(width))
    return [" ".join(dict.fromkeys(filter(None, names))) for names in columns]


def _is_unfilled(header: Sequence[str], rows: Iterator[Row]) -> bool:
    """Whether a column has a name and no text, so that its name is on no row's line."""
    filled = {
        column
        for row in rows
        for column, cell in enumerate(row.cells)
        if cell.strip() or column in row.blocks
    }
    return any(name and column not in filled for column, name in enumerate(header))
