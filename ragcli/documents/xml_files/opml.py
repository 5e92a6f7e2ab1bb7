"""OPML: an outline whose text is in attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragcli.documents.outline import LINE, PARAGRAPH, Outline, one_line
from ragcli.documents.xml_files.xml_tree import local_name

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

# Deeper entries are a list below their heading.
_HEADING_LEVELS = 3


def read_outlines(root: Element, outline: Outline) -> None:
    """Entries with children are headings in the upper levels, the rest is a list."""
    for part in root.iter():
        if local_name(part) == "title":
            outline.title = one_line(part.text or "")
    for body in root:
        if local_name(body) == "body":
            _add(body, outline, 0)


def _add(parent: Element, outline: Outline, level: int) -> None:
    for number, part in enumerate(parent):
        text = one_line(part.get("text") or part.get("title") or "")
        line = part.sourceline or 1
        if len(part) and level < _HEADING_LEVELS:
            outline.heading(level + 1, text, line=line)
        else:
            indent = "  " * max(0, level - _HEADING_LEVELS)
            separator = LINE if number or level > _HEADING_LEVELS else PARAGRAPH
            outline.add(f"{indent}- {text}" if text else "", lines=(line, line), separator=separator)
        outline.add(one_line(part.get("_note") or ""), lines=(line, line))
        _add(part, outline, level + 1)
