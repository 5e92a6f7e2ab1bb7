"""What single elements of HTML show as text: images, form fields, formulas, ruby annotations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ragcli.documents.formulas import fraction, is_number, lowered, raised, root_of
from ragcli.documents.outline import one_line

if TYPE_CHECKING:
    from lxml.etree import _Element

_UNSEEN_INPUTS = frozenset({"hidden", "password", "file", "range", "color"})
_MARKED_INPUTS = frozenset({"checkbox", "radio"})
_BUTTONS = {"submit": "Submit", "reset": "Reset"}
_PICTURES = frozenset({"img", "svg", "picture", "object", "i"})
_UNDER_OVER = frozenset({"munderover", "msubsup"})


def is_exponent(before: str, text: str) -> bool:
    """Whether a superscript after a text is a power of a number and not part of the number."""
    return before[-1:].isdigit() and is_number(text)


def image_text(image: _Element) -> str:
    return f" {image.get('alt', '')} "


def input_text(field: _Element) -> str:
    """What the field shows: its value, else its placeholder; for a box, whether it is ticked."""
    kind = field.get("type", "text").lower()
    if kind in _UNSEEN_INPUTS:
        return ""
    if kind in _MARKED_INPUTS:
        return " [ ] " if field.get("checked") is None else " [x] "
    if kind == "image":
        return image_text(field)
    return f" {field.get('value') or field.get('placeholder') or _BUTTONS.get(kind, '')} "


def svg_text(picture: _Element) -> str:
    """The words in a drawing; without words, its title."""
    words = [one_line("".join(text.itertext())) for text in picture.iter("text")]
    if not any(words):
        words = [one_line("".join(title.itertext())) for title in picture.iter("title")][:1]
    return f" {' '.join(filter(None, words))} "


def ruby_text(ruby: _Element) -> str:
    """The characters whole, and how they are read after them."""
    readings = [one_line("".join(reading.itertext())) for reading in ruby.iter("rt", "rtc")]
    return "".join(_without(ruby, {"rt", "rtc", "rp"})) + f"({''.join(readings)})" * any(readings)


def cell_sign(cell: _Element) -> str:
    """The text of a table cell that shows a sign instead of words: the sign's name if it has one."""
    signs = [element for element in cell.iter("*") if element.tag in _PICTURES]
    for element in cell.iter("*"):
        if name := one_line(element.get("title") or element.get("aria-label") or ""):
            return name
    seen = any(sign.tag != "i" or sign.get("class") for sign in signs)
    return "image" if seen else ""


def math_text(element: _Element) -> str:
    """MathML on one line, with the operators between its parts."""
    parts = [math_text(child) for child in element if isinstance(child.tag, str)]
    match element.tag, parts:
        case "annotation" | "annotation-xml", _:
            return ""
        case "mfrac", [above, below]:
            return fraction(above, below)
        case "msup" | "mover", [base, above]:
            return raised(base, above)
        case "msub" | "munder", [base, below]:
            return lowered(base, below)
        case kind, [base, below, above] if kind in _UNDER_OVER:
            return raised(lowered(base, below), above)
        case "msqrt", _:
            return root_of("".join(parts))
        case "mroot", [base, degree]:
            return root_of(base, degree)
        case "mtr" | "mtd", _:
            return " " + "".join(parts)
        case "mo", []:
            return _operator(one_line(element.text or ""))
        case "mtext", []:
            return element.text or ""
        case _:
            return one_line(element.text or "") + "".join(parts)


def _operator(sign: str) -> str:
    return f" {sign} " if sign in ("=", "<", ">", "\u2264", "\u2265", "\u2260", "\u2248", "\u2192") else sign


def _without(element: _Element, names: set[str]) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and child.tag not in names:
            yield from _without(child, names)
        yield child.tail or ""
