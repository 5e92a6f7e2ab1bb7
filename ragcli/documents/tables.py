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
    """The rows as lines. A header is folded into the rows below it; alone, it is a line itself."""
    if has_header and len(rows) > 1:
        lines = [row_line(row, rows[0]) for row in rows[1:]]
    else:
        lines = [row_line(row) for row in rows]
    return [line for line in lines if line]
