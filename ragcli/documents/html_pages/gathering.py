"""Collects the text while a page is read, and its lines in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ragcli.documents.outline import one_line

if TYPE_CHECKING:
    from lxml.etree import _Element

BREAK = "\0"
"""Marks the end of a line of the page; no text of a page contains it."""


class Gathered(NamedTuple):
    text: str
    lines: tuple[int, int]

    @property
    def line(self) -> str:
        return one_line(self.text.replace(BREAK, " "))

    @property
    def paragraph(self) -> str:
        """With one line for each line that the page shows."""
        return "\n".join(filter(None, map(one_line, self.text.split(BREAK))))


class TextBuffer:
    """lxml knows the line of an element; those of the texts between are counted from there."""

    def __init__(self, line: int = 1) -> None:
        self.line = line
        self._parts: list[str] = []
        self._first = self._last = 0

    def reach(self, element: _Element) -> None:
        self.line = max(self.line, element.sourceline or 0)

    def read(self, text: str | None) -> None:
        """Text of the file."""
        if not text:
            return
        if not text.isspace():
            leading = len(text) - len(text.lstrip())
            self._first = self._first or self.line + text.count("\n", 0, leading)
            self._last = self.line + text.rstrip().count("\n")
        self._parts.append(text)
        self.line += text.count("\n")

    def say(self, text: str) -> None:
        """What the page shows but does not contain as text."""
        self._parts.append(text)
        if text and text != BREAK and not text.isspace():
            self._first, self._last = self._first or self.line, self.line

    def skip(self, element: _Element) -> None:
        """Count the lines of a part that is not read, or that has been read as a whole."""
        for part in element.iter():
            self.reach(part)
            if isinstance(part.tag, str):
                self.line += (part.text or "").count("\n")
            if part is not element:
                self.line += (part.tail or "").count("\n")

    def __len__(self) -> int:
        return len(self._parts)

    def since(self, place: int) -> str:
        return "".join(self._parts[place:])

    def last_sign(self) -> str:
        return next((part[-1] for part in reversed(self._parts) if part), "")

    def insert(self, place: int, text: str) -> None:
        self._parts.insert(place, text)

    def take(self) -> Gathered:
        """All of it, and begin again."""
        gathered = Gathered("".join(self._parts), (self._first or self.line, self._last or self.line))
        self._parts.clear()
        self._first = self._last = 0
        return gathered
