"""The cells of an AsciiDoc table, whichever way its rows are written."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

_OPTION = re.compile(r"(?:options|opts)\s*=\s*\"?([^\"\]]*)|%([\w%]+)")
_COLUMNS = re.compile(r"cols\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s,\]]+))")
# What may come before the bar of a cell: 2+ or .3+ (spans), 3* (copies), alignment, and how it is set.
_SPECIFICATION = r"(?:(\d*)(?:\.(\d+))?([+*]))?[<^>]?(?:\.[<^>])?[adehlmsv]?"


def table_rows(lines: Sequence[str], kind: str, options: str) -> tuple[list[list[str]], bool]:
    """The rows and whether the first one names the columns; `kind` is the first character of the edge."""
    if kind in ",:":
        rows = [row for row in csv.reader(lines, delimiter=kind) if row]
        return rows, _has_header(lines, options)
    cells = _cells("\n".join(lines), kind)
    width = _width(options) or _width_of_first_line(lines, kind) or 1
    rows = []
    row: list[str] = []
    for text, span in cells:
        row += [text, *[""] * (span - 1)]
        if len(row) >= width:
            rows.append(row)
            row = []
    return [*rows, row] if row else rows, _has_header(lines, options)


def _cells(text: str, bar: str) -> list[tuple[str, int]]:
    """(text, columns) of each cell; a copied cell comes as often as it says."""
    cell = re.compile(
        rf"(?:(?<=\s)|^){_SPECIFICATION}(?<!\\){re.escape(bar)}|(?<!\\){re.escape(bar)}", re.MULTILINE
    )
    found = list(cell.finditer(text))
    cells: list[tuple[str, int]] = []
    for match, following in zip(found, [*found[1:], None], strict=True):
        inside = text[match.end() : following.start() if following else len(text)]
        content = inside.replace(f"\\{bar}", bar).strip()
        times = min(int(match[1] or 1), 100)
        cells += [(content, 1)] * times if match[3] == "*" else [(content, times if match[3] == "+" else 1)]
    return cells


def _width(options: str) -> int:
    match = _COLUMNS.search(options)
    if not match:
        return 0
    columns = next(group for group in match.groups() if group is not None)
    times = re.fullmatch(r"\s*(\d+)\*.*|\s*(\d+)\s*", columns)
    if times and times[1]:
        return int(times[1])
    return sum(int(part[1] or 1) for part in re.finditer(r"(?:^|[,;])\s*(?:(\d+)\*)?[^,;]*", columns))


def _width_of_first_line(lines: Sequence[str], bar: str) -> int:
    first = next((line for line in lines if line.strip()), "")
    return sum(span for _, span in _cells(first, bar))


def _has_header(lines: Sequence[str], options: str) -> bool:
    """Declared, or the first row is one line with an empty line after it and none before."""
    said = " ".join(" ".join(filter(None, match.groups())) for match in _OPTION.finditer(options))
    if "header" in said:
        return True
    return "noheader" not in said and len(lines) > 2 and bool(lines[0].strip()) and not lines[1].strip()
