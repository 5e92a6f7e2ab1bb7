"""Lists of contents: their entries are neither headings nor rows of a table, and lose their dots. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ragcli.documents.pdf.lines import Line, Page

_NUMBER = r"(?:\d{1,4}|[ivxlc]{1,7})"
_ENTRY = re.compile(
    rf"(?:\s(?:[.…·]\s?){{2,}}\s*{_NUMBER}|(?:[.…·]\s?){{4,}}\s*{_NUMBER}?)\s*$", re.IGNORECASE
)
# Price lists have dots as well: the parts that they join stay on one line.
_LEADERS = re.compile(r"\s*(?:[.…·]\s?){4,}\s*|\s(?:[.…·]\s?){2,}(?=\d{1,4}$)")
# Next to this many entries, a line without dots that ends in a number is also an entry.
_FEWEST = 3


def with_listed_contents(pages: Sequence[Page]) -> list[Page]:
    return [replace(page, lines=_lines(page)) for page in pages]


def _lines(page: Page) -> tuple[Line, ...]:
    entries = {id(line) for line in page.lines if _ENTRY.search(line.text)}
    if len(entries) >= _FEWEST:
        entries |= {
            id(line)
            for line in page.lines
            if len(line.cells) > 1 and re.fullmatch(_NUMBER, line.cells[-1].text, re.IGNORECASE)
        }
    return tuple(
        _listed(line) if id(line) in entries or _LEADERS.search(line.text) else line for line in page.lines
    )


def _listed(line: Line) -> Line:
    return replace(line, text=_LEADERS.sub(" ", line.text).strip(), listed=True)
