"""What a Word paragraph is by its style: a heading, a title, code; and what it takes from styles below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ragcli.documents.word_package import WORD, is_on, number, value

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

    def name(self, paragraph: _Element) -> str:
        return value(self._styles.get(self.identity(paragraph)), f"{WORD}name")

    def identity(self, paragraph: _Element) -> str:
        return value(paragraph, f"{WORD}pPr/{WORD}pStyle", self._default)

    def properties(self, paragraph: _Element) -> Iterator[_Element]:
        """The paragraph's own pPr, then those of its style and of the styles that this is based on."""
        own = paragraph.find(f"{WORD}pPr")
        if own is not None:
            yield own
        for style in self.chain(self.identity(paragraph)):
            found = style.find(f"{WORD}pPr")
            if found is not None:
                yield found

    def chain(self, identity: str) -> Iterator[_Element]:
        for _ in range(_DEEPEST_CHAIN):
            style = self._styles.get(identity)
            if style is None:
                return
            yield style
            identity = value(style, f"{WORD}basedOn")

    def heading_level(self, paragraph: _Element) -> int:
        """By the style's name, else by the outline level (any language); 0 for what is no heading."""
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
        chain = self.chain(value(properties, f"{WORD}rStyle"))
        return any(is_on(style, f"{WORD}rPr/{WORD}vanish") for style in chain)
