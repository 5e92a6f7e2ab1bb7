"""The numbers of lists and headings as Word shows them; the file does not contain them as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragcli.documents.numerals import repeated_letter, roman
from ragcli.documents.word.package import WORD, is_on, number, value
from ragcli.documents.word.styles import Styles

if TYPE_CHECKING:
    from lxml.etree import _Element

BULLET = "-"
_LEVELS = 9
_NOT_SAID = -1
_PLACE = re.compile(r"%([1-9])")
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_TEENS = range(11, 14)


def _ordinal(count: int) -> str:
    return f"{count}{'th' if count % 100 in _TEENS else _ENDINGS.get(count % 10, 'th')}"


_FORMS: dict[str, Callable[[int], str]] = {
    "decimalZero": lambda count: f"{count:02}",
    "lowerLetter": repeated_letter,
    "upperLetter": lambda count: repeated_letter(count).upper(),
    "lowerRoman": roman,
    "upperRoman": lambda count: roman(count).upper(),
    "ordinal": _ordinal,
    "none": lambda _: "",
}


@dataclass(frozen=True, slots=True)
class _Level:
    start: int
    form: str
    text: str
    only_digits: bool
    restarts_after: int


@dataclass(frozen=True, slots=True)
class Marker:
    """The marker before the paragraph, "" if the list shows none; and its depth, from 0."""

    text: str
    depth: int

    @property
    def is_bullet(self) -> bool:
        return self.text == BULLET


class Numbering:
    """Counts along the document: `marker` is called once for each paragraph, in order."""

    def __init__(self, root: _Element | None, styles: Styles) -> None:
        self._styles = styles
        lists = [] if root is None else list(root.iter(f"{WORD}num"))
        self._lists = {one.get(f"{WORD}numId", ""): one for one in lists}
        kinds = [] if root is None else list(root.iter(f"{WORD}abstractNum"))
        self._kinds = {kind.get(f"{WORD}abstractNumId", ""): kind for kind in kinds}
        self._by_style = {value(kind, f"{WORD}styleLink"): kind for kind in kinds}
        self._counts: dict[str, list[int | None]] = {}
        self._begun: set[tuple[str, int]] = set()
        self._levels: dict[tuple[str, int], _Level | None] = {}

    def marker(self, paragraph: _Element) -> Marker | None:
        """None for a paragraph that is in no list."""
        identity, depth = self._place(paragraph)
        if identity not in self._lists:
            return None
        level = self._level(identity, depth)
        if level is None:
            return Marker("", depth)
        counts = self._count(identity, depth, level)
        if level.form == "bullet":
            return Marker(BULLET, depth)
        shown = _PLACE.sub(lambda place: self._shown(identity, int(place[1]) - 1, counts, level), level.text)
        return Marker(shown.strip(), depth)

    def _place(self, paragraph: _Element) -> tuple[str, int]:
        """The list's id and the depth in it, each from the nearest place that defines it."""
        identity, depth = "", ""
        for properties in self._styles.properties(paragraph):
            identity = identity or value(properties, f"{WORD}numPr/{WORD}numId")
            depth = depth or value(properties, f"{WORD}numPr/{WORD}ilvl")
        if not depth and identity in self._lists:
            depth = self._depth_of_style(identity, self._styles.identity(paragraph))
        return identity, min(int(depth[:2]), _LEVELS - 1) if depth.isdecimal() else 0

    def _depth_of_style(self, identity: str, style: str) -> str:
        kind = self._kind(identity)
        for level in () if kind is None else kind.iter(f"{WORD}lvl"):
            if value(level, f"{WORD}pStyle") == style:
                return str(level.get(f"{WORD}ilvl", ""))
        return ""

    def _kind(self, identity: str) -> _Element | None:
        """The definition of the list, or the one that it borrows."""
        kind = self._kinds.get(value(self._lists[identity], f"{WORD}abstractNumId"))
        borrowed = value(kind, f"{WORD}numStyleLink")
        return self._by_style.get(borrowed, kind) if borrowed else kind

    def _level(self, identity: str, depth: int) -> _Level | None:
        if (identity, depth) not in self._levels:
            self._levels[identity, depth] = self._found_level(identity, depth)
        return self._levels[identity, depth]

    def _found_level(self, identity: str, depth: int) -> _Level | None:
        override = self._override(identity, depth)
        found = None if override is None else override.find(f"{WORD}lvl")
        if found is None:
            kind = self._kind(identity)
            found = None if kind is None else kind.find(f"{WORD}lvl[@{WORD}ilvl='{depth}']")
        if found is None:
            return None
        return _Level(
            start=number(found, f"{WORD}start", 0),
            form=value(found, f"{WORD}numFmt", "decimal"),
            text=value(found, f"{WORD}lvlText"),
            only_digits=is_on(found, f"{WORD}isLgl"),
            restarts_after=number(found, f"{WORD}lvlRestart", depth),
        )

    def _override(self, identity: str, depth: int) -> _Element | None:
        return self._lists[identity].find(f"{WORD}lvlOverride[@{WORD}ilvl='{depth}']")

    def _count(self, identity: str, depth: int, level: _Level) -> list[int | None]:
        """Lists with the same definition continue counting, unless one says where it starts."""
        key = value(self._lists[identity], f"{WORD}abstractNumId")
        counts = self._counts.setdefault(key, [None] * _LEVELS)
        before = counts[depth]
        start = number(self._override(identity, depth), f"{WORD}startOverride", _NOT_SAID)
        if start != _NOT_SAID and (identity, depth) not in self._begun:
            self._begun.add((identity, depth))
            counts[depth] = start
        else:
            counts[depth] = level.start if before is None else before + 1
        for below in range(depth + 1, _LEVELS):
            deeper = self._level(identity, below)
            if deeper is None or depth < deeper.restarts_after:
                counts[below] = None
        return counts

    def _shown(self, identity: str, depth: int, counts: list[int | None], at: _Level) -> str:
        level = self._level(identity, depth)
        if level is None:
            return ""
        count = counts[depth]
        count = level.start if count is None else count
        return str(count) if at.only_digits else _FORMS.get(level.form, str)(count)
