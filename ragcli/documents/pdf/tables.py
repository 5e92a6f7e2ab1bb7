"""Rows of cells become lines with the names of their columns, by the positions of the cells. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ragcli.documents.outline import one_line
from ragcli.documents.pdf.lines import Line, Segment, Word, segment_of
from ragcli.documents.tables import CELL_SEPARATOR, row_line

# In units of the font size: rows farther apart are not in one table; closer ones may be one wrapped row.
_ROW_GAP = 4.0
_WRAP_GAP = 1.45
# In points: how exactly cells of one column begin or end at one place.
_EDGE = 3.0
# In units of the font size: the gap between words if the second may be in the next column.
_SPLIT_GAP = 0.4
_LABEL = re.compile(
    r"[•◦▪‣·●○■–—*-]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]|(?:[A-Z]|\d{1,2})(?:\.\d{1,2})*\.?|\[\w{1,8}\]|.{1,60}:"
)
_EQUATION_NUMBER = re.compile(r"\(?\d+(?:\.\d+)*[a-z]?\)")
_NUMBER = re.compile(
    r"[-+−–(]?[^\w\s]?\s?\d[\d.,\s]*(?:[%)]|\s?\w{1,3})?(?:\^?\d)?|[-–—]|n/?a", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Table:
    rows: tuple[str, ...]


def with_tables(lines: Sequence[Line]) -> list[Line | Table]:
    """The lines in their order, each table as one thing; a line that only looks like a row is one line."""
    found: list[Line | Table] = []
    place = 0
    while place < len(lines):
        group = _group(lines, place)
        if len(group) > 1:
            found.append(Table(tuple(_rows(group))))
        else:
            found.append(lines[place])
        place += max(1, len(group))
    return found


def _group(lines: Sequence[Line], start: int) -> list[Line]:
    """The lines from `start` on that are rows of one table."""
    group: list[Line] = []
    rows = 0
    for line in lines[start:]:
        if group and not _follows(group, line):
            break
        if _is_row(line):
            rows += 1
        elif not group or not _is_part(group, line):
            break
        group.append(line)
    while group and not _is_row(group[-1]) and not _is_wrapped(group, len(group) - 1):
        group.pop()
    return group if rows > 1 else []


def _is_row(line: Line) -> bool:
    if len(line.cells) < 2 or line.mono or line.listed:
        return False
    if len(line.cells) == 2:
        first, last = line.cells
        return not (_LABEL.fullmatch(first.text) and not _NUMBER.fullmatch(last.text)) and not (
            _EQUATION_NUMBER.fullmatch(last.text)
        )
    return True


def _follows(group: list[Line], line: Line) -> bool:
    last = group[-1]
    return (
        0 < last.y - line.y < _ROW_GAP * max(last.size, line.size)
        and abs(line.size - last.size) < 0.3 * last.size
    )


def _is_part(group: list[Line], line: Line) -> bool:
    """Whether this is a single cell in a column of the rows above, not a line of text under the table."""
    edges = [(cell.left, cell.right) for row in group for cell in row.cells if len(row.cells) > 1]
    if line.mono or line.listed or len(line.cells) > 1:
        return False
    first = min(left for left, _ in edges)
    if line.left < first + _EDGE:
        return line.right <= max(right for left, right in edges if left < first + _EDGE) + _EDGE
    last = max(right for _, right in edges)
    return line.right < last + _EDGE and 2 * (line.right - line.left) < last - first


def _is_wrapped(group: list[Line], place: int) -> bool:
    return place > 0 and group[place - 1].y - group[place].y < _WRAP_GAP * group[place].size


def _rows(group: list[Line]) -> list[str]:
    columns = _columns(group)
    cells = _without_doubles([_cells(line, columns) for line in group])
    headers = _header_rows(group, cells)
    header = [one_line(" ".join(row[column] for row in cells[:headers])) for column in range(len(cells[0]))]
    body = _unwrapped(group[headers:], cells[headers:])
    if not headers or any(
        name and not any(row[column] for row in body) for column, name in enumerate(header)
    ):
        # A name whose column is empty would be on no row's line.
        return [row_line(row) for row in [*cells[:headers], *body]]
    if not header[0] and any(row[0] for row in body):
        return [CELL_SEPARATOR.join(filter(None, header)), *(_named(row, header) for row in body)]
    return [row_line(row, header) for row in body]


def _named(row: list[str], header: list[str]) -> str:
    """A row of a table whose corner is empty, so that the first cell names it."""
    name, *rest = row
    is_full = all(cell or not title for cell, title in zip(rest, header[1:], strict=True))
    values = row_line(rest) if is_full else row_line(rest, header[1:])
    return f"{name}: {values}" if name and values else name or values


def _columns(group: list[Line]) -> list[tuple[float, float]]:
    """Left and right edge of each column: those of the fullest row, widened by the others."""
    fullest = max(group, key=lambda line: len(line.cells))
    columns = [[cell.left, cell.right] for cell in fullest.cells]
    for line in group:
        for cell in line.cells:
            touched = [column for column in columns if column[0] < cell.right and cell.left < column[1]]
            if not touched:
                columns.append([cell.left, cell.right])
                columns.sort()
            elif len(touched) == 1:
                (column,) = touched
                place = columns.index(column)
                most = columns[place + 1][0] if place + 1 < len(columns) else cell.right
                least = columns[place - 1][1] if place else cell.left
                column[0] = max(least, min(column[0], cell.left))
                column[1] = min(most, max(column[1], cell.right))
    return [(left, right) for left, right in columns]


def _cells(line: Line, columns: Sequence[tuple[float, float]]) -> list[str]:
    found = [""] * len(columns)
    for cell in line.cells:
        for part in _split(cell, columns):
            column = _column_of(part, columns)
            found[column] = f"{found[column]} {part.text}".strip()
    return found


def _without_doubles(cells: list[list[str]]) -> list[list[str]]:
    """Neighbours that never occur in the same row are one column: a name centred over flush-left cells."""
    column = 0
    while column + 1 < len(cells[0]):
        if any(row[column] and row[column + 1] for row in cells):
            column += 1
        else:
            cells = [[*row[:column], row[column] or row[column + 1], *row[column + 2 :]] for row in cells]
    return cells


def _column_of(cell: Segment | Word, columns: Sequence[tuple[float, float]]) -> int:
    """The column that the cell covers most of, the first of equals."""
    best, most = 0, -math.inf
    for number, (left, right) in enumerate(columns):
        shared = min(cell.right, right) - max(cell.left, left)
        if shared > most:
            best, most = number, shared
        elif left > cell.right:
            break
    return best


def _split(cell: Segment, columns: Sequence[tuple[float, float]]) -> list[Segment]:
    """A cell as several if words begin at the edges of columns: narrow gaps also separate cells."""
    touched = [column for column in columns if column[0] < cell.right and cell.left < column[1]]
    if len(touched) < 2:
        return [cell]
    parts = [[cell.words[0]]]
    for word in cell.words[1:]:
        before = parts[-1][-1]
        is_apart = word.left - before.right > _SPLIT_GAP * word.size
        if is_apart and _column_of(word, columns) != _column_of(before, columns):
            parts.append([word])
        else:
            parts[-1].append(word)
    return [segment_of(part, cell.order) for part in parts]


def _header_rows(group: list[Line], cells: list[list[str]]) -> int:
    """How many rows name the columns: bold ones on top, or one without numbers over columns of numbers."""
    bold = 0
    while bold < len(group) and group[bold].bold:
        bold += 1
    if 0 < bold < len(group) and len(group[0].cells) > 1:
        return bold
    if bold or len(cells) < 2:
        return 0
    first, *rest = cells
    names = sum(1 for cell in first if cell)
    if names < len(first) - 1 or any(_NUMBER.fullmatch(cell) for cell in first if cell):
        return 0
    numeric = [
        column
        for column in range(1, len(first))
        if (values := [row[column] for row in rest if row[column]])
        and sum(bool(_NUMBER.fullmatch(value)) for value in values) > len(values) / 2
    ]
    return int(bool(numeric))


def _unwrapped(lines: Sequence[Line], cells: Sequence[list[str]]) -> list[list[str]]:
    """Rows in which some lines only continue the cells above, joined."""
    gaps = [above.y - below.y for above, below in pairwise(lines)]
    rows: list[list[str]] = []
    widest = max((gap for gap, row in zip(gaps, cells[1:], strict=True) if row[0]), default=0.0)
    for number, row in enumerate(cells):
        filled = [place for place, cell in enumerate(row) if cell]
        if (
            rows
            and len(filled) < len(row)
            and _goes_on(rows[-1], row, filled, gaps[number - 1], widest, lines[number])
        ):
            for place in filled:
                rows[-1][place] = f"{rows[-1][place]} {row[place]}".strip()
        else:
            rows.append(list(row))
    return rows


def _goes_on(
    above: list[str], row: list[str], filled: list[int], gap: float, widest: float, line: Line
) -> bool:
    if not filled or gap > _WRAP_GAP * line.size or not all(above[place] for place in filled):
        return False
    if any(_NUMBER.fullmatch(row[place]) for place in filled):
        return False
    if gap < 0.85 * widest and not row[0]:
        return True
    return len(filled) == 1 and (row[filled[0]][0].islower() or above[filled[0]].endswith("-"))
