"""Word documents through python-docx: headings, paragraphs, lists and tables in document order."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ragcli.documents.outline import LINE, PARAGRAPH, Outline
from ragcli.documents.tables import table_lines
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from docx.document import Document as WordDocument

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_OLE_MAGIC = b"\xd0\xcf\x11\xe0"
_MOST_UNPACKED_BYTES = 500_000_000

# Deleted and moved text, field codes, the copy of a drawing for old programs, notes' marks: not on the page.
_NOT_SHOWN = frozenset(
    {
        f"{_WORD}{name}"
        for name in ("del", "moveFrom", "instrText", "delText", "fldChar", "footnoteReference", "pPr")
    }
    | {f"{_COMPATIBILITY}Fallback"}
)
_HEADING_STYLE = re.compile(r"heading\s*([1-9])$", re.IGNORECASE)
_CONTENTS_STYLE = re.compile(r"(toc\s*\d|toc heading|table of figures)$", re.IGNORECASE)
# The title of python-docx's and Word's own templates.
_TEMPLATE_TITLES = frozenset({"", "word document", "document", "untitled"})


def read_docx(data: bytes, name: str) -> Outline:
    """Raises UnreadableFile for an encrypted or damaged file."""
    import docx

    _check_container(data)
    outline = Outline("docx")
    try:
        document = docx.Document(io.BytesIO(data))
        _Walk(outline, document).walk(document.element.body)
        core_title = (document.core_properties.title or "").strip()
    except MemoryError:
        raise
    except Exception as problem:
        # A damaged file makes the parser fail anywhere: the type of the error says nothing about the cause.
        raise UnreadableFile(f"damaged: {type(problem).__name__}") from problem
    if not outline.title and core_title.lower() not in _TEMPLATE_TITLES:
        outline.title = core_title
    return outline


def _check_container(data: bytes) -> None:
    if data.startswith(_OLE_MAGIC):
        raise UnreadableFile(
            "encrypted, or in Word's old format", hint="Save it as .docx without a password."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError) as problem:
        raise UnreadableFile("damaged: not a Word document") from problem
    if unpacked > _MOST_UNPACKED_BYTES:
        raise UnreadableFile(f"unpacks to more than {_MOST_UNPACKED_BYTES // 1_000_000} MB")


class _Walk:
    """The body's elements from top to bottom."""

    def __init__(self, outline: Outline, document: WordDocument) -> None:
        self.outline = outline
        self.styles = {style.style_id: style for style in document.styles}
        self.formats = _number_formats(document)
        self.counters: dict[tuple[str, int], int] = {}
        self.in_list = False

    def walk(self, container: Any) -> None:
        for element in container.iterchildren():
            if element.tag == f"{_WORD}p":
                self._paragraph(element)
            elif element.tag == f"{_WORD}tbl":
                self._table(element)
            elif element.tag in (f"{_WORD}sdt", f"{_WORD}sdtContent", f"{_WORD}ins", f"{_WORD}customXml"):
                self.walk(element)

    def _paragraph(self, element: Any) -> None:
        text = "".join(_shown_text(element)).strip()
        style = self._style_name(element)
        if not text or _CONTENTS_STYLE.match(style):
            return
        level = self._heading_level(element, style)
        if style.lower() == "title" and not self.outline.title:
            self.outline.title = text
            self.outline.heading(1, text)
        elif level:
            self.outline.heading(level, text)
        else:
            self._text(element, style, text)
            return
        self.in_list = False

    def _text(self, element: Any, style: str, text: str) -> None:
        number_id, depth = self._list_level(element)
        if not number_id and not style.lower().startswith("list "):
            self.outline.add(text)
            self.in_list = False
            return
        marker = self._marker(number_id, depth, style)
        separator = LINE if self.in_list else PARAGRAPH
        self.outline.add(f"{'  ' * depth}{marker}{text}", separator=separator)
        self.in_list = True

    def _marker(self, number_id: str, depth: int, style: str) -> str:
        numbered = self.formats.get((number_id, depth), "bullet") != "bullet"
        if not number_id:
            numbered = "number" in style.lower()
        if not self.in_list and not number_id:
            self.counters.clear()
        if not numbered:
            return "- "
        key = (number_id, depth)
        self.counters[key] = self.counters.get(key, 0) + 1
        for other in [k for k in self.counters if k[0] == number_id and k[1] > depth]:
            del self.counters[other]
        return f"{self.counters[key]}. "

    def _table(self, table: Any) -> None:
        rows: list[list[str]] = []
        for row in table.iterchildren(f"{_WORD}tr"):
            cells = _cells(row, rows[-1] if rows else [])
            if any(cells):
                rows.append(cells)
        has_header = len(rows) > 1 and len(rows[0]) > 1 and all(rows[0])
        for number, line in enumerate(table_lines(rows, has_header=has_header)):
            self.outline.add(line, separator=LINE if number else PARAGRAPH)
        self.in_list = False

    def _style_name(self, element: Any) -> str:
        style = self.styles.get(element.style)
        return (style.name or "") if style is not None else ""

    def _heading_level(self, element: Any, style: str) -> int:
        """By the style's name, else by the outline level of the paragraph or its style (any language)."""
        match = _HEADING_STYLE.match(style)
        if match:
            return int(match[1])
        holders = [element.pPr, *(ancestor.element.pPr for ancestor in self._style_chain(element))]
        for holder in holders:
            found = None if holder is None else holder.find(f"{_WORD}outlineLvl")
            if found is not None:
                value = int(found.get(f"{_WORD}val", "9"))
                return value + 1 if value < 9 else 0
        return 0

    def _style_chain(self, element: Any) -> Iterator[Any]:
        style = self.styles.get(element.style)
        for _ in range(10):
            if style is None:
                return
            yield style
            style = getattr(style, "base_style", None)

    def _list_level(self, element: Any) -> tuple[str, int]:
        """(numbering id, depth from 0); the id is "" outside a list."""
        holders = [element.pPr, *(ancestor.element.pPr for ancestor in self._style_chain(element))]
        for holder in holders:
            numbering = None if holder is None else holder.find(f"{_WORD}numPr")
            if numbering is None:
                continue
            number, depth = numbering.find(f"{_WORD}numId"), numbering.find(f"{_WORD}ilvl")
            found = "" if number is None else str(number.get(f"{_WORD}val"))
            return ("", 0) if found == "0" else (found, 0 if depth is None else int(depth.get(f"{_WORD}val")))
        return "", 0


def _shown_text(element: Any) -> Iterator[str]:
    """The text of runs, insertions, links and content controls; never what is deleted or hidden."""
    for child in element.iterchildren():
        tag = child.tag
        if tag in _NOT_SHOWN or (tag == f"{_WORD}r" and _is_hidden(child)):
            continue
        if tag == f"{_WORD}t":
            yield child.text or ""
        elif tag == f"{_WORD}tab":
            yield " "
        elif tag in (f"{_WORD}br", f"{_WORD}cr"):
            yield "\n"
        elif tag == f"{_WORD}noBreakHyphen":
            yield "-"
        else:
            yield from _shown_text(child)


def _is_hidden(run: Any) -> bool:
    properties = run.find(f"{_WORD}rPr")
    vanish = None if properties is None else properties.find(f"{_WORD}vanish")
    return vanish is not None and vanish.get(f"{_WORD}val", "1") not in ("0", "false", "off")


def _cells(row: Any, above: list[str]) -> list[str]:
    """The row's cells; one merged with the cell above repeats its text, one that spans columns does not."""
    cells: list[str] = []
    for cell in row.iterchildren(f"{_WORD}tc"):
        merged, span = cell.find(f"{_WORD}tcPr/{_WORD}vMerge"), cell.find(f"{_WORD}tcPr/{_WORD}gridSpan")
        if merged is not None and merged.get(f"{_WORD}val") != "restart" and len(cells) < len(above):
            cells.append(above[len(cells)])
        else:
            paragraphs = ("".join(_shown_text(part)).strip() for part in cell.iter(f"{_WORD}p"))
            cells.append(" ".join(text for text in paragraphs if text))
        cells.extend([""] * (int(span.get(f"{_WORD}val")) - 1 if span is not None else 0))
    return cells


def _number_formats(document: WordDocument) -> dict[tuple[str, int], str]:
    """(numbering id, depth) -> Word's name of the number format, "bullet" or "decimal" for example."""
    try:
        root: Any = document.part.numbering_part.element
    except (KeyError, NotImplementedError):
        return {}
    abstract = {node.get(f"{_WORD}abstractNumId"): node for node in root.findall(f"{_WORD}abstractNum")}
    formats = {}
    for number in root.findall(f"{_WORD}num"):
        target = number.find(f"{_WORD}abstractNumId")
        node = abstract.get(None if target is None else target.get(f"{_WORD}val"))
        for level in () if node is None else node.findall(f"{_WORD}lvl"):
            form = level.find(f"{_WORD}numFmt")
            depth = int(level.get(f"{_WORD}ilvl"))
            formats[number.get(f"{_WORD}numId"), depth] = "" if form is None else form.get(f"{_WORD}val")
    return formats
