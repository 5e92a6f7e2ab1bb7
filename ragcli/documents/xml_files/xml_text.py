"""XML: the text of the elements, titles as headings. DocBook, TEI, FB2, JATS; OPML; data as rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragcli.documents.html_pages.page import read_html
from ragcli.documents.name_lists import names
from ragcli.documents.outline import LINE, PARAGRAPH, Outline, one_line
from ragcli.documents.tables import row_line, table_lines
from ragcli.documents.text import read_text
from ragcli.documents.unreadable import UnreadableFile
from ragcli.documents.xml_files.opml import read_outlines
from ragcli.documents.xml_files.xml_tree import attributes, has_text, inner_text, local_name, parsed

if TYPE_CHECKING:
    from lxml.etree import _Element as Element


_TITLES = names("title head heading book-title article-title")
# A title belongs to what these describe.
_ABOUT = names(
    "info articleinfo bookinfo chapterinfo sectioninfo partinfo refentryinfo description title-info "
    "title-group "
    "titleStmt fileDesc teiHeader front article-meta header titlepage"
)
# Their titles are captions, not headings of sections.
_BOXES = names(
    "table informaltable figure informalfigure example note tip warning caution important formalpara "
    "procedure step "
    "itemizedlist orderedlist variablelist list equation sidebar blockquote quote poem cit fig"
)
_CODE = names("programlisting screen literallayout synopsis pre preformat code-block eg sourcecode")
_PEOPLE = names("personname name persName author editor")
_ROWS = names("row tr")
_CELLS = names("entry cell td th")
_ITEMS = names("listitem list-item item li varlistentry member callout step")
_PARAGRAPHS = _TITLES | _CELLS | names("para p simpara term subtitle v l phrase bridgehead caption")
# Blocks even if there is text next to them in the same element.
_BLOCKS = _CODE | _ITEMS | _BOXES | names("para p simpara section sect1 sect2 sect3 lg l")
# An XML file with one of these is a text; its attributes are not data.
_OF_TEXTS = names("para p simpara body section chapter head screen")
_LINE_BREAKS = names("lb br empty-line sbr")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{200,}={0,2}\s*")
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n")


def read_xml(data: bytes, name: str) -> Outline:
    """No other file is read. Lines are those where the elements begin."""
    outline = Outline("xml")
    root = parsed(data, outline.notes)
    if root is None:
        return read_text(data, name)
    if local_name(root) == "html":
        return read_html(data, name)
    try:
        if local_name(root) == "opml":
            read_outlines(root, outline)
        else:
            is_text = any(local_name(element) in _OF_TEXTS for element in root.iter())
            _Walk(outline, is_text=is_text).block(root, ())
    except RecursionError as problem:
        raise UnreadableFile("nested too deeply") from problem
    return outline


class _Walk:
    """Depth first; text and phrases are collected until a block begins or ends."""

    def __init__(self, outline: Outline, *, is_text: bool) -> None:
        self.outline = outline
        self.is_text = is_text
        self.inline: list[str] = []
        self.line = 1
        self.marker = ""

    def block(self, element: Element, owners: tuple[str, ...]) -> None:
        """`owners` are the names of the elements around it."""
        name = local_name(element)
        self.line = element.sourceline or self.line
        title = one_line(inner_text(element)) if name in _TITLES else ""
        if title and not _BOXES.intersection(owners[-1:]):
            self._title(title, owners)
        elif name in _CODE or (name == "code" and "\n" in inner_text(element).strip()):
            self._code(element)
        elif name in _PEOPLE and self.is_text:
            self.outline.add(one_line(" ".join(element.itertext())), lines=(self.line, self.line))
        elif name in _ROWS:
            self._rows([element], ())
        elif any(local_name(part) in _ROWS for part in element.iter()) and name in _BOXES:
            self._table(element, owners)
        elif not len(element) and _BASE64.fullmatch(element.text or ""):
            self._leave_out()
        elif self.is_text or not self._record(element):
            self.marker = "- " if name in _ITEMS else self.marker
            self._children(element, (*owners, name), name in _PARAGRAPHS or has_text(element))
            self._flush()

    def _children(self, element: Element, owners: tuple[str, ...], is_phrase: bool) -> None:
        self.inline.append(element.text or "")
        for child in element:
            name = local_name(child)
            if name in _LINE_BREAKS:
                self.inline.append("\n\n")
            elif is_phrase and name not in _BLOCKS and not (name == "code" and "\n" in inner_text(child)):
                self._children(child, owners, True)
            else:
                self._flush()
                self.block(child, owners)
            self.inline.append(child.tail or "")

    def _title(self, title: str, owners: tuple[str, ...]) -> None:
        while owners and owners[-1] in _ABOUT:
            owners = owners[:-1]
        self.outline.heading(max(1, len(owners)), title, line=self.line)
        if not self.outline.title:
            self.outline.title = title

    def _code(self, element: Element) -> None:
        text = inner_text(element)
        first = self.line + len(text) - len(text.lstrip("\n"))
        text = text.strip("\n")
        self.outline.add(text, lines=(first, first + text.count("\n")), code=True)

    def _table(self, table: Element, owners: tuple[str, ...]) -> None:
        """What is around the rows, and then the rows."""
        rows = [part for part in table.iter() if local_name(part) in _ROWS]
        for part in table:
            if not any(local_name(inner) in _ROWS for inner in part.iter()):
                self.block(part, (*owners, local_name(table)))
        self._rows(rows, ("thead",))

    def _rows(self, rows: list[Element], heads: tuple[str, ...]) -> None:
        cells = [[one_line(inner_text(cell)) for cell in row if local_name(cell) in _CELLS] for row in rows]
        first = rows[0]
        has_header = any(local_name(parent) in heads for parent in first.iterancestors()) or (
            len(rows) > 1
            and (first.get("role") == "label" or all(local_name(cell) == "th" for cell in first))
        )
        lines = [row.sourceline or self.line for row in rows]
        shown = table_lines(cells, has_header=has_header)
        for number, line in enumerate(shown):
            at = lines[min(number + len(lines) - len(shown), len(lines) - 1)]
            self.outline.add(line, lines=(at, at), separator=LINE if number else PARAGRAPH)

    def _leave_out(self) -> None:
        note = "files embedded in the XML are left out"
        if note not in self.outline.notes:
            self.outline.notes.append(note)

    def _record(self, element: Element) -> bool:
        """In data: an element of plain fields is a row, one without content is its attributes."""
        fields = [*attributes(element)]
        leaves = not any(len(child) or (child.tail or "").strip() for child in element)
        titled = any(local_name(child) in _TITLES for child in element)
        if len(element) and (not leaves or titled or (element.text or "").strip()):
            line = row_line([value for _, value in fields], [key for key, _ in fields])
            self.outline.add(line, lines=(self.line, self.line))
            return False
        for child in element:
            fields += [(f"{local_name(child)} {key}", value) for key, value in attributes(child)]
            fields.append((local_name(child), child.text or ""))
        if not len(element):
            fields.append((local_name(element), element.text or ""))
        line = row_line([value for _, value in fields], [key for key, _ in fields])
        self.outline.add(line, lines=(self.line, self.line))
        return True

    def _flush(self) -> None:
        text = "".join(self.inline)
        self.inline.clear()
        first = self.line
        for part in _PARAGRAPH_END.split(text):
            shown = one_line(part)
            if shown:
                self.outline.add(f"{self.marker}{shown}", lines=(first, first + part.strip().count("\n")))
                self.marker = ""
