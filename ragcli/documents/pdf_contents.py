"""Lists of contents: their entries stand in the text again, as headings. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ragcli.documents.pdf_lines import Line, Page

_NUMBER = r"(?:\d{1,4}|[ivxlc]{1,7})"
_ENTRY = re.compile(
    rf"(?:\s(?:[.…·]\s?){{2,}}\s*{_NUMBER}|(?:[.…·]\s?){{4,}}\s*{_NUMBER}?)\s*$", re.IGNORECASE
)
_SPACES_AND_SIGNS = re.compile(r"[\W_]+")
_LEADERS = re.compile(r"\s*(?:[.…·]\s?){4,}\s*")


def without_contents(pages: Sequence[Page]) -> tuple[list[Page], list[str]]:
    """Without the entries whose words stand in the text elsewhere; the others lose their dots. And a note."""
    entries = {id(line) for page in pages for line in page.lines if is_entry(line.text)}
    if not entries:
        return list(pages), []
    texts = Counter(_squeezed(line.text) for page in pages for line in page.lines if id(line) not in entries)
    kept: list[Page] = []
    dropped = 0
    for page in pages:
        lines: list[Line] = []
        for line in page.lines:
            match = _ENTRY.search(line.text) if id(line) in entries else None
            if match and texts[_squeezed(line.text[: match.start()])]:
                dropped += 1
            elif match or _LEADERS.search(line.text):
                lines.append(_undotted(line))
            else:
                lines.append(line)
        kept.append(replace(page, lines=tuple(lines)))
    if not dropped:
        return kept, []
    return kept, [f"{dropped:,} line{'s' if dropped > 1 else ''} of a list of contents left out"]


def is_entry(text: str) -> bool:
    """Whether dots lead to a page's number."""
    return bool(_ENTRY.search(text))


def _squeezed(text: str) -> str:
    return _SPACES_AND_SIGNS.sub("", text.lower())


def _undotted(line: Line) -> Line:
    """A price list has its dots as well: what they join stays on one line."""
    text = _LEADERS.sub(" ", line.text)
    size = max(line.cells, key=lambda cell: len(cell.text))
    return replace(line, text=text.strip(), bold=False, cells=(size._replace(text=text.strip()),))
