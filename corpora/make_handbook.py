"""Make the PDF and DOCX files of the handbook corpus from plain sources.

``python corpora/make_handbook.py`` reads ``corpora/handbook-src/*.md`` and writes the
files into ``corpora/handbook``. The other documents there (Markdown, text, HTML,
Python) are written by hand and are left alone.

The sources use a small part of Markdown: ``#`` headings, paragraphs, ``-`` and ``1.``
lists with one line per item, and pipe tables with a header row. Text must be
Latin-1, since the PDFs use a core font.

Dates and metadata are fixed, so the same versions of the libraries give the same
bytes on every run. Needs fpdf2 and python-docx.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from docx import Document
from docx.document import Document as DocxDocument
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

ROOT = Path(__file__).resolve().parent
SOURCE_DIR = ROOT / "handbook-src"
TARGET_DIR = ROOT / "handbook"

COMPANY = "Fallowmere Instruments"
FIXED_DATE = datetime(2026, 1, 12, 9, 0, 0, tzinfo=UTC)
ZIP_DATE = (2026, 1, 12, 9, 0, 0)

PDF_NAMES = ("leave", "travel", "warranty")
DOCX_NAMES = ("parental-leave", "procurement", "training-budget")

PDF_FONT = "Helvetica"
HEADING_SIZES = {1: 20, 2: 14, 3: 12}
BODY_SIZE = 11
LINE_HEIGHT = 6
ITEM_INDENT = 7


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title of the document."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of running text."""

    text: str


@dataclass(frozen=True)
class ItemList:
    """A bulleted or a numbered list."""

    ordered: bool
    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table; the first row is the header."""

    rows: tuple[tuple[str, ...], ...]


Block: TypeAlias = Heading | Paragraph | ItemList | Table


def parse_source(text: str) -> list[Block]:
    """Split a source into blocks, which are separated by blank lines."""
    chunks = re.split(r"\n\s*\n", text.strip())
    return [parse_chunk(chunk.splitlines()) for chunk in chunks]


def parse_chunk(lines: Sequence[str]) -> Block:
    """Turn the lines between two blank lines into one block."""
    first = lines[0]
    heading = re.match(r"(#{1,3}) (.+)", first)
    if heading and len(lines) == 1:
        return Heading(len(heading.group(1)), heading.group(2).strip())
    if all(line.startswith("|") for line in lines):
        return Table(parse_table(lines))
    if all(line.startswith("- ") for line in lines):
        return ItemList(False, tuple(line[2:].strip() for line in lines))
    if all(re.match(r"\d+\. ", line) for line in lines):
        return ItemList(True, tuple(line.split(". ", 1)[1].strip() for line in lines))
    return Paragraph(" ".join(line.strip() for line in lines))


def parse_table(lines: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Read the cells of a pipe table, without the ruler below its header."""
    rows = [tuple(cell.strip() for cell in line.strip("| ").split("|")) for line in lines]
    return tuple(row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row))


def title_of(blocks: Sequence[Block]) -> str:
    """Return the text of the level 1 heading that every source starts with."""
    first = blocks[0]
    if not isinstance(first, Heading) or first.level != 1:
        raise ValueError("a source must start with a level 1 heading")
    return first.text


class HandbookPdf(FPDF):
    """A PDF with a running head from page 2 on and a page number in the footer."""

    def __init__(self, title: str) -> None:
        super().__init__(format="A4")
        self.doc_title = title
        self.set_title(title)
        self.set_author(COMPANY)
        self.set_creator("make_handbook.py")
        self.set_producer("fpdf2")
        self.set_lang("en-GB")
        self.set_creation_date(FIXED_DATE)
        self.set_margins(left=25, top=22, right=25)
        self.set_auto_page_break(True, margin=25)

    def header(self) -> None:
        """Print the running head."""
        if self.page_no() == 1:
            return
        self.set_font(PDF_FONT, "I", 9)
        self.set_text_color(90)
        self.cell(0, 5, f"{COMPANY} handbook: {self.doc_title}")
        self.ln(10)
        self.set_text_color(0)

    def footer(self) -> None:
        """Print the page number."""
        self.set_y(-17)
        self.set_font(PDF_FONT, "", 9)
        self.set_text_color(90)
        self.cell(0, 5, f"Page {self.page_no()} of {{nb}}", align="C")
        self.set_text_color(0)


def pdf_heading(pdf: HandbookPdf, block: Heading) -> None:
    """Print a heading, on the next page if too little room is left below it."""
    if pdf.will_page_break(28):
        pdf.add_page()
    elif block.level > 1:
        pdf.ln(2)
    size = HEADING_SIZES[block.level]
    pdf.set_font(PDF_FONT, "B", size)
    if block.level < 3:
        pdf.set_text_color(30, 66, 104)
    pdf_text(pdf, block.text, height=size * 0.5)
    pdf.set_text_color(0)
    pdf.start_section(block.text, level=block.level - 1)
    pdf.ln(2)


def pdf_text(pdf: HandbookPdf, text: str, height: float = LINE_HEIGHT) -> None:
    """Print wrapped text from the current position to the right margin."""
    pdf.multi_cell(0, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def pdf_list(pdf: HandbookPdf, block: ItemList) -> None:
    """Print a list with hanging indent."""
    for number, item in enumerate(block.items, start=1):
        if pdf.will_page_break(2 * LINE_HEIGHT):
            pdf.add_page()
        pdf.set_font(PDF_FONT, "", BODY_SIZE)
        pdf.cell(ITEM_INDENT, LINE_HEIGHT, f"{number}." if block.ordered else "-")
        pdf_text(pdf, item)
        pdf.ln(1)
    pdf.ln(2)


def pdf_table(pdf: HandbookPdf, block: Table) -> None:
    """Print a table over the full width, with a shaded header row."""
    pdf.set_font(PDF_FONT, "", BODY_SIZE - 1)
    style = FontFace(emphasis="BOLD", fill_color=(222, 232, 240))
    with pdf.table(headings_style=style, line_height=LINE_HEIGHT, text_align="LEFT") as table:
        for cells in block.rows:
            row = table.row()
            for cell in cells:
                row.cell(cell)
    pdf.ln(4)


def write_pdf(blocks: Sequence[Block], target: Path) -> None:
    """Write the blocks as a PDF."""
    pdf = HandbookPdf(title_of(blocks))
    pdf.add_page()
    for block in blocks:
        pdf.set_font(PDF_FONT, "", BODY_SIZE)
        match block:
            case Heading():
                pdf_heading(pdf, block)
            case Paragraph():
                pdf_text(pdf, block.text)
                pdf.ln(3)
            case ItemList():
                pdf_list(pdf, block)
            case Table():
                pdf_table(pdf, block)
    target.write_bytes(bytes(pdf.output()))


def set_properties(document: DocxDocument, title: str) -> None:
    """Give the document fixed metadata."""
    properties = document.core_properties
    properties.title = title
    properties.author = COMPANY
    properties.last_modified_by = COMPANY
    properties.comments = ""
    properties.revision = 1
    properties.created = FIXED_DATE.replace(tzinfo=None)
    properties.modified = FIXED_DATE.replace(tzinfo=None)


def docx_table(document: DocxDocument, block: Table) -> None:
    """Add a table with a bold header row."""
    table = document.add_table(rows=len(block.rows), cols=len(block.rows[0]), style="Table Grid")
    for row, cells in zip(table.rows, block.rows, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    for cell in table.rows[0].cells:
        for run in cell.paragraphs[0].runs:
            run.bold = True
    document.add_paragraph()


def docx_list(document: DocxDocument, block: ItemList) -> None:
    """Add the items of a list, in Word's own list styles."""
    style: Literal["List Number", "List Bullet"]
    style = "List Number" if block.ordered else "List Bullet"
    for item in block.items:
        document.add_paragraph(item, style=style)


def normalise_zip(data: bytes) -> bytes:
    """Rewrite a zip archive with one fixed time stamp on all its members."""
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            member = zipfile.ZipInfo(name, date_time=ZIP_DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            member.external_attr = 0o644 << 16
            target.writestr(member, source.read(name))
    return result.getvalue()


def write_docx(blocks: Sequence[Block], target: Path) -> None:
    """Write the blocks as a Word document."""
    document = Document()
    title = title_of(blocks)
    set_properties(document, title)
    document.sections[0].footer.paragraphs[0].text = f"{COMPANY} handbook: {title}"
    for block in blocks:
        match block:
            case Heading():
                document.add_heading(block.text, level=block.level)
            case Paragraph():
                document.add_paragraph(block.text)
            case ItemList():
                docx_list(document, block)
            case Table():
                docx_table(document, block)
    buffer = io.BytesIO()
    document.save(buffer)
    target.write_bytes(normalise_zip(buffer.getvalue()))


def read_source(name: str) -> list[Block]:
    """Read and parse one source."""
    return parse_source((SOURCE_DIR / f"{name}.md").read_text(encoding="utf-8"))


def main() -> None:
    """Write all generated documents."""
    TARGET_DIR.mkdir(parents=True, exist_ok=True)
    for name in PDF_NAMES:
        write_pdf(read_source(name), TARGET_DIR / f"{name}.pdf")
    for name in DOCX_NAMES:
        write_docx(read_source(name), TARGET_DIR / f"{name}.docx")


if __name__ == "__main__":
    main()
