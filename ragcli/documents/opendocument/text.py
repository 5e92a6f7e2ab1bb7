"""The text of OpenDocument's paragraphs, without what styles hide and what is merely anchored there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ragcli.documents.numerals import letters, roman

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    Formula = Callable[[Element], str | None]
    """A frame -> the signs of the formula in it; None if there is none."""

_NAMESPACE = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
OFFICE, TEXT, TABLE, STYLE, PRESENTATION = (
    _NAMESPACE % name for name in ("office", "text", "table", "style", "presentation")
)
DRAW = _NAMESPACE % "drawing"
SVG = _NAMESPACE % "svg-compatible"
XLINK = "{http://www.w3.org/1999/xlink}"
_NEVER = frozenset({f"{TEXT}tracked-changes", f"{TEXT}note-citation", f"{OFFICE}annotation-end"})
_LONGEST_SPACE = 100
_OF_NUMBERS = ("format", "prefix", "suffix")
_NUMERALS: dict[str, Callable[[int], str]] = {
    "a": letters,
    "A": lambda number: letters(number).upper(),
    "i": roman,
    "I": lambda number: roman(number).upper(),
}
_CODE = ("Preformatted_20_Text", "Source_20_Code", "HTML_20_Preformatted")


class Styles:
    """What the styles say, wherever they are in the file."""

    def __init__(self, roots: list[Element]) -> None:
        self._parents: dict[str, str] = {}
        self.hidden: set[str] = set()
        self._numbers: dict[tuple[str, int], tuple[str, str, str]] = {}
        self._first: dict[tuple[str, int], int] = {}
        for root in roots:
            for style in root.iter(f"{STYLE}style"):
                self._add(style)
            for style in root.iter(f"{TEXT}list-style"):
                for level in style.iterfind(f"{TEXT}list-level-style-number"):
                    form, before, after = (level.get(f"{STYLE}num-{name}", "") for name in _OF_NUMBERS)
                    if form:
                        place = style.get(f"{STYLE}name", ""), count(level, f"{TEXT}level")
                        self._numbers[place] = form, before.strip(), after.strip()
                        self._first[place] = count(level, f"{TEXT}start-value")

    def _add(self, style: Element) -> None:
        name = style.get(f"{STYLE}name", "")
        self._parents[name] = style.get(f"{STYLE}parent-style-name", "")
        for properties in style:
            if (
                properties.get(f"{TEXT}display") == "none"
                or properties.get(f"{TABLE}display") == "false"
                or properties.get(f"{PRESENTATION}visibility") == "hidden"
            ):
                self.hidden.add(name)

    def first_number(self, list_style: str, level: int) -> int:
        return self._first.get((list_style, level), 1)

    def marker(self, list_style: str, level: int, number: int) -> str:
        """The marker of an item: "iv)", or "-" if items are not numbered."""
        form, before, after = self._numbers.get((list_style, level), ("", "", ""))
        return f"{before}{_NUMERALS.get(form, str)(number)}{after or '.'} " if form else "- "

    def is_hidden(self, name: str | None) -> bool:
        return not self.hidden.isdisjoint(self._chain(name))

    def is_code(self, name: str | None) -> bool:
        """Text of a fixed width, whose spaces are part of it."""
        return any(one.startswith(_CODE) for one in self._chain(name))

    def is_title(self, name: str | None) -> bool:
        return "Title" in self._chain(name)

    def _chain(self, name: str | None) -> list[str]:
        chain: list[str] = []
        while name and name not in chain:
            chain.append(name)
            name = self._parents.get(name)
        return chain


class Line:
    """A paragraph's text, with the notes and frames that are anchored in it."""

    def __init__(self, paragraph: Element, styles: Styles, formula: Formula) -> None:
        self._styles = styles
        self._formula = formula
        self.notes: list[Element] = []
        self.frames: list[Element] = []
        self.comments: list[Element] = []
        self.text = "".join(self._inside(paragraph))

    def _inside(self, element: Element) -> Iterator[str]:
        yield element.text or ""
        for child in element:
            if isinstance(child.tag, str) and child.tag not in _NEVER:
                yield from self._child(child)
            yield child.tail or ""

    def _child(self, child: Element) -> Iterator[str]:
        tag = child.tag
        if tag == f"{TEXT}s":
            yield " " * min(count(child, f"{TEXT}c"), _LONGEST_SPACE)
        elif tag == f"{TEXT}tab":
            yield "\t"
        elif tag == f"{TEXT}line-break":
            yield "\n"
        elif tag == f"{TEXT}note":
            self.notes.extend(child.iterfind(f"{TEXT}note-body"))
        elif tag == f"{OFFICE}annotation":
            self.comments.append(child)
        elif tag == f"{TEXT}ruby-text":
            yield f" ({''.join(self._inside(child))})"
        elif (math := self._formula(child)) is not None:
            yield math
        elif child.tag.startswith(DRAW) and tag != f"{DRAW}a":
            self.frames.append(child)
        elif child.get(f"{TEXT}is-hidden") != "true" and not self._styles.is_hidden(
            child.get(f"{TEXT}style-name")
        ):
            yield from self._inside(child)


def count(element: Element, attribute: str) -> int:
    """A number of at least 1, which is also what a missing one means."""
    value = element.get(attribute)
    if value is None:
        return 1
    return max(int(value), 1) if value.isdigit() and len(value) < 10 else 1
