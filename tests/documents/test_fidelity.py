"""Every word of a document is in its text: what ragcli reads, compared with other programs.

`bench/fidelity.py` checks the same for hundreds of real files. Here the files are small, made by hand or by
programs that ragcli does not use for reading; the words come from pypdf, openpyxl or straight from the file's
XML.
"""

from __future__ import annotations

import html.parser
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ragcli.documents import read

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from fidelity_ragcli import as_reading
from fidelity_words import Difference, difference, headings_missed, words

PARAGRAPHS = (
    "The ferry office opens at seven in winter and at six in summer; first-class passengers board above.",
    "Officials file affidavits in the affluent suburb; a waffle and a coffee cost two euros fifty.",
    "Refunds are paid within fourteen days unless the crossing was cancelled by storm, fog or ice.",
)
TIMETABLE = (
    ("Harbour", "Departure", "Fare"),
    ("Lervik", "07:15", ""),
    ("Skagen", "", "48"),
    ("Marstrand", "11:40", "52"),
)

PAGE = """<!doctype html><html><head><title>Ferry handbook</title><style>.gone {display: none}</style>
<script>var hidden = "neverseen";</script></head><body>
<h1>Ferry handbook</h1><p>Welcome aboard.</p>
<ul><li>Dogs<ul><li>on a leash</li><ul><li>muzzled upstairs</li></ul></ul></li>
<div><li>Cats in baskets</li></div>
<p>Loose paragraph between items</p>Bare words between items</ul>
<main><h2>Fares</h2><aside>Children under five travel free.</aside>
<table><tr><th>Route</th><th>Gas</th></tr>
<tr><td>Lervik</td><td>H<sub>2</sub>O and super<wbr>charged</td></tr>
<tr><td rowspan=2>Skagen</td><td>day</td></tr><tr><td>night</td></tr></table>
<dl><dt>Deposit</dt><dd>Twenty euros<dl><dt>Returned</dt><dd>at the pier</dd></dl></dd>
<dt>Cancel</dt><dt>Withdraw</dt><dd>Before noon<pre>fare --cancel
  --ticket 4711</pre></dd></dl>
<details><summary>Fine print</summary><p>Subject to weather.</p></details>
<blockquote>Quoth the purser: never again.</blockquote></main>
<figure><figcaption>The old pier in autumn</figcaption></figure></body></html>
"""
SEEN = """Ferry handbook Welcome aboard Dogs on a leash muzzled upstairs Cats in baskets
Loose paragraph between items Bare words between items Fares Children under five travel free Route Gas
Lervik H2O and supercharged Skagen day night Deposit Twenty euros Returned at the pier Cancel Withdraw
Before noon fare cancel ticket 4711 Fine print Subject to weather Quoth the purser never again
The old pier in autumn"""

MARKUP = {
    "guide.md": """<h1 align="center">Ferry guide</h1>

Write to <purser@example.org> or ask `<deck>@<ship>`; tickets for <name> wait at the pier.

1. Board early
   - with dogs
2. Keep *calm*

| Harbour | Fare |
|---|---|
| Lervik |  |
| Skagen | 48 |

> Storms close the upper deck.

```sh
ferry --book lervik
```
""",
    "log.txt": "   first line is indented\n\nsecond paragraph, naïve café\n    deeply indented words\n",
    "fares.csv": "Harbour;Departure;Fare\nLervik;07:15;\nSkagen;;48\n",
}


class _Text(html.parser.HTMLParser):
    """The text of the body, without what browsers do not show."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attributes: object) -> None:
        self._hidden += tag in ("head", "script", "style")
        # Letters next to a subscript belong to its word.
        self.parts.append("" if tag in ("sub", "sup", "wbr", "b", "i", "em") else "\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("head", "script", "style")
        self.parts.append("" if tag in ("sub", "sup", "wbr", "b", "i", "em") else "\n")

    def handle_data(self, data: str) -> None:
        self.parts.append("" if self._hidden else data)


def text_of_html(data: bytes) -> str:
    parser = _Text()
    parser.feed(data.decode())
    return "".join(parser.parts)


def text_of_markup(data: bytes) -> str:
    """The words themselves, without tags and the language of a block of code."""
    return re.sub(r"</?h1[^>]*>|^```\w*", "", data.decode(), flags=re.MULTILINE)


def text_of_pdf(data: bytes) -> str:
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def text_of_xml(part: str, *paragraphs: str) -> Callable[[bytes], str]:
    """The text within elements of these names, in one part of a zipped document."""

    def extract(data: bytes) -> str:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            root = ElementTree.fromstring(archive.read(part))
        return "\n".join(_spelled(e) for e in root.iter() if _name(e) in paragraphs)

    return extract


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _spelled(paragraph: ElementTree.Element) -> str:
    return "".join("\t" if _name(e) == "tab" else e.text or "" for e in paragraph.iter())


def text_of_workbook(data: bytes) -> str:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data))
    rows = (row for sheet in book for row in sheet.iter_rows(values_only=True))
    return "\n".join(" ".join(str(cell) for cell in row if cell is not None) for row in rows)


def text_of_notebook(data: bytes) -> str:
    return "\n".join("".join(cell["source"]) for cell in json.loads(data)["cells"])


def pdf_of_paragraphs() -> bytes:
    from fpdf import FPDF

    pdf = FPDF()
    for number, title in enumerate(("Boarding", "Complaints", "Refunds")):
        pdf.add_page()
        pdf.set_font("Helvetica", "B", 16)
        pdf.cell(0, 10, title, new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("Times", "", 11)
        pdf.multi_cell(0, 6, PARAGRAPHS[number], align="J")
    return bytes(pdf.output())


def pdf_in_columns() -> bytes:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Times", "", 11)
    with pdf.text_columns(ncols=2, gutter=12, text_align="J") as columns:
        for paragraph in PARAGRAPHS * 3:
            columns.write(paragraph + "\n\n")
    return bytes(pdf.output())


def pdf_with_table() -> bytes:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", "", 11)
    pdf.multi_cell(0, 6, PARAGRAPHS[0])
    with pdf.table() as table:
        for cells in TIMETABLE:
            table.row(cells)
    return bytes(pdf.output())


def pdf_of_matplotlib() -> bytes:
    """Glyphs of an embedded TrueType font, letter by letter, some turned by a quarter."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.bar(["Lervik", "Skagen", "Marstrand"], [3, 5, 4])
    axes.set_title("Passengers by harbour")
    axes.set_xlabel("Harbour")
    out = io.BytesIO()
    figure.savefig(out, format="pdf")
    return out.getvalue()


def zipped(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def docx_by_hand() -> bytes:
    """A content control, text that was moved, a tab, a table with an empty corner."""
    office = "http://schemas.openxmlformats.org"
    word = f'xmlns:w="{office}/wordprocessingml/2006/main"'
    paragraphs = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in PARAGRAPHS)
    cells = (("", "Fare"), ("Lervik", "48"))
    rows = "".join(
        "<w:tr>" + "".join(f"<w:tc><w:p><w:r><w:t>{c}</w:t></w:r></w:p></w:tc>" for c in row) + "</w:tr>"
        for row in cells
    )
    body = (
        '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Ferry manual</w:t></w:r></w:p>'
        f"{paragraphs}<w:sdt><w:sdtContent><w:p><w:r><w:t>Approved by the harbourmaster</w:t></w:r></w:p>"
        "</w:sdtContent></w:sdt>"
        '<w:p><w:moveTo w:id="1" w:author="A"><w:r><w:t>Relocated sentence</w:t></w:r></w:moveTo></w:p>'
        f"<w:p><w:r><w:t>left</w:t><w:tab/><w:t>right</w:t></w:r></w:p><w:tbl>{rows}</w:tbl>"
    )
    package = "application/vnd.openxmlformats-package"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    main = f"{office}/officeDocument/2006/relationships/officeDocument"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types">'
            f'<Default Extension="rels" ContentType="{package}.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{office}/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{main}" Target="word/document.xml"/></Relationships>',
            "word/document.xml": f"<w:document {word}><w:body>{body}</w:body></w:document>",
        }
    )


def odt_by_hand() -> bytes:
    names = "urn:oasis:names:tc:opendocument:xmlns"
    paragraphs = "".join(f"<text:p>{text}</text:p>" for text in PARAGRAPHS)
    items = "<text:list><text:list-item><text:p>Life jackets</text:p></text:list-item></text:list>"
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f'<office:document-content xmlns:office="{names}:office:1.0" '
            f'xmlns:text="{names}:text:1.0"><office:body><office:text>'
            f'<text:h text:outline-level="1">Ferry manual</text:h>{paragraphs}{items}'
            "</office:text></office:body></office:document-content>",
        }
    )


def epub_by_hand() -> bytes:
    body = f"<body><h1>Ferry book</h1><p>{PARAGRAPHS[2]}</p></body>"
    page = f"<html xmlns='http://www.w3.org/1999/xhtml'>{body}</html>"
    names = "urn:oasis:names:tc:opendocument:xmlns:container"
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": f'<container xmlns="{names}"><rootfiles><rootfile full-path="book.opf" '
            'media-type="application/oebps-package+xml"/></rootfiles></container>',
            "book.opf": '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/><manifest>'
            '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="a"/></spine></package>',
            "a.xhtml": page,
        }
    )


def text_of_book(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return text_of_html(archive.read("a.xhtml"))


def workbook_of_openpyxl() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in TIMETABLE:
        sheet.append(row)
    book.create_sheet("Notes")["B2"] = PARAGRAPHS[1]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def notebook() -> bytes:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Ferry study\n", "\n", PARAGRAPHS[0]]},
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "outputs": [],
            "source": ["fare = 48\n", "print(fare)"],
        },
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def mail() -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "purser@example.org",
        "crew@example.org",
        "Überfahrt fällt aus",
    )
    message.set_content("\n".join(PARAGRAPHS) + "\nGrüße")
    return message.as_bytes()


def text_of_mail(data: bytes) -> str:
    import email.policy

    message = email.message_from_bytes(data, policy=email.policy.default)
    return f"{message['Subject']}\n{message.get_body().get_content()}"  # type: ignore[union-attr]


MADE: dict[str, tuple[Callable[[], bytes], Callable[[bytes], str]]] = {
    "paragraphs.pdf": (pdf_of_paragraphs, text_of_pdf),
    "columns.pdf": (pdf_in_columns, text_of_pdf),
    "table.pdf": (pdf_with_table, text_of_pdf),
    "chart.pdf": (pdf_of_matplotlib, text_of_pdf),
    "page.html": (PAGE.encode, text_of_html),
    "manual.docx": (docx_by_hand, text_of_xml("word/document.xml", "p")),
    "manual.odt": (odt_by_hand, text_of_xml("content.xml", "p", "h")),
    "book.epub": (epub_by_hand, text_of_book),
    "fares.xlsx": (workbook_of_openpyxl, text_of_workbook),
    "study.ipynb": (notebook, text_of_notebook),
    "letter.eml": (mail, text_of_mail),
    **{name: (text.encode, text_of_markup) for name, text in MARKUP.items()},
}


def compared(folder: Path, name: str, data: bytes, text: str) -> Difference:
    path = folder / name
    path.write_bytes(data)
    found = as_reading(read(path))
    return difference([words(text)], words(found.text or ""), words(found.spare))


@pytest.mark.parametrize("name", MADE)
def test_no_word_is_lost_that_another_program_reads(tmp_path: Path, name: str) -> None:
    make, extract = MADE[name]
    data = make()
    found = compared(tmp_path, name, data, extract(data))
    assert found.reference >= 8
    assert not found.lost
    assert not found.cut


@pytest.mark.parametrize("name", ["paragraphs.pdf", "columns.pdf", "manual.odt", "book.epub", "log.txt"])
def test_no_word_comes_twice_and_none_in_another_place(tmp_path: Path, name: str) -> None:
    make, extract = MADE[name]
    data = make()
    found = compared(tmp_path, name, data, extract(data))
    assert not found.added
    assert not found.moved


def test_a_page_has_the_words_that_a_browser_shows(tmp_path: Path) -> None:
    """Cells may name their columns again; nothing else occurs twice."""
    found = compared(tmp_path, "page.html", PAGE.encode(), SEEN)
    assert not found.lost
    assert set(found.added) <= {"route", "gas", "skagen"}


def test_only_navigation_may_be_missing(tmp_path: Path) -> None:
    page = "<body><nav>Home Products Imprint</nav><main><h1>Fares</h1><p>Dogs travel free.</p></main></body>"
    found = compared(tmp_path, "page.html", page.encode(), text_of_html(page.encode()))
    assert set(found.lost) <= {"home", "products", "imprint"}


def test_the_measure_sees_lost_added_cut_and_moved_words() -> None:
    text = words("one two three four five six")
    found = difference([text], words("one three two five five sixseven"))
    assert found.lost == {"four": 1, "six": 1}
    assert found.added == {"five": 1, "sixseven": 1}
    assert (found.moved, found.anchors) == (1, 3)
    assert difference([words("vari able co-op")], words("variable coop")).cut == 1
    assert not difference([words("exam-\nple ﬁle")], words("example file")).lost


def test_a_word_counts_as_lost_where_two_others_have_it() -> None:
    texts = [words("alpha beta"), words("alpha gamma"), words("alpha gamma gamma")]
    assert difference(texts, words("")).lost == {"alpha": 1, "gamma": 1}


def test_a_heading_is_found_without_its_number() -> None:
    assert headings_missed(["2.1 Fares", "Dogs", "Cats"], ["Fares", "3 Dogs"]) == ["Cats"]
