"""Tables as lines that stand alone: "Plan: Gold | Price: 10 EUR", so that a chunk can begin at any row."""

from __future__ import annotations

from collections.abc import Sequence

from ragcli.documents.outline import one_line

CELL_SEPARATOR = " | "


def row_line(cells: Sequence[str], header: Sequence[str] = ()) -> str:
    """One row on one line, each cell after its column's name; empty cells are left out."""
    parts = []
    for column, cell in enumerate(cells):
        text = one_line(cell)
        name = one_line(header[column]).rstrip(":") if column < len(header) else ""
        if text:
            parts.append(f"{name}: {text}" if name else text)
    return CELL_SEPARATOR.join(parts)


def table_lines(rows: Sequence[Sequence[str]], *, has_header: bool) -> list[str]:
    """The rows as lines. A header is folded into the rows below it; it is a line itself where it stands alone
    or where the name of an empty column would be lost.
    """
    if has_header and len(rows) > 1:
        lines = [row_line(rows[0])] if is_unfilled(rows[0], rows[1:]) else []
        lines += [row_line(row, rows[0]) for row in rows[1:]]
    else:
        lines = [row_line(row) for row in rows]
    return [line for line in lines if line]


def joined_header(rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of the columns from header rows below each other: "2025" over "May" is "2025 May"."""
    width = max(map(len, rows), default=0)
    columns = ([one_line(row[place]) for row in rows if place < len(row)] for place in range(width))
    return [" ".join(dict.fromkeys(filter(None, names))) for names in columns]


def names_columns(first: Sequence[str], rows: int) -> bool:
    """Whether a first row that nothing marks as a header is one, as in most tables of office programs.

    All its cells but the corner, which may be empty, hold a text.
    """
    return rows > 1 and len(first) > 1 and all(map(str.strip, first[1:]))


def is_unfilled(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column has a name and no text, so that its name is on no row's line."""
    return any(
        one_line(name) and not any(column < len(row) and row[column].strip() for row in rows)
        for column, name in enumerate(header)
    )
