"""A page's elements from top to bottom, as pieces of an outline that know their lines in the file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ragcli.documents import html_inline as inline
from ragcli.documents.html_definitions import Group, definition_groups, is_contents, is_short
from ragcli.documents.html_lists import ItemMarkers, item_markers
from ragcli.documents.html_navigation import is_sign
from ragcli.documents.html_tables import is_layout, read_rows, table_parts
from ragcli.documents.outline import LINE, PARAGRAPH, Outline, one_line
from ragcli.documents.tables import Row, apart, row_text, with_headers

if TYPE_CHECKING:
    from lxml.etree import _Element

_BLOCK_NAMES = (
    "html body main article section header div p h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table pre blockquote "
    "figure figcaption details summary address fieldset legend form hr center dialog footer nav aside tbody "
    "thead tfoot tr td th caption menu dir search hgroup xmp listing plaintext frameset noframes"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_CODE = frozenset({"pre", "xmp", "listing", "plaintext"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
# Headings within a definition lie below its term, however deep the terms are nested.
_LEVELS = 10
_BREAK = "\0"
_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")


class Gathered(NamedTuple):
    text: str
    lines: tuple[int, int]

    @property
    def line(self) -> str:
        return one_line(self.text.replace(_BREAK, " "))


class Walk:
    """Depth first; inline text gathers until a block begins or ends."""

    def __init__(self, outline: Outline, skipped: frozenset[_Element]) -> None:
        self.outline = outline
        self.skipped = skipped
        self.first_heading = ""
        self.titles: list[str] = []
        self._parts: list[str] = []
        self._first, self._last, self._line = 0, 0, 1
        self._is_flat = False
        self._lists: list[ItemMarkers] = []
        self._marker = ""
        self._in_run = False
        self._terms = 0

    def walk(self, element: _Element) -> None:
        self._children(element)
        self._flush()

    # --- inline

    def _children(self, element: _Element) -> None:
        self._text(element.text)
        for child in element:
            self._line = max(self._line, child.sourceline or 0)
            if isinstance(child.tag, str):
                if child in self.skipped:
                    self._pass(child)
                else:
                    self._element(child)
            self._text(child.tail)

    def _text(self, text: str | None) -> None:
        if not text:
            return
        if not text.isspace():
            leading = len(text) - len(text.lstrip())
            self._first = self._first or self._line + text.count("\n", 0, leading)
            self._last = self._line + text.rstrip().count("\n")
        self._parts.append(text)
        self._line += text.count("\n")

    def _pass(self, element: _Element) -> None:
        """Count the lines of what is not read, or has been read as a whole."""
        end = self._line
        for part in element.iter():
            end = max(end, part.sourceline or 0)
            if isinstance(part.tag, str):
                end += (part.text or "").count("\n")
            if part is not element:
                end += (part.tail or "").count("\n")
        self._line = end

    def _say(self, text: str) -> None:
        """Put in what the page shows without having it as text."""
        if text:
            self._parts.append(text)
            if not text.isspace():
                self._first, self._last = self._first or self._line, self._line

    def _whole(self, element: _Element, text: str) -> None:
        self._say(text)
        self._pass(element)

    def _element(self, tag: _Element) -> None:
        match tag.tag:
            case "br":
                self._parts.append(_BREAK)
            case "img":
                self._say(inline.image_text(tag))
            case "input":
                self._say(inline.input_text(tag))
            case "svg":
                self._whole(tag, inline.svg_text(tag))
            case "ruby":
                self._whole(tag, inline.ruby_text(tag))
            case "math":
                self._whole(tag, inline.math_text(tag))
            case "a" if is_sign(tag):
                self._pass(tag)
            case "q":
                self._enclosed(tag, "\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}")
            case "sup":
                self._raised(tag)
            case "textarea":
                self._enclosed(tag, _BREAK, _BREAK)
            case "select" | "button":
                self._enclosed(tag, " ", " ")
            case "option" | "optgroup":
                self._say(f" {tag.get('label', '')}")
                self._enclosed(tag, " ", " ")
            case name if name in _BLOCKS or tag.get("role") == "heading":
                self._boundary(tag)
            case _:
                self._children(tag)

    def _enclosed(self, tag: _Element, before: str, after: str) -> None:
        self._parts.append(before)
        self._children(tag)
        self._parts.append(after)

    def _raised(self, tag: _Element) -> None:
        """An exponent of a number keeps a sign: 10^3 is not 103."""
        place = len(self._parts)
        before = next((part for part in reversed(self._parts) if part), "")
        self._children(tag)
        if inline.is_exponent(before, "".join(self._parts[place:])):
            self._parts.insert(place, "^")

    def _gather(self, element: _Element) -> Gathered:
        """All that the element shows as one text, with a sign where a line or a block ends."""
        saved = self._parts, self._first, self._last, self._is_flat
        self._line = max(self._line, element.sourceline or 0)
        start = self._line
        self._parts, self._first, self._last, self._is_flat = [], 0, 0, True
        self._children(element)
        text, lines = "".join(self._parts), (self._first or start, self._last or start)
        self._parts, self._first, self._last, self._is_flat = saved
        return Gathered(text, lines)

    # --- blocks

    def _boundary(self, tag: _Element) -> None:
        if self._is_flat:
            self._enclosed(tag, _BREAK, _BREAK)
            return
        self._flush()
        self._block(tag)
        self._flush()

    def _block(self, tag: _Element) -> None:
        name = tag.tag
        if name in _HEADINGS:
            self._heading(tag, _HEADINGS[name])
        elif tag.get("role") == "heading":
            level = tag.get("aria-level", "2")
            self._heading(tag, int(level) if level.isdecimal() else 2)
        elif name in _LISTS:
            self._list(tag)
        elif name == "li":
            self._item(tag)
        elif name == "dl":
            self._definitions(tag)
        elif name == "table" and not is_layout(tag):
            self._table(tag)
        elif name in _CODE:
            self._code(tag)
        else:
            self._children(tag)

    def _flush(self) -> None:
        lines = [one_line(part) for part in "".join(self._parts).split(_BREAK)]
        text = "\n".join(line for line in lines if line)
        if text:
            self._add(text, (self._first or self._line, self._last or self._line))
        self._parts.clear()
        self._first = self._last = 0

    def _add(self, text: str, lines: tuple[int, int]) -> None:
        """A paragraph; within a list with its marker, or below the text that has it."""
        if not self._lists:
            self.outline.add(text, lines=lines)
            return
        indent = "  " * (len(self._lists) - 1) + ("" if self._marker else "  ") if self._in_run else ""
        separator = LINE if self._in_run else PARAGRAPH
        self.outline.add(f"{indent}{self._marker}{text}", lines=lines, separator=separator)
        self._marker, self._in_run = "", True

    def _end_run(self) -> None:
        """Before what is no line of a list: a number that waits for its text is a line by itself."""
        number, self._marker = self._marker.strip(" -"), ""
        if number:
            self._add(number, (self._line, self._line))
        self._in_run = False

    def _heading(self, tag: _Element, level: int) -> None:
        number, self._marker = self._marker.strip(" -"), ""
        gathered = self._gather(tag)
        text = f"{number} {gathered.line}".strip()
        self.first_heading = self.first_heading or text
        if level == 1:
            self.titles.append(text)
        self.outline.heading(_LEVELS * self._terms + level, text, line=gathered.lines[0])
        self._in_run = False

    def _code(self, tag: _Element) -> None:
        self._end_run()
        text, lines = self._gather(tag)
        text = _BLANK_LINES.sub("", text.replace(_BREAK, "\n")).rstrip()
        self.outline.add(text, lines=lines, code=True)

    # --- lists

    def _list(self, tag: _Element) -> None:
        if not self._lists:
            self._in_run = False
        elif self._marker.strip(" -"):
            self._end_run()
        self._lists.append(item_markers(tag))
        self._marker = ""
        self._children(tag)
        self._flush()
        self._lists.pop()
        self._marker = ""

    def _item(self, tag: _Element) -> None:
        if not self._lists:
            self._lists.append(item_markers(tag))
            self._item(tag)
            self._lists.pop()
            return
        self._marker = self._lists[-1].next(tag)
        self._children(tag)
        self._flush()
        self._marker = ""

    def _definitions(self, tag: _Element) -> None:
        if self._marker.strip(" -"):
            self._end_run()
        self._lists.append(item_markers(tag))
        if len(self._lists) == 1:
            self._in_run = False
        for group in definition_groups(tag, self.skipped):
            if isinstance(group.other, str):
                self._text(group.other)
            elif group.other is not None:
                self._line = max(self._line, group.other.sourceline or 0)
                self._boundary(group.other)
            elif not group.definitions:
                for term in group.terms:
                    self._short(Group([term]))
            elif all(map(is_short, group.definitions)):
                self._short(group)
            elif all(map(is_contents, group.definitions)):
                self._contents(group)
            else:
                self._long(group)
            self._flush()
        self._lists.pop()

    def _short(self, group: Group) -> None:
        """On one line; a second definition stands below the first."""
        terms = [self._gather(term) for term in group.terms]
        name = ", ".join(filter(None, (term.line for term in terms)))
        texts = [self._gather(definition) for definition in group.definitions]
        text = texts[0].line if texts else ""
        places = [gathered.lines for gathered in (*terms, *texts[:1])]
        line = f"{name}: {text}" if name and text else name or text
        if line:
            self._marker = "- "
            self._add(line, (places[0][0], places[-1][1]))
        for more in texts[1:]:
            if more.line:
                self._add(more.line, more.lines)

    def _contents(self, group: Group) -> None:
        self._short(Group(group.terms, []))
        for definition in group.definitions:
            self._children(definition)
            self._flush()

    def _long(self, group: Group) -> None:
        """The term is the heading of what defines it, so that no part of that loses it."""
        lists, self._lists, self._marker = self._lists, [], ""
        names = [self._gather(term) for term in group.terms]
        self._terms += 1
        level = _LEVELS * self._terms
        for place, name in enumerate(filter(lambda gathered: gathered.line, names)):
            if place:
                self.outline.add(name.line, lines=name.lines)
            else:
                self.outline.heading(level, name.line, line=name.lines[0])
        for definition in group.definitions:
            self._children(definition)
            self._flush()
        self.outline.close(level)
        self._terms -= 1
        self._lists, self._in_run = lists, False

    # --- tables

    def _table(self, tag: _Element) -> None:
        self._end_run()
        for caption in tag.iterchildren("caption"):
            if caption not in self.skipped:
                gathered = self._gather(caption)
                self.outline.add(gathered.line, lines=gathered.lines)
        parts = table_parts(tag, self.skipped)
        rows = read_rows(parts, self._cell, self.skipped)
        for stray in parts.strays:
            if isinstance(stray, str):
                self._text(stray)
            else:
                self._line = stray.sourceline or self._line
                self._element(stray)
        self._flush()
        separator = PARAGRAPH
        for row, header in with_headers(rows):
            self._row(row, header, separator)
            separator = LINE

    def _cell(self, cell: _Element) -> tuple[str, int]:
        gathered = self._gather(cell)
        return gathered.line or inline.cell_sign(cell), gathered.lines[1]

    def _row(self, row: Row, header: Sequence[str], separator: str) -> None:
        if not row.blocks:
            self.outline.add(row_text(row, header), lines=row.lines, separator=separator)
            return
        for text, block in apart(row, header):
            self.outline.add(text, lines=row.lines)
            if block is not None:
                self._line = block.sourceline or self._line
                self._children(block)
                self._flush()
