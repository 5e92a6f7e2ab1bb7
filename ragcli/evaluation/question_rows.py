"""The bytes of a question file become numbered rows, by format: lines, a table or JSON lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ragcli.errors import UsageError

Rows = Iterator[tuple[int, Mapping[str, Any]]]
Reader = Callable[[str, str], Rows]
"""Gets a text and the name of its file, and gives each row with the number of its (last) line."""

FORMATS = "A question file is .txt, .csv, .tsv or .jsonl; see the README, Question files."
QUESTION = "question"
_QUOTE = "Put cells that contain the delimiter in double quotes."
_DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*\n', re.IGNORECASE)
# Not only at the beginning: `cat a.jsonl b.jsonl` includes the mark of the second file.
_MARK = re.compile("^\ufeff+", re.MULTILINE)
_WIDE_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def text_of(data: bytes, name: str) -> str:
    """UTF-8, or the UTF-16 that PowerShell writes; line ends become \\n. Raises UsageError."""
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{name} cannot be read: line {line} is not {encoding.upper()} text.",
            hint="Save the file as UTF-8.",
        ) from error
    return plain_lines(text)


def plain_lines(text: str) -> str:
    return _MARK.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _encoding(data: bytes) -> str:
    """By the mark; without one, an ASCII character at the beginning shows the width too."""
    for mark, encoding in _WIDE_MARKS:
        if data.startswith(mark):
            return encoding
    if len(data) > 1 and 0 in data[:2] and data[:2] != b"\0\0":
        return "utf-16-le" if data[1] == 0 else "utf-16-be"
    return "utf-8"


def reader_for(suffix: str) -> Reader | None:
    """By the suffix of a file name, in lower case."""
    return {".txt": lines, ".csv": table, ".tsv": table, ".jsonl": json_lines}.get(suffix)


def guessed_reader(text: str) -> Reader:
    """For text without a file name: JSON by its first character, a table by its header."""
    if text.lstrip().startswith(("{", "[")):
        return json_lines
    return table if _header_delimiter(_without_separator_line(text)[0], _DELIMITERS) else lines


def lines(text: str, name: str) -> Rows:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, {QUESTION: line.strip()}


def json_lines(text: str, name: str) -> Rows:
    # Not splitlines(): JSON may have U+2028 and similar characters within a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{name}, line {number}: not JSON: {error}", hint=FORMATS) from error
        if not isinstance(row, dict):
            raise UsageError(f"{name}, line {number}: not a JSON object", hint=FORMATS)
        yield number, row


def table(text: str, name: str) -> Rows:
    """Cells by the names of their columns; empty cells and empty rows are left out."""
    text, before, delimiter = _without_separator_line(text)
    likely = ("\t", *_DELIMITERS) if name.lower().endswith(".tsv") else _DELIMITERS
    delimiter = delimiter or _header_delimiter(text, likely) or likely[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    first = 1
    try:
        for row in rows:
            first, last = rows.line_num + 1, before + rows.line_num
            if not any(cell.strip() for cell in row):
                continue
            if header:
                yield last, _cells(row, header, f"{name}, line {last}")
            else:
                header = _checked_header(row, f"{name}, line {last}")
    except csv.Error as error:
        raise UsageError(f"{name}, line {before + first}: {error}", hint=_QUOTE) from error


def _without_separator_line(text: str) -> tuple[str, int, str]:
    """The text after Excel's `sep=;`, how many lines that took, and the delimiter that it names."""
    match = _SEPARATOR_LINE.match(text)
    return (text[match.end() :], 1, match[1]) if match else (text, 0, "")


def _header_delimiter(text: str, delimiters: tuple[str, ...]) -> str:
    """The one with which the first line has a cell `question`; "" if there is none."""
    header = text.lstrip("\n").partition("\n")[0]
    for delimiter in delimiters:
        try:
            cells = next(csv.reader([header], delimiter=delimiter), [])
        except csv.Error:
            continue
        if QUESTION in (cell.strip().lower() for cell in cells):
            return delimiter
    return ""


def _checked_header(row: list[str], place: str) -> list[str]:
    header = [cell.strip() for cell in row]
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{place}: two columns are named {twice!r}.", hint="Rename or delete one of them.")
    return header


def _cells(row: list[str], header: list[str], place: str) -> dict[str, str]:
    if len(row) > len(header):
        raise UsageError(
            f"{place}: {len(row)} cells for {len(header)} column{'s' if len(header) != 1 else ''}.",
            hint=_QUOTE,
        )
    cells = {name: cell for name, cell in zip(header, row, strict=False) if cell}
    if "" in cells:
        raise UsageError(f"{place}: the cell {cells['']!r} is in a column without a name.", hint=_QUOTE)
    return cells
