"""Code on a page: listings that are not a <pre>, and the numbers next to their lines."""

from __future__ import annotations

import re
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING

from ragcli.documents.html_pages.gathering import BREAK
from ragcli.documents.html_pages.names import CODE

if TYPE_CHECKING:
    from lxml.etree import _Element

_NUMBER = re.compile(r"(?:^|\s)(?:line-?no(?:s|div)?|line-?numbers?|gutter|lnt?)(?:\s|$)")
_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")


def is_code(element: _Element) -> bool:
    return element.tag in CODE or _is_fragment(element)


def code_text(element: _Element, shown: str) -> str:
    """The lines of a listing from its text, in which a sign marks each end of a block."""
    if _is_fragment(element):
        parts = (part.strip("\n") for part in shown.split(BREAK))
        shown = "\n".join(part for part in parts if part)
    return _BLANK_LINES.sub("", shown.replace(BREAK, "\n")).rstrip()


def is_line_number(element: _Element) -> bool:
    """Whether this is the number of one line, in front of it and perhaps without a space between."""
    return (
        bool(_NUMBER.search(element.get("class", "")))
        and "".join(element.itertext()).strip().isdecimal()
        and not (element.tail or "")[:1].isspace()
    )


def column_of_numbers(cell: _Element) -> list[str]:
    """The numbers in the cell if it numbers the lines of the code in the next cell; else none."""
    code = next(cell.itersiblings("td"), None)
    if code is None or next(code.iter("pre"), None) is None:
        return []
    numbers = "".join(cell.itertext()).split()
    if not all(map(str.isdecimal, numbers)):
        return []
    return numbers if all(int(below) == int(above) + 1 for above, below in pairwise(numbers)) else []


def numbered(numbers: list[str], code: str) -> str:
    """Each line after its number."""
    width = max(map(len, numbers), default=0)
    lines = zip_longest(numbers, code.split("\n") if code else [], fillvalue="")
    return "\n".join(f"{number:>{width}} {line}".rstrip() for number, line in lines)


def _is_fragment(element: _Element) -> bool:
    """Doxygen's listings are <div>s, one per line."""
    return bool(element.tag == "div" and element.get("class") == "fragment")
