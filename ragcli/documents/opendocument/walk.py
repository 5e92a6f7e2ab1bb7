"""The body of an OpenDocument text, and the contents of its frames and cells, from top to bottom."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ragcli.documents.containers import Container
from ragcli.documents.left_out import word_count, words
from ragcli.documents.opendocument.text import DRAW, OFFICE, SVG, TABLE, TEXT, XLINK, Line, Styles, count
from ragcli.documents.outline import LINE, PARAGRAPH, Outline, one_line
from ragcli.documents.tables import table_lines

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_MATH = "{http://www.w3.org/1998/Math/MathML}"
# What is made of the headings and other parts of the text.
_GENERATED = frozenset(
    f"{TEXT}{name}"
    for name in ["table-of-content", "illustration-index", "table-index", "object-index", "user-index"]
)
# Deleted text, and what is for programs.
_NOT_TEXT = frozenset(
    f"{namespace}{name}"
    for namespace, names in (
        (
            TEXT,
            "tracked-changes sequence-decls variable-decls user-field-decls",
        ),
        (OFFICE, "forms event-listeners annotation-end"),
        (TABLE, "table-column table-columns table-header-columns calculation-settings"),
        (SVG, "title desc"),
    )
    for name in names.split()
)
_MOST_COLUMNS = 1000


class Walk:
    """One pass; a list's items are lines below each other."""

    def __init__(self, outline: Outline, styles: Styles, container: Container | None) -> None:
        self.outline = outline
        self.styles = styles
        self.title = ""
        self.left_out: Counter[str] = Counter()
        self._container = container

    def walk(self, container: Element) -> None:
        for element in container:
            self._element(element)

    def notes(self) -> Iterator[str]:
        for what, left in self.left_out.items():
            yield f"{what} left out ({words(left)})"

    def text_of(self, element: Element) -> str:
        """The contents of a cell, a frame or a note, with its paragraphs on separate lines."""
        if all(child.tag == f"{TEXT}p" and not len(child) for child in element):
            shown = (child for child in element if not self.styles.is_hidden(child.get(f"{TEXT}style-name")))
            return "\n".join(filter(None, ((child.text or "").strip() for child in shown)))
        inner = Walk(Outline(self.outline.format), self.styles, self._container)
        inner.walk(element)
        self.left_out += inner.left_out
        inner.outline.set_path(())
        return "\n".join(piece.text.strip() for piece in inner.outline.pieces)

    def shape(self, shape: Element) -> None:
        """A frame, a drawing or a group of them, with the description that stands for a picture."""
        for name in ("title", "desc"):
            described = shape.findtext(f"{SVG}{name}")
            self.outline.add(described or "")
        if shape.tag == f"{DRAW}frame":
            # The others are copies of the first for programs that cannot show it.
            formula = self.formula(shape)
            if formula is not None:
                self.outline.add(formula)
                return
            for content in shape:
                if content.tag in (f"{DRAW}text-box", f"{TABLE}table"):
                    self._element(content) if content.tag == f"{TABLE}table" else self.walk(content)
                    return
            return
        self.walk(shape)

    def _element(self, element: Element) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in _NOT_TEXT or element.get(f"{TEXT}display") == "none":
            return
        if tag in _GENERATED:
            self._leave_out("tables of contents", element.iterfind(f"{TEXT}index-body"))
            return
        if tag == f"{TEXT}p":
            self._paragraph(element)
        elif tag == f"{TEXT}h":
            self._paragraph(element, level=count(element, f"{TEXT}outline-level"))
        elif tag == f"{TEXT}list":
            self._list(element, element.get(f"{TEXT}style-name", ""), 1, [0])
        elif tag == f"{TABLE}table":
            self._table(element)
        elif tag == f"{OFFICE}annotation":
            self._leave_out("comments", [element])
        elif tag.startswith(DRAW):
            self.shape(element)
        else:
            self.walk(element)

    def _paragraph(self, element: Element, *, level: int = 0) -> None:
        style = element.get(f"{TEXT}style-name")
        if self.styles.is_hidden(style):
            return
        line = Line(element, self.styles, self.formula)
        if not level and not self.title and self.styles.is_title(style):
            self.title = one_line(line.text)
            level = 1
        if level:
            self.outline.heading(level, line.text)
        elif self.styles.is_code(style):
            self.outline.add(line.text, code=True, separator=LINE if self._after_code(element) else PARAGRAPH)
        else:
            self.outline.add(line.text)
        self._anchored(line)

    def _leave_out(self, what: str, elements: Iterable[Element]) -> None:
        for element in elements:
            said = (part for name in ("h", "p") for part in element.iter(f"{TEXT}{name}"))
            self.left_out[what] += sum(
                word_count(Line(part, self.styles, self.formula).text) for part in said
            )

    def _after_code(self, element: Element) -> bool:
        before = element.getprevious()
        return before is not None and self.styles.is_code(before.get(f"{TEXT}style-name"))

    def _anchored(self, line: Line) -> None:
        self._leave_out("comments", line.comments)
        for frame in line.frames:
            self.shape(frame)
        for note in line.notes:
            self.outline.add(f"Note: {self.text_of(note)}")

    def _list(self, element: Element, style: str, depth: int, place: list[int]) -> None:
        """`place` counts the items that were added to the whole list."""
        number = self.styles.first_number(style, depth) - 1
        for item in element:
            if item.tag not in (f"{TEXT}list-item", f"{TEXT}list-header"):
                continue
            number = count(item, f"{TEXT}start-value") if item.get(f"{TEXT}start-value") else number + 1
            marker = self.styles.marker(style, depth, number)
            for child in item:
                if child.tag == f"{TEXT}list":
                    self._list(child, child.get(f"{TEXT}style-name") or style, depth + 1, place)
                elif child.tag == f"{TEXT}p" and not self.styles.is_hidden(child.get(f"{TEXT}style-name")):
                    line = Line(child, self.styles, self.formula)
                    separator = LINE if place[0] else PARAGRAPH
                    self.outline.add(
                        f"{'  ' * (depth - 1)}{marker}{line.text.strip()}" if line.text.strip() else "",
                        separator=separator,
                    )
                    place[0] += bool(line.text.strip())
                    self._anchored(line)
                    marker = "  "
                else:
                    self._element(child)

    def _table(self, table: Element) -> None:
        heads = len(list(rows_of(table.find(f"{TABLE}table-header-rows"))))
        rows = [self._cells(row) for row in rows_of(table)]
        rows = [row for row in rows if any(row)]
        has_header = len(rows) > 1 and (bool(heads) or (len(rows[0]) > 1 and all(rows[0])))
        for number, text in enumerate(table_lines(rows, has_header=has_header)):
            self.outline.add(text, separator=LINE if number else PARAGRAPH)

    def _cells(self, row: Element) -> list[str]:
        cells: list[str] = []
        for cell in row:
            if cell.tag in (f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
                text = " ".join(self.text_of(cell).split())
                cells += [text] * min(count(cell, f"{TABLE}number-columns-repeated"), _MOST_COLUMNS)
        return cells

    def formula(self, frame: Element) -> str | None:
        """The signs of the formula in a frame; None if there is none."""
        element = frame.find(f"{DRAW}object")
        if element is None:
            return None
        root = next(element.iter(f"{_MATH}math"), None)
        if root is None and self._container is not None:
            name = posixpath.normpath(f"{element.get(f'{XLINK}href', '')}/content.xml")
            root = self._container.xml_or_none(name)
        if root is None or root.tag != f"{_MATH}math":
            return None
        signs = (part for part in root.iter() if part.tag != f"{_MATH}annotation")
        return " ".join("".join(part.text or "" for part in signs).split())


def rows_of(table: Element | None) -> Iterator[Element]:
    """Also those of groups; not those of tables inside."""
    for child in () if table is None else table:
        if child.tag == f"{TABLE}table-row":
            yield child
        elif child.tag in (f"{TABLE}table-header-rows", f"{TABLE}table-rows", f"{TABLE}table-row-group"):
            yield from rows_of(child)
