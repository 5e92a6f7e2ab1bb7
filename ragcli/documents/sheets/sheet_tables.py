"""The tables of a sheet: separated by empty rows, each with a header that its rows repeat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ragcli.documents.left_out import words_of
from ragcli.documents.outline import LINE, PARAGRAPH, Outline, one_line
from ragcli.documents.tables import row_line


@dataclass(frozen=True, slots=True)
class Cell:
    """As it is shown. `is_text` is False for numbers, dates and truth values: these do not name a column.

    `is_copy` marks what a merged cell shows beyond its first row and column.
    """

    text: str
    is_text: bool = True
    is_copy: bool = False


EMPTY = Cell("")
Row = tuple[int, Sequence[Cell]]
"""The row's number in the sheet, and its cells."""


def add_sheet(outline: Outline, name: str, rows: Iterable[Row]) -> None:
    """A section with the sheet's name; lines are its rows."""
    outline.set_path(tuple(filter(None, [one_line(name)])))
    header: Sequence[str] = ()
    for block in _with_headers(_blocks(rows)):
        header = _add_block(outline, block, header)


def hidden_sheet(name: str, rows: Iterable[Row]) -> str:
    """The note on a sheet that is not shown."""
    said = " ".join(cell.text for _, cells in rows for cell in cells if not cell.is_copy)
    return f"the sheet {one_line(name)} is hidden, and left out ({words_of(said)})"


def _with_headers(blocks: Iterable[list[Row]]) -> Iterator[list[Row]]:
    """A row of names that an empty row separates from its table belongs to it."""
    above: list[Row] = []
    for block in blocks:
        if above and any(not cell.is_text for cell in block[0][1] if cell.text):
            block = above + block
        elif above:
            yield above
        above = []
        if len(block) == 1 and _names_columns(block[0][1], 0):
            above = block
        else:
            yield block
    if above:
        yield above


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    block: list[Row] = []
    for number, cells in rows:
        if any(cell.text for cell in cells):
            block.append((number, cells))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _add_block(outline: Outline, block: list[Row], before: Sequence[str]) -> Sequence[str]:
    """Titles above a table are separate, and so is a single column. Returns the header from here on."""
    titles = 0
    while titles < len(block) and _filled(block[titles][1]) < 2 and titles < len(block) - 1:
        titles += 1
    if _filled(block[titles][1]) < 2:
        titles = len(block)
    for number, cells in block[:titles]:
        _add(outline, number, cells, (), first=number == block[0][0])
    body = block[titles:]
    if not body:
        return before
    height = _header_height(body, before)
    header = _names([cells for _, cells in body[:height]]) if height else before
    unused = _unused(header, [cells for _, cells in body[height:]]) if height else ""
    outline.add(unused, lines=(body[0][0], body[height][0]), separator=LINE if titles else PARAGRAPH)
    for place, (number, cells) in enumerate(body[height:]):
        _add(outline, number, cells, header, first=not place and not titles and not unused)
    return header


def _unused(header: Sequence[str], rows: list[Sequence[Cell]]) -> str:
    """Names of empty columns, which no row repeats."""
    used = {place for cells in rows for place, cell in enumerate(cells) if cell.text}
    return row_line([name for place, name in enumerate(header) if place not in used])


def _header_height(body: list[Row], before: Sequence[str]) -> int:
    """How many rows name the columns; 0 if the table continues below the names of the one above it."""
    first = body[0][1]
    used = max(len(_trimmed(cells)) for _, cells in body)
    if not _names_columns(first, used) or len(body) < 2:
        return 0
    rest_is_text = all(cell.is_text for _, cells in body[1:] for cell in cells if cell.text)
    if rest_is_text and len(before) == used:
        return 0
    spans = any(cell.is_copy for cell in first)
    return 2 if spans and len(body) > 2 and _names_columns(body[1][1], used) else 1


def _names_columns(cells: Sequence[Cell], used: int) -> bool:
    filled = [cell for cell in cells if cell.text]
    return len(filled) > 1 and all(cell.is_text for cell in filled) and len(filled) >= used / 2


def _names(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """The names of the columns: "2025" over "May" is "2025 May"."""
    width = max(map(len, rows))
    columns = ([row[place].text for row in rows if place < len(row)] for place in range(width))
    found = [" ".join(dict.fromkeys(filter(None, map(one_line, names)))) for names in columns]
    while found and not found[-1]:
        found.pop()
    return found


def _add(outline: Outline, number: int, cells: Sequence[Cell], header: Sequence[str], *, first: bool) -> None:
    # A cell that spans columns is one cell, but the rows that it spans are rows of their own.
    texts = [
        "" if cell.is_copy and place and cells[place - 1] == cell else cell.text
        for place, cell in enumerate(cells)
    ]
    outline.add(row_line(texts, header), lines=(number, number), separator=PARAGRAPH if first else LINE)


def _filled(cells: Sequence[Cell]) -> int:
    return sum(bool(cell.text) and not cell.is_copy for cell in cells)


def _trimmed(cells: Sequence[Cell]) -> Sequence[Cell]:
    end = len(cells)
    while end and not cells[end - 1].text:
        end -= 1
    return cells[:end]
