"""A page's elements from top to bottom, as pieces of an outline that know their lines in the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragcli.documents.html_code import code_text, column_of_numbers, is_code, is_line_number, numbered
from ragcli.documents.html_pages import inline
from ragcli.documents.html_pages.definitions import Group, definition_groups, is_contents, is_short
from ragcli.documents.html_pages.gathering import BREAK, Gathered, TextBuffer
from ragcli.documents.html_pages.lists import ItemMarkers, item_markers
from ragcli.documents.html_pages.names import ARIA_LEVELS, BLOCKS, HEADINGS, LISTS
from ragcli.documents.html_pages.navigation import is_sign
from ragcli.documents.html_pages.table_rows import is_layout, read_rows, table_parts
from ragcli.documents.outline import LINE, PARAGRAPH, Outline
from ragcli.documents.tables import Row, apart, row_text, with_headers

if TYPE_CHECKING:
    from lxml.etree import _Element

# Headings within a definition are below its term, however deep the terms are nested.
_LEVELS = 10


class Walk:
    """Depth first; inline text is collected until a block begins or ends."""

    def __init__(self, outline: Outline, skipped: frozenset[_Element]) -> None:
        self.outline = outline
        self.skipped = skipped
        self.first_heading = ""
        self.titles: list[str] = []
        self._text = TextBuffer()
        self._is_flat = False
        self._lists: list[ItemMarkers] = []
        self._marker = ""
        self._in_run = False
        self._terms = 0
        self._line_numbers: list[str] = []

    def walk(self, element: _Element) -> None:
        self._children(element)
        self._flush()
        self._end_numbers()

    # --- inline

    def _children(self, element: _Element) -> None:
        self._text.read(element.text)
        for child in element:
            self._text.reach(child)
            if isinstance(child.tag, str):
                if child in self.skipped:
                    self._text.skip(child)
                else:
                    self._element(child)
            self._text.read(child.tail)

    def _whole(self, element: _Element, text: str) -> None:
        self._text.say(text)
        self._text.skip(element)

    def _element(self, tag: _Element) -> None:
        match tag.tag:
            case "br":
                self._text.say(BREAK)
            case "img":
                self._text.say(inline.image_text(tag))
            case "input":
                self._text.say(inline.input_text(tag))
            case "svg":
                self._whole(tag, inline.svg_text(tag))
            case "ruby":
                self._whole(tag, inline.ruby_text(tag))
            case "math":
                self._whole(tag, inline.math_text(tag))
            case "a" if is_sign(tag):
                self._text.skip(tag)
            case "q":
                self._enclosed(tag, "\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}")
            case "sup":
                self._raised(tag)
            case "span" | "a" if is_line_number(tag):
                self._enclosed(tag, "", " ")
            case "textarea":
                self._enclosed(tag, BREAK, BREAK)
            case "select" | "button":
                self._enclosed(tag, " ", " ")
            case "option" | "optgroup":
                self._text.say(f" {tag.get('label', '')}")
                self._enclosed(tag, " ", " ")
            case name if name in BLOCKS or tag.get("role") == "heading":
                self._boundary(tag)
            case _:
                self._children(tag)

    def _enclosed(self, tag: _Element, before: str, after: str) -> None:
        self._text.say(before)
        self._children(tag)
        self._text.say(after)

    def _raised(self, tag: _Element) -> None:
        """An exponent of a number keeps a sign: 10^3 is not 103."""
        place, before = len(self._text), self._text.last_sign()
        self._children(tag)
        if inline.is_exponent(before, self._text.since(place)):
            self._text.insert(place, "^")

    def _gather(self, element: _Element) -> Gathered:
        """Everything that the element shows as one text, with a sign where a line or a block ends."""
        outer, was_flat = self._text, self._is_flat
        self._text, self._is_flat = TextBuffer(outer.line), True
        self._text.reach(element)
        self._children(element)
        gathered = self._text.take()
        outer.line = self._text.line
        self._text, self._is_flat = outer, was_flat
        return gathered

    # --- blocks

    def _boundary(self, tag: _Element) -> None:
        if self._is_flat:
            self._flat_block(tag)
            return
        self._flush()
        self._block(tag)
        self._flush()

    def _flat_block(self, tag: _Element) -> None:
        """For a list in a cell, the numbers are kept; bullets say nothing."""
        if tag.tag in LISTS:
            self._lists.append(item_markers(tag))
        number = self._lists[-1].next(tag).lstrip("- ") if tag.tag == "li" and self._lists else ""
        self._enclosed(tag, f"{BREAK}{number}", BREAK)
        if tag.tag in LISTS:
            self._lists.pop()

    def _block(self, tag: _Element) -> None:
        name = tag.tag
        if name in HEADINGS:
            self._heading(tag, HEADINGS[name])
        elif tag.get("role") == "heading":
            level = tag.get("aria-level", "2")
            self._heading(tag, int(level) if level in ARIA_LEVELS else 2)
        elif name in LISTS:
            self._list(tag)
        elif name == "li":
            self._item(tag)
        elif name == "dl":
            self._definitions(tag)
        elif name == "table" and not is_layout(tag):
            self._table(tag)
        elif is_code(tag):
            self._code(tag)
        elif name == "td" and (numbers := column_of_numbers(tag)):
            self._end_numbers()
            self._line_numbers = numbers
            self._text.skip(tag)
        else:
            self._children(tag)

    def _flush(self) -> None:
        gathered = self._text.take()
        if text := gathered.paragraph:
            self._add(text, gathered.lines)

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
        """Before text that is not a line of a list: a number that waits for its text becomes a line."""
        number, self._marker = self._marker.strip(" -"), ""
        if number:
            self._add(number, (self._text.line, self._text.line))
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
        shown, lines = self._gather(tag)
        numbers, self._line_numbers = self._line_numbers, []
        text = code_text(tag, shown)
        self.outline.add(numbered(numbers, text) if numbers else text, lines=lines, code=True)

    def _end_numbers(self) -> None:
        """Numbers of lines whose code did not come."""
        self.outline.add("\n".join(self._line_numbers), lines=(self._text.line, self._text.line))
        self._line_numbers = []

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
                self._text.read(group.other)
            elif group.other is not None:
                self._text.reach(group.other)
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
        """On one line; a second definition is below the first."""
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
        """The term is the heading of its definition, so that no part of the definition loses it."""
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
                self._text.read(stray)
            else:
                self._text.line = stray.sourceline or self._text.line
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
                self._text.line = block.sourceline or self._text.line
                self._children(block)
                self._flush()
