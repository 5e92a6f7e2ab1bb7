"""Repeated text along the edges of pages is kept once: headers, footers, page numbers. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from ragcli.documents.pdf.lines import Line, Page

# How many lines at the top and bottom of a page may run; on which share of the pages they must be alike
# (left and right pages differ); the share for those that look like headings; and the fewest pages.
_EDGE_LINES = 2
_SHARE = 0.35
_HEADING_SHARE = 0.6
_SLOT_SHARE = 0.6
_FEWEST_NUMBERED = 3
# Of the body's size: larger text is not a running line, smaller text counts as apart.
_LARGE = 1.12
_SMALL = 0.95
# In units of the usual distance between lines: farther from the text, a line is apart.
_APART = 1.4
# Of the page's height: how far from its edge a line may run.
_MARGIN = 0.2

_PAGE_NUMBER = re.compile(
    r"(?:page|p\.|seite|s\.)?\s*[-–—]?\s*(\d+)\s*(?:[-–—]|(?:of|/|von)\s*\d+)?", re.IGNORECASE
)
_ROMAN = re.compile(r"[-–—]?\s*[ivxlc]{1,7}\s*[-–—]?", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_NO_LETTERS = re.compile(r"[\W\d_]+")
_COUNTED = re.compile(r"(?<![\d.,])\d{1,4}(?![\d.,]\d|\d)")


@dataclass(frozen=True, slots=True)
class _Edge:
    """A line at the edge of a page, and what it may have in common with other pages."""

    page: int
    line: Line
    slot: tuple[str, int, float]
    is_heading: bool

    def keyed(self) -> Iterator[str]:
        """The text; and the text with each number as its distance from the number of the page."""
        yield self.line.text
        for match in _COUNTED.finditer(self.line.text):
            if not self.is_heading or self._is_page_number(match):
                distance = f"\0{int(match[0]) - self.page}"
                yield self.line.text[: match.start()] + distance + self.line.text[match.end() :]

    def _is_page_number(self, match: re.Match[str]) -> bool:
        """Even in a line that looks like a heading: by itself in a cell, or named as one."""
        return any(cell.text == match[0] for cell in self.line.cells) or bool(
            _PAGE_NUMBER.fullmatch(self.line.text)
        )


def without_running_lines(pages: Sequence[Page], body_size: float) -> tuple[list[Page], list[str]]:
    """The pages with each running line once, with the text of its first page; and a note on the others."""
    edges = [edge for page in pages for edge in _edges(page, body_size)]
    running = _running(edges, len(pages))
    # The text of a running line, without the page number, is kept once.
    squeezed = Counter(_squeezed(line.text) for page in pages for line in page.lines)
    for edge, _ in running.values():
        squeezed[_squeezed(edge.line.text)] -= 1
    said = {text for text, count in squeezed.items() if count > 0}
    kept: list[Page] = []
    dropped, words, touched = 0, 0, set()
    for page in pages:
        above: list[str] = []
        asides = list(page.asides)
        lines = []
        for line in page.lines:
            if id(line) not in running:
                lines.append(line)
                continue
            edge, text = running[id(line)]
            if text and _squeezed(text) not in said:
                (above if edge.slot[0] == "top" else asides).append(text)
                said.add(_squeezed(text))
            else:
                dropped += 1
                words += len(_WORD.findall(line.text))
                touched.add(page.number)
        kept.append(replace(page, lines=tuple(lines), above=tuple(above), asides=tuple(asides)))
    notes = []
    if dropped:
        what = "running header or footer" if dropped == 1 else "running headers and footers"
        where = "1 page" if len(touched) == 1 else f"{len(touched):,} pages"
        notes.append(
            f"{dropped:,} {what} on {where} left out ({words:,} {'word' if words == 1 else 'words'})"
        )
    return kept, notes


def _edges(page: Page, body_size: float) -> Iterator[_Edge]:
    """The outermost lines of a page that are apart from its text, or in smaller type."""
    heights = sorted({round(line.y) for line in page.lines}, reverse=True)
    gaps = [above - below for above, below in pairwise(heights)]
    usual = median(gaps) if gaps else 0.0
    for name, order in (("top", heights), ("bottom", heights[::-1])):
        limit = 0
        for number, height in enumerate(order[:_EDGE_LINES]):
            if number + 1 == len(order) or abs(order[number + 1] - height) >= _APART * min(
                usual, 1.3 * body_size
            ):
                limit = number + 1
        margin = _MARGIN * (page.head - page.foot)
        for line in page.lines:
            away = page.head - line.y if name == "top" else line.y - page.foot
            if away > margin:
                continue
            place = order.index(round(line.y))
            if place < limit or (place < _EDGE_LINES and line.size < _SMALL * body_size):
                is_heading = line.size >= _LARGE * body_size or line.bold
                yield _Edge(page.number, line, (name, round(line.y / 4), line.size), is_heading)


def _running(edges: Sequence[_Edge], pages: int) -> dict[int, tuple[_Edge, str]]:
    """By the identity of its line: (the edge, what is to be kept of its text once)."""
    seen: defaultdict[tuple[tuple[str, int, float], str], set[int]] = defaultdict(set)
    slots: defaultdict[tuple[str, int, float], set[int]] = defaultdict(set)
    for edge in edges:
        slots[edge.slot].add(edge.page)
        for key in edge.keyed():
            seen[edge.slot, key].add(edge.page)
    running: dict[int, tuple[_Edge, str]] = {}
    for edge in edges:
        kept = _alike(edge, seen, pages)
        if kept is not None:
            running[id(edge.line)] = edge, kept
    for edge in edges:
        # If most pages have a running line, the text there on the others is one too: a section's name.
        alike = [other for other in edges if other.slot == edge.slot] if len(slots[edge.slot]) > 3 else []
        if (
            id(edge.line) not in running
            and not edge.is_heading
            and len(slots[edge.slot]) >= max(4, _SLOT_SHARE * pages)
            and sum(id(other.line) in running for other in alike) >= len(alike) / 2
        ):
            running[id(edge.line)] = edge, _uncounted(edge)
    return running


def _alike(edge: _Edge, seen: dict[tuple[tuple[str, int, float], str], set[int]], pages: int) -> str | None:
    """The part to keep of a line that other pages share; None for a line that is not a running one."""
    match = _PAGE_NUMBER.fullmatch(edge.line.text)
    if (match and int(match[1]) == edge.page) or _ROMAN.fullmatch(edge.line.text):
        return ""
    needed = max(2.0, (_HEADING_SHARE if edge.is_heading else _SHARE) * pages)
    for key in edge.keyed():
        count = len(seen[edge.slot, key])
        if "\0" in key and count >= min(max(needed, 2.0), _FEWEST_NUMBERED) and count >= _FEWEST_NUMBERED:
            return re.sub("\0-?\\d+", "", key).strip() if not match else ""
        if "\0" not in key and count >= needed:
            return edge.line.text
    return None


def _uncounted(edge: _Edge) -> str:
    cells = [cell.text for cell in edge.line.cells if not _PAGE_NUMBER.fullmatch(cell.text)]
    return " ".join(cells)


def _squeezed(text: str) -> str:
    return _NO_LETTERS.sub("", text.lower())
