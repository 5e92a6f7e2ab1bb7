"""Tables as text: CSV, TSV and their relatives. One line per row, each cell after its column's name."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ragcli.documents.decoding import decode
from ragcli.documents.outline import LINE, PARAGRAPH, Outline
from ragcli.documents.tables import row_line
from ragcli.documents.text import add_text

Row = tuple[int, int, list[str]]
"""First line, last line, cells."""

_DELIMITERS = ",;\t|"
# Excel's own way to say which it is.
_SEP_LINE = re.compile("sep=(.)", re.IGNORECASE)
_NUMBER = re.compile(r"[-+(]?[$€£¥]?\s*\d[\d.,' ]*(?:e[-+]?\d+)?\s*[%€$£¥)]?", re.IGNORECASE)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ][\d:.+Z-]*)?|\d{1,2}:\d{2}(?::\d{2})?")
_YEAR = re.compile(r"(?:1[89]|20|21)\d\d")
_SAMPLED_CHARACTERS = 65536
# A delimiter makes a table if this share of the rows has the most common number of cells.
_REGULAR_SHARE = 0.6
# A line that is longer, or ends like a sentence, is not a cell of a one-column table.
_LONGEST_LONE_CELL = 100
# More than csv's own 131,072 characters per cell: a cell may contain a page.
_LONGEST_CELL = 10_000_000


def read_csv(data: bytes, name: str) -> Outline:
    """The first row names the columns unless it has numbers; if it is not a table, it is read as text."""
    outline = Outline("csv")
    text = decode(data, outline.notes)
    first_line, _, rest = text.partition("\n")
    said = _SEP_LINE.fullmatch(first_line)
    try:
        delimiter = said[1] if said else _delimiter(text, name)
        rows = [*_rows(rest if said else text, delimiter)] if delimiter else []
    except csv.Error:
        rows = []
    if rows:
        _add_rows(outline, rows, 1 if said else 0)
    else:
        outline.format = "text"
        add_text(outline, text, name)
    return outline


def _add_rows(outline: Outline, rows: list[Row], skipped: int) -> None:
    header: list[str] = []
    if len(rows) > 1 and _names_columns(rows[0][2], [cells for _, _, cells in rows[1:]]):
        header = rows[0][2]
        filled = {column for _, _, cells in rows[1:] for column, cell in enumerate(cells) if cell.strip()}
        # The name of an empty column is on no other line.
        if all(column in filled or not name.strip() for column, name in enumerate(header)):
            rows = rows[1:]
    for number, (first, last, cells) in enumerate(rows):
        line = row_line(cells, () if cells is header else header)
        separator = LINE if number else PARAGRAPH
        outline.add(line, lines=(first + skipped, last + skipped), separator=separator)


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    """The non-empty rows. If a quotation mark is never closed, all of them are plain characters."""
    usual = csv.field_size_limit(_LONGEST_CELL)
    try:
        yield from _read_rows(text, delimiter)
    finally:
        # The limit applies to the whole process.
        csv.field_size_limit(usual)


def _read_rows(text: str, delimiter: str) -> Iterator[Row]:
    plain = False
    try:
        for _ in csv.reader(
            _lines(text), delimiter=delimiter, skipinitialspace=delimiter != "\t", strict=True
        ):
            pass
    except csv.Error as problem:
        if "unexpected end" in str(problem):
            plain = True
    reader = csv.reader(
        _lines(text),
        delimiter=delimiter,
        skipinitialspace=delimiter != "\t",
        quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL,
    )
    last = 0
    for cells in reader:
        first, last = last + 1, reader.line_num
        if any(cell.strip() for cell in cells):
            yield first, last, cells


def _lines(text: str) -> io.StringIO:
    return io.StringIO(text, newline="")


def _delimiter(text: str, name: str) -> str | None:
    """The one that gives most rows the same number of cells, the more the better. None: not a table."""
    sample = text[:_SAMPLED_CHARACTERS]
    if len(sample) < len(text):
        sample = sample[: sample.rfind("\n") + 1] or sample
    preferred = "\t" if name.lower().endswith((".tsv", ".tab")) else ","
    if not any(delimiter in sample for delimiter in _DELIMITERS):
        lone = [line.strip() for line in sample.split("\n")]
        is_column = all(len(cell) <= _LONGEST_LONE_CELL and not cell.endswith(".") for cell in lone)
        return preferred if is_column else None
    best, best_rank = None, (_REGULAR_SHARE, False, 0)
    for delimiter in _DELIMITERS:
        share, width = _regularity(sample, delimiter)
        rank = (round(share, 1), delimiter == preferred, width)
        if width > 1 and rank > best_rank:
            best, best_rank = delimiter, rank
    return best


def _regularity(sample: str, delimiter: str) -> tuple[float, int]:
    """The share of the rows with the most common number of cells, and that number."""
    widths = Counter(len(cells) for _, _, cells in _rows(sample, delimiter))
    if not widths:
        return 0.0, 0
    width, regular = widths.most_common(1)[0]
    # The last cells of a row are often omitted with their delimiters; a single cell is not a row.
    others = sum(count for cells, count in widths.items() if 1 < cells != width)
    return (regular + others / 2) / widths.total(), width


def _names_columns(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row has names: no dates and no numbers, except years or 1, 2, 3 after a name."""
    names = [cell.strip() for cell in first]
    if sum(map(bool, names)) * 2 < len(names) or any(map(_DATE.fullmatch, names)):
        return False
    numbers = [column for column, name in enumerate(names) if _NUMBER.fullmatch(name)]
    if not numbers:
        return True
    if 0 in numbers or not names[0]:
        return False
    values = [names[column] for column in numbers]
    if len(values) > 1 and values == [str(number) for number in range(1, len(values) + 1)]:
        return True
    below = [row[column].strip() for row in rows for column in numbers if column < len(row)]
    return all(map(_YEAR.fullmatch, values)) and not all(map(_YEAR.fullmatch, filter(None, below)))
