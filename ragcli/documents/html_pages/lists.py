"""How HTML's lists mark their items: bullets, numbers, letters; counted as they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragcli.documents.numerals import letters, roman

if TYPE_CHECKING:
    from lxml.etree import _Element

_BULLET = "- "
_LARGEST = 1_000_000_000
_STYLES: dict[str, Callable[[int], str]] = {
    "a": letters,
    "A": lambda number: letters(number).upper(),
    "i": roman,
    "I": lambda number: roman(number).upper(),
}


@dataclass(slots=True)
class ItemMarkers:
    """The markers of one list's items, one after the other; `style` is "" for bullets."""

    style: str = ""
    number: int = 1
    step: int = 1

    def next(self, item: _Element) -> str:
        if not self.style:
            return _BULLET
        self.number = _number(item, "value", self.number)
        text = _STYLES.get(item.get("type", self.style), str)(self.number)
        self.number += self.step
        return f"{text}. "


def item_markers(element: _Element) -> ItemMarkers:
    if element.tag != "ol":
        return ItemMarkers()
    if element.get("reversed") is None:
        return ItemMarkers(element.get("type", "1"), _number(element, "start", 1))
    items = sum(1 for item in element.iter("li") if next(item.iterancestors("ul", "ol")) is element)
    return ItemMarkers(element.get("type", "1"), _number(element, "start", items), -1)


def _number(element: _Element, attribute: str, otherwise: int) -> int:
    try:
        found = int(element.get(attribute, ""))
    except ValueError:
        return otherwise
    return found if abs(found) <= _LARGEST else otherwise
