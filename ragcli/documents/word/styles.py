"""What a Word paragraph is by its style: a heading, a title, code; and what it takes from styles below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from ragcli.documents.word.package import WORD, is_on, number, value

if TYPE_CHECKING:
    from lxml.etree import _Element

_HEADING = re.compile(r"heading\s*([1-9])$", re.IGNORECASE)
_CONTENTS = re.compile(
    r"(?:toc\s*\d|toc heading|contents \d|contents heading|table of figures)$", re.IGNORECASE
)
_CODE = re.compile(
    r"(?:source code|code|code block|html preformatted|preformatted text|macro text)$", re.IGNORECASE
)
_NO_LEVEL = 9
_DEEPEST_CHAIN = 20


class Styles:
    def __init__(self, root: _Element | None) -> None:
        styles = [] if root is None else list(root.iter(f"{WORD}style"))
        self._styles = {style.get(f"{WORD}styleId", ""): style for style in styles}
        self._default = next(
            (
                style.get(f"{WORD}styleId", "")
                for style in styles
                if style.get(f"{WORD}type") == "paragraph" and style.get(f"{WORD}default") in ("1", "true")
            ),
            "",
        )
        self._name = cache(self._found_name)
        self._properties = cache(self._found_properties)
        self._hides = cache(self._found_hiding)

    def name(self, paragraph: _Element) -> str:
        return self._name(self.identity(paragraph))

    def identity(self, paragraph: _Element) -> str:
        return value(paragraph, f"{WORD}pPr/{WORD}pStyle", self._default)

    def properties(self, paragraph: _Element) -> Iterator[_Element]:
        """The paragraph's own pPr, then those of its style and of the styles that this is based on."""
        own = paragraph.find(f"{WORD}pPr")
        if own is not None:
            yield own
        yield from self._properties(self.identity(paragraph))

    def heading_level(self, paragraph: _Element) -> int:
        """By the style's name, else by the outline level (any language); 0 if it is not a heading."""
        match = _HEADING.match(self.name(paragraph))
        if match:
            return int(match[1])
        for properties in self.properties(paragraph):
            if properties.find(f"{WORD}outlineLvl") is not None:
                level = number(properties, f"{WORD}outlineLvl", _NO_LEVEL)
                return level + 1 if level < _NO_LEVEL else 0
        return 0

    def is_title(self, paragraph: _Element) -> bool:
        return self.name(paragraph).lower() == "title"

    def is_contents(self, paragraph: _Element) -> bool:
        return bool(_CONTENTS.match(self.name(paragraph)))

    def is_code(self, paragraph: _Element) -> bool:
        return bool(_CODE.match(self.name(paragraph)))

    def is_hidden(self, properties: _Element | None) -> bool:
        """Whether a run of these properties (rPr) is hidden, by itself or by its style."""
        if properties is None:
            return False
        if properties.find(f"{WORD}vanish") is not None:
            return is_on(properties, f"{WORD}vanish")
        return self._hides(value(properties, f"{WORD}rStyle"))

    # --- by the style's id; a document has few styles and many paragraphs

    def _found_name(self, identity: str) -> str:
        return value(self._styles.get(identity), f"{WORD}name")

    def _found_properties(self, identity: str) -> tuple[_Element, ...]:
        found = (style.find(f"{WORD}pPr") for style in self._chain(identity))
        return tuple(properties for properties in found if properties is not None)

    def _found_hiding(self, identity: str) -> bool:
        return any(is_on(style, f"{WORD}rPr/{WORD}vanish") for style in self._chain(identity))

    def _chain(self, identity: str) -> Iterator[_Element]:
        """The style and those that it is based on."""
        for _ in range(_DEEPEST_CHAIN):
            style = self._styles.get(identity)
            if style is None:
                return
            yield style
            identity = value(style, f"{WORD}basedOn")
