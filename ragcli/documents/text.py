"""Plain text (paragraphs, underlined headings as in reStructuredText, Org headings) and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from ragcli.documents.cleaning import decode
from ragcli.documents.outline import LINE, Outline
from ragcli.documents.tables import row_line

Line = tuple[int, str]

_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}\s*$")
_ORG_HEADING = re.compile(r"(\*+)\s+(\S.*)$")
_CAPITALS = re.compile(r"(?:[A-Z\d]{1,3}[.)] )?[A-Z0-9][A-Z0-9 ,&/()'\-]{3,70}$")
# A paragraph of more lines is a log or a listing: cut in blocks, which keeps look-ups in it short.
_LONGEST_BLOCK = 200
# A heading is its text with a rule above and below at most.
_HEADING_LINES = 3


def read_text(data: bytes, name: str) -> Outline:
    """Paragraphs with the file's own line numbers."""
    outline = Outline("text")
    is_org = name.lower().endswith(".org")
    levels: list[str] = []
    for paragraph in paragraphs(decode(data)):
        place = 0
        while place < len(paragraph):
            here = paragraph[place : place + _HEADING_LINES]
            heading = _org_heading(here) if is_org else _underlined(here, levels) or _in_capitals(here)
            if heading:
                level, text, used = heading
                outline.heading(level, text, line=here[0][0])
                place += used
            else:
                end = _next_heading(paragraph, place + 1, is_org)
                add_lines(outline, paragraph[place:end])
                place = end
    return outline


def read_csv(data: bytes, name: str) -> Outline:
    """One line a row, each cell after its column's name; what is no table after all is read as text."""
    outline = Outline("csv")
    text = decode(data)
    reader = csv.reader(
        io.StringIO(text), delimiter="\t" if name.lower().endswith(".tsv") else _delimiter(text)
    )
    header: list[str] = []
    last = 0
    try:
        for row in reader:
            first, last = last + 1, reader.line_num
            if not header:
                header = row
                alone = row_line(row)
                continue
            outline.add(row_line(row, header), lines=(first, last), separator=LINE)
    except csv.Error:
        return read_text(data, name)
    if header and not outline.pieces:
        outline.add(alone, lines=(1, last))
    return outline


def paragraphs(text: str) -> Iterator[list[Line]]:
    """The numbered lines between blank lines."""
    group: list[Line] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            group.append((number, line))
        elif group:
            yield group
            group = []
    if group:
        yield group


def add_lines(outline: Outline, lines: list[Line], *, code: bool = False) -> None:
    """Add consecutive lines as one piece, or as several when there are very many."""
    for start in range(0, len(lines), _LONGEST_BLOCK):
        part = lines[start : start + _LONGEST_BLOCK]
        text = "\n".join(line for _, line in part)
        numbers = (part[0][0], part[-1][0])
        outline.add(text, lines=numbers, code=code, separator=LINE if start else "\n\n")


def _delimiter(text: str) -> str:
    head = text.split("\n", 1)[0]
    return ";" if head.count(";") > head.count(",") else ","


def _org_heading(lines: list[Line]) -> tuple[int, str, int] | None:
    match = _ORG_HEADING.match(lines[0][1])
    return (len(match[1]), match[2], 1) if match else None


def _underlined(lines: list[Line], levels: list[str]) -> tuple[int, str, int] | None:
    """A line with a rule of about its length below it; the order of first use gives the level, as in RST."""
    offset = 1 if len(lines) > 2 and _UNDERLINE.match(lines[0][1]) else 0
    if len(lines) < offset + 2:
        return None
    text, rule = lines[offset][1].strip(), lines[offset + 1][1].rstrip()
    if (
        not _UNDERLINE.match(rule)
        or _UNDERLINE.match(text)
        or not 0.7 * len(text) <= len(rule) <= 2 * len(text)
    ):
        return None
    style = rule[0] * (2 if offset else 1)
    if style not in levels:
        levels.append(style)
    return levels.index(style) + 1, text, offset + 2


def _in_capitals(lines: list[Line]) -> tuple[int, str, int] | None:
    """A paragraph of one short line in capitals, as in licences and manuals."""
    text = lines[0][1].strip()
    if len(lines) > 1 or not _CAPITALS.match(text) or sum(map(str.isalpha, text)) < 4:
        return None
    return 2, text, 1


def _next_heading(lines: list[Line], first: int, is_org: bool) -> int:
    """The place of the next heading from `first` on, or the end."""
    for place in range(first, len(lines)):
        here = lines[place : place + _HEADING_LINES]
        if (is_org and _org_heading(here)) or (not is_org and _underlined(here, [])):
            return place
    return len(lines)
