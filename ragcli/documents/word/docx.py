"""Word documents through lxml: headings, paragraphs, lists and tables in document order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ragcli.documents.containers import properties
from ragcli.documents.left_out import word_count
from ragcli.documents.outline import LINE, PARAGRAPH, Outline, one_line
from ragcli.documents.tables import Row, apart, names_columns, row_text, with_headers
from ragcli.documents.unreadable import UnreadableFile
from ragcli.documents.word.numbering import Marker, Numbering
from ragcli.documents.word.package import WORD, Package, is_on, number
from ragcli.documents.word.paragraph_text import COMPATIBILITY, ParagraphText, TextReader, alternatives
from ragcli.documents.word.styles import Styles

if TYPE_CHECKING:
    from lxml.etree import _Element

# What only wraps paragraphs and tables: content controls, insertions, what was moved here.
_WRAPPERS = frozenset(
    f"{WORD}{name}" for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag")
)
_ELSEWHERE = {f"{WORD}altChunk": "embedded document", f"{WORD}subDoc": "linked document"}
_MOST_SPANNED = 100
# The title of Word's own templates.
_TEMPLATE_TITLES = frozenset({"", "word document", "document", "untitled"})


def read_docx(data: bytes, name: str) -> Outline:
    """What Word shows, without its comments, page headers and tables of contents, which are in the notes.

    Raises UnreadableFile for an encrypted or damaged file.
    """
    outline = Outline("docx")
    package = Package(data)
    try:
        walk = _Walk(outline, package)
        for body in package.bodies():
            walk.walk(body)
    except RecursionError as problem:
        raise UnreadableFile("nested too deeply") from problem
    outline.notes.extend(walk.notes())
    title, found = properties(package.core())
    outline.metadata.update(found)
    if not outline.title and title.lower() not in _TEMPLATE_TITLES:
        outline.title = title
    return outline


class _Walk:
    """The body's elements from top to bottom."""

    def __init__(self, outline: Outline, package: Package) -> None:
        self.outline = outline
        self.package = package
        self.styles = Styles(next(package.related("styles"), None))
        self.numbering = Numbering(next(package.related("numbering"), None), self.styles)
        self.text = TextReader(package, self.styles)
        self.run = ""

    def walk(self, container: _Element) -> None:
        for element in container:
            if element.tag == f"{WORD}p":
                self._paragraph(element)
            elif element.tag == f"{WORD}tbl":
                self._table(element)
            elif element.tag in _WRAPPERS:
                self.walk(element)
            elif element.tag == f"{COMPATIBILITY}AlternateContent":
                for chosen in alternatives(element):
                    self.walk(chosen)
            elif element.tag in _ELSEWHERE:
                self.text.left_out[_ELSEWHERE[element.tag]] += 1

    def notes(self) -> Iterator[str]:
        left_out = self.text.left_out.copy()
        for root in self.package.related("comments"):
            texts = (self.text.paragraph(paragraph).text for paragraph in root.iter(f"{WORD}p"))
            left_out["word of comments"] += sum(map(word_count, texts))
        for kind in ("header", "footer"):
            for root in self.package.related(kind):
                texts = (self.text.paragraph(paragraph).text for paragraph in root.iter(f"{WORD}p"))
                left_out["word of page headers and footers"] += sum(map(word_count, texts))
        for what, count in left_out.items():
            if count:
                yield f"{count:,} {_plural(what, count)} left out"

    # --- paragraphs

    def _paragraph(self, element: _Element) -> None:
        found = self.text.paragraph(element)
        marker = self.numbering.marker(element) if found.text.strip() else None
        if self.styles.is_contents(element):
            self.text.left_out["word of tables of contents"] += word_count(found.text)
        elif found.text.strip():
            self._shown(element, found, marker)
        else:
            self._beside(found)

    def _shown(self, element: _Element, found: ParagraphText, marker: Marker | None) -> None:
        level = self.styles.heading_level(element)
        is_title = self.styles.is_title(element) and not self.outline.title
        if level or is_title:
            number_text = "" if marker is None or marker.is_bullet else marker.text
            text = one_line(f"{number_text} {found.text}")
            self.outline.title = text if is_title else self.outline.title
            self.outline.heading(1 if is_title else level, text)
            self.outline.add(" ".join(found.notes))
            self.run = ""
        elif self.styles.is_code(element):
            self.outline.add(found.text, separator=LINE if self.run == "code" else PARAGRAPH, code=True)
            self.outline.add(" ".join(found.notes))
            self.run = "" if found.notes else "code"
        else:
            self._text(" ".join([found.text.strip(), *found.notes]), marker)
        self._beside(found)

    def _text(self, text: str, marker: Marker | None) -> None:
        if marker is None:
            self.outline.add(text)
            self.run = ""
            return
        sign = f"{marker.text} " if marker.text else ""
        separator = LINE if self.run == "list" else PARAGRAPH
        self.outline.add(f"{'  ' * marker.depth}{sign}{text}", separator=separator)
        self.run = "list"

    def _beside(self, found: ParagraphText) -> None:
        """Floating text next to a paragraph follows it, with each of its paragraphs separate."""
        for text in found.beside:
            self.outline.add(one_line(text))
        for box in found.apart:
            self.run = ""
            self.walk(box)
        if found.beside or found.apart:
            self.run = ""

    # --- tables

    def _table(self, table: _Element) -> None:
        separator = PARAGRAPH
        for row, header in with_headers(self._rows(table)):
            if row.blocks:
                for text, block in apart(row, header):
                    self.outline.add(text)
                    if block is not None:
                        self.run = ""
                        self.walk(block)
            else:
                self.outline.add(row_text(row, header), separator=separator)
            separator = LINE
        self.run = ""

    def _rows(self, table: _Element) -> list[Row]:
        rows: list[Row] = []
        marked = []
        for element in _parts(table, "tr"):
            if element.find(f"{WORD}trPr/{WORD}del") is not None:
                continue
            row = self._row(element, rows[-1].cells if rows else [])
            if any(row.cells) or row.blocks:
                rows.append(row)
                marked.append(is_on(element, f"{WORD}trPr/{WORD}tblHeader"))
        body = [row for row in rows if not row.is_title]
        if any(marked) and not all(marked):
            for row, is_marked in zip(rows, marked, strict=True):
                row.is_header = is_marked and not row.is_title
        elif body and not body[0].blocks and _may_have_header(table):
            body[0].is_header = names_columns(body[0].cells, len(body))
        return rows

    def _row(self, element: _Element, above: list[str]) -> Row:
        row = Row([""] * min(number(element, f"{WORD}trPr/{WORD}gridBefore"), _MOST_SPANNED))
        cells = list(_parts(element, "tc"))
        for cell in cells:
            merged = cell.find(f"{WORD}tcPr/{WORD}vMerge")
            if merged is not None and merged.get(f"{WORD}val") != "restart":
                row.cells.append(above[len(row.cells)] if len(row.cells) < len(above) else "")
            else:
                if next(cell.iter(f"{WORD}tbl"), None) is not None:
                    row.blocks[len(row.cells)] = cell
                    row.cells.append("")
                else:
                    row.cells.append(self._cell(cell))
            span = min(number(cell, f"{WORD}tcPr/{WORD}gridSpan", 1), _MOST_SPANNED)
            row.cells.extend([""] * (span - 1))
        row.is_title = len(cells) == 1 and len(row.cells) > 1 and not row.blocks
        return row

    def _cell(self, container: _Element) -> str:
        """All paragraphs of a cell on one line, those of text boxes in it as well."""
        texts: list[str] = []
        for paragraph in _parts(container, "p"):
            found = self.text.paragraph(paragraph)
            marker = self.numbering.marker(paragraph) if found.text.strip() else None
            if marker is not None and not marker.is_bullet:
                texts.append(marker.text)
            texts += [found.text, *found.notes, *found.beside, *map(self._cell, found.apart)]
        return one_line(" ".join(texts))


def _parts(container: _Element, name: str) -> Iterator[_Element]:
    """The children of this name, those within content controls and insertions as well."""
    for child in container:
        if child.tag == f"{WORD}{name}":
            yield child
        elif child.tag in _WRAPPERS:
            yield from _parts(child, name)


def _may_have_header(table: _Element) -> bool:
    """Whether the table's look does not forbid a different first row."""
    look = table.find(f"{WORD}tblPr/{WORD}tblLook")
    return look is None or look.get(f"{WORD}firstRow", "1") not in ("0", "false", "off")


def _plural(what: str, count: int) -> str:
    noun, space, rest = what.partition(" of ")
    return what if count == 1 else f"{noun}s{space}{rest}"
