"""The sheets of ODS: each cell as it is shown, be it a date, a sum of money or a share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ragcli.documents.left_out import word_count, words
from ragcli.documents.opendocument.text import OFFICE, TABLE, TEXT, count
from ragcli.documents.opendocument.walk import Walk, rows_of
from ragcli.documents.sheets.sheet_tables import EMPTY, Cell, Row, add_sheet, hidden_sheet

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

# The most repeated cells and rows; more are the empty rest of a sheet, or a trap.
_MOST_COLUMNS = 1000
_MOST_ROWS = 1000


_CELL, _COVERED, _PARAGRAPH = f"{TABLE}table-cell", f"{TABLE}covered-table-cell", f"{TEXT}p"
_VALUE, _VALUE_TYPE = f"{OFFICE}value", f"{OFFICE}value-type"
_REPEATED = f"{TABLE}number-columns-repeated"
_SPANNED = (f"{TABLE}number-rows-spanned", f"{TABLE}number-columns-spanned")


def add_sheets(walk: Walk, spreadsheet: Element) -> None:
    """One section per sheet; lines are rows. What is drawn on a sheet follows its cells."""
    for table in spreadsheet.iterfind(f"{TABLE}table"):
        name = table.get(f"{TABLE}name", "")
        if walk.styles.is_hidden(table.get(f"{TABLE}style-name")):
            walk.outline.notes.append(hidden_sheet(name, _rows(walk, table)))
            continue
        add_sheet(walk.outline, name, _rows(walk, table))
        for shapes in table.iterfind(f"{TABLE}shapes"):
            walk.walk(shapes)


def _rows(walk: Walk, table: Element) -> Iterator[Row]:
    number = 0
    spans: dict[tuple[int, int], Cell] = {}
    for row in rows_of(table):
        repeated = count(row, f"{TABLE}number-rows-repeated")
        cells = list(_cells(walk, row, number, spans))
        shown = repeated if any(cell.text for cell in cells) else 1
        if shown > _MOST_ROWS:
            count_of_row = word_count(" ".join(cell.text for cell in cells))
            left = words(count_of_row * (shown - _MOST_ROWS))
            walk.outline.notes.append(f"row {number + 1} is repeated {repeated:,} times: {left} left out")
        for place in range(min(shown, _MOST_ROWS)):
            yield number + place + 1, cells
        number += repeated


def _cells(walk: Walk, row: Element, number: int, spans: dict[tuple[int, int], Cell]) -> Iterator[Cell]:
    column = 0
    for element in row:
        tag = element.tag
        repeated = min(count(element, _REPEATED), _MOST_COLUMNS)
        if tag == _COVERED:
            for place in range(column, column + repeated):
                yield spans.pop((number, place), EMPTY)
        elif tag == _CELL:
            cell = _cell(walk, element)
            _span(element, cell, (number, column), spans)
            yield from [cell] * repeated
        else:
            continue
        column += repeated


def _cell(walk: Walk, element: Element) -> Cell:
    if not len(element):
        return Cell(element.get(_VALUE) or "", is_text=False)
    first = element[0]
    # Nearly all cells have one paragraph of plain text, and a sheet has many cells.
    is_plain = len(element) == 1 and first.tag == _PARAGRAPH and not len(first)
    text = " ".join(((first.text or "") if is_plain else walk.text_of(element)).split())
    return Cell(text, is_text=element.get(_VALUE_TYPE, "string") == "string")


def _span(element: Element, cell: Cell, place: tuple[int, int], spans: dict[tuple[int, int], Cell]) -> None:
    height, width = (min(count(element, name), _MOST_COLUMNS) for name in _SPANNED)
    if height * width < 2 or not cell.text:
        return
    copy = Cell(cell.text, cell.is_text, is_copy=True)
    for row in range(place[0], place[0] + height):
        for column in range(place[1], place[1] + width):
            spans[row, column] = copy
