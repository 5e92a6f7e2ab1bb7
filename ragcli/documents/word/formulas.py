"""Word's equations (OMML) on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragcli.documents.formulas import fraction, lowered, raised, root_of

if TYPE_CHECKING:
    from lxml.etree import _Element

MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_SUM = "\N{INTEGRAL}"


def formula_text(element: _Element) -> str:
    """All characters of the equation in the order in which they are read."""
    match element.tag.removeprefix(MATH) if isinstance(element.tag, str) else "":
        case "t":
            return element.text or ""
        case "f":
            return fraction(_part(element, "num"), _part(element, "den"))
        case "sSup":
            return raised(_part(element, "e"), _part(element, "sup"))
        case "sSub":
            return lowered(_part(element, "e"), _part(element, "sub"))
        case "sSubSup":
            return raised(lowered(_part(element, "e"), _part(element, "sub")), _part(element, "sup"))
        case "limLow" | "limUpp":
            return f"{_part(element, 'e')}_({_part(element, 'lim')})"
        case "rad":
            return root_of(_part(element, "e"), _part(element, "deg"))
        case "nary":
            return _sum(element)
        case "d":
            return _enclosed(element)
        case "mr" | "eqArr":
            return " ".join(formula_text(part) for part in element.iterchildren(f"{MATH}e")) + " "
        case _:
            return "".join(map(formula_text, element))


def _part(element: _Element, name: str) -> str:
    found = element.find(f"{MATH}{name}")
    return "" if found is None else formula_text(found)


def _sign(element: _Element, properties: str, name: str, otherwise: str) -> str:
    found = element.find(f"{MATH}{properties}/{MATH}{name}")
    return otherwise if found is None else found.get(f"{MATH}val", "")


def _sum(element: _Element) -> str:
    """A sum, product or integral with its bounds."""
    sign = _sign(element, "naryPr", "chr", _SUM)
    below, above = _part(element, "sub"), _part(element, "sup")
    bounds = (f"_({below})" if below else "") + (f"^({above})" if above else "")
    return f"{sign}{bounds} {_part(element, 'e')}"


def _enclosed(element: _Element) -> str:
    parts = [formula_text(part) for part in element.iterchildren(f"{MATH}e")]
    inside = _sign(element, "dPr", "sepChr", "|").join(parts)
    return f"{_sign(element, 'dPr', 'begChr', '(')}{inside}{_sign(element, 'dPr', 'endChr', ')')}"
