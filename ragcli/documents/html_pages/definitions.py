"""HTML's lists of terms and definitions: what belongs together, and what fits on a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragcli.documents.html_pages.names import HEADINGS
from ragcli.documents.outline import one_line

if TYPE_CHECKING:
    from lxml.etree import _Element

# About a quarter of a chunk: a line that is hardly ever cut, so that it keeps its term.
_LONGEST_LINE = 240
_STRUCTURE = ("ul", "ol", "dl", "table", "pre", "blockquote", *HEADINGS)


@dataclass(slots=True)
class Group:
    """Terms and their definitions. `other` is what is in the list without a term."""

    terms: list[_Element] = field(default_factory=list)
    definitions: list[_Element] = field(default_factory=list)
    other: _Element | str | None = None


def definition_groups(element: _Element, skipped: frozenset[_Element]) -> list[Group]:
    groups: list[Group] = []
    for part in _parts(element, skipped):
        tag = "" if isinstance(part, str) else part.tag
        if isinstance(part, str) or tag not in ("dt", "dd") or _holds_heading(part):
            groups.append(Group(other=part))
        elif tag == "dt":
            if not groups or groups[-1].definitions or groups[-1].other is not None:
                groups.append(Group())
            groups[-1].terms.append(part)
        else:
            if not groups or groups[-1].other is not None:
                groups.append(Group(other=part))
            else:
                groups[-1].definitions.append(part)
    return groups


def is_short(definition: _Element) -> bool:
    """Whether it is one paragraph of a line or two."""
    if next(definition.iter(*_STRUCTURE), None) is not None:
        return False
    if sum(1 for _ in definition.iter("p")) > 1:
        return False
    return len(one_line("".join(definition.itertext()))) <= _LONGEST_LINE


def is_contents(definition: _Element) -> bool:
    """Whether it contains only other terms, as in a table of contents."""
    nested = list(definition.iterchildren("dl"))
    inner = [part for part in definition.iter("dd") if part is not definition]
    if not nested or not all(map(is_contents, inner)):
        return False
    beside = (definition.text or "") + "".join(child.tail or "" for child in definition)
    return not beside.strip() and len(nested) == len(definition)


def _parts(element: _Element, skipped: frozenset[_Element]) -> Iterator[_Element | str]:
    """Terms, definitions and anything else, through the elements that only group them."""
    if element.text and not element.text.isspace():
        yield element.text
    for child in element:
        if isinstance(child.tag, str) and child not in skipped:
            if child.tag not in ("dt", "dd", "dl") and _groups_terms(child):
                yield from _parts(child, skipped)
            else:
                yield child
        if child.tail and not child.tail.isspace():
            yield child.tail


def _groups_terms(element: _Element) -> bool:
    terms = next(element.iter("dt", "dd"), None)
    return terms is not None and next(terms.iterancestors("dl", element.tag)) is element


def _holds_heading(part: _Element) -> bool:
    return part.tag == "dt" and next(part.iter(*HEADINGS), None) is not None
