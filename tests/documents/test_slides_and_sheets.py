"""PowerPoint and Excel: what a reader sees, by slides and by rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from office_files import opendocument, pptx, shape, sheet_rows, slide_table, xlsx

from ragcli.documents import UnreadableFile, read
from ragcli.documents.sheets.number_formats import shown_by
from ragcli.types import Document


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(folder: Path, name: str, data: bytes) -> Document:
    (folder / name).write_bytes(data)
    return read(folder / name)


def sections(document: Document) -> list[tuple[int | None, str, str]]:
    """(page or row, heading path, text) of every block."""
    return [
        (b.page or b.line_start, " > ".join(b.headings), document.text[b.start : b.end])
        for b in document.blocks
    ]


class TestSlides:
    def test_title_text_table_and_notes_of_each_slide(self, folder: Path) -> None:
        first = (
            shape("Firing\nslowly", kind="body", y=5_000_000)
            + shape("The kiln", kind="title")
            + slide_table([["Cone", "Heat"], ["04", "1060"]])
        )
        document = make(
            folder, "a.pptx", pptx([first, shape("The end", kind="title")], notes={1: "Say hello."})
        )
        assert document.title == "The big book"
        assert (document.format, document.pages) == ("pptx", 2)
        assert sections(document) == [
            (1, "The kiln", "- Firing"),
            (1, "The kiln", "- slowly"),
            (1, "The kiln", "Cone: 04 | Heat: 1060"),
            (1, "The kiln", "Notes: Say hello."),
            (2, "", "The end"),
        ]
        assert dict(document.metadata) == {
            "author": "Ada Lovelace",
            "keywords": "kiln, clay",
            "created": "2024-05-01",
        }

    def test_shapes_come_from_top_to_bottom_and_from_left_to_right(self, folder: Path) -> None:
        shapes = (
            shape("fourth", y=4_000_000)
            + shape("second", x=9, y=10_000)
            + "<p:grpSp><p:nvGrpSpPr><p:cNvPr id='9' name=''/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr>"
            "<p:grpSpPr><a:xfrm><a:off x='0' y='2000000'/><a:ext cx='1' cy='1'/><a:chOff x='0' y='0'/>"
            f"<a:chExt cx='1' cy='1'/></a:xfrm></p:grpSpPr>{shape('third')}</p:grpSp>" + shape("first")
        )
        document = make(folder, "a.pptx", pptx([shapes]))
        assert document.text.split() == ["first", "second", "third", "fourth"]

    def test_what_newer_programs_wrap_is_read_once(self, folder: Path) -> None:
        formula = (
            "<mc:AlternateContent><mc:Choice Requires='a14'>"
            + shape("x").replace(
                "<a:r><a:t>x</a:t></a:r>", "<a14:m><m:oMath><m:r><m:t>E=mc</m:t></m:r></m:oMath></a14:m>"
            )
            + f"</mc:Choice><mc:Fallback>{shape('a picture of it')}</mc:Fallback></mc:AlternateContent>"
        )
        assert make(folder, "a.pptx", pptx([formula])).text == "E=mc"

    def test_numbers_and_signs_of_lists(self, folder: Path) -> None:
        numbered = shape("one\ntwo", format='<a:buAutoNum type="arabicPeriod" startAt="3"/>')
        plain = shape("three\nfour", kind="body", y=900_000, format="<a:buNone/>")
        document = make(folder, "a.pptx", pptx([numbered + plain]))
        assert document.text == "3. one\n4. two\n\nthree\nfour"

    def test_a_footer_comes_once_and_the_number_of_each_slide(self, folder: Path) -> None:
        slide = shape("Text", y=0) + shape("Norvik Ltd", kind="ftr", y=8) + shape("7", kind="sldNum", y=9)
        document = make(folder, "a.pptx", pptx([slide, slide]))
        assert document.text.split("\n\n") == ["Text", "Norvik Ltd", "7", "Text", "7"]
        assert document.notes == ("footers of 2 words that repeat left out",)

    def test_a_picture_in_the_place_of_the_title_is_no_title(self, folder: Path) -> None:
        picture = (
            r"<p:pic><p:nvPicPr><p:cNvPr id='5' name='Picture 4' descr='C:\pictures\kiln.jpg'/><p:cNvPicPr/>"
            "<p:nvPr><p:ph type='title'/></p:nvPr></p:nvPicPr><p:blipFill><a:blip/></p:blipFill><p:spPr>"
            "<a:xfrm><a:off x='0' y='0'/><a:ext cx='1' cy='1'/></a:xfrm></p:spPr></p:pic>"
        )
        assert make(folder, "a.pptx", pptx([picture + shape("Text")])).text == "Text"

    def test_hidden_slides_and_pictures_are_reported(self, folder: Path) -> None:
        picture = (
            "<p:pic><p:nvPicPr><p:cNvPr id='5' name='Picture 4'/><p:cNvPicPr/><p:nvPr/></p:nvPicPr>"
            "<p:blipFill><a:blip/></p:blipFill><p:spPr><a:xfrm><a:off x='0' y='0'/><a:ext cx='1' cy='1'/>"
            "</a:xfrm></p:spPr></p:pic>"
        )
        described = picture.replace("name='Picture 4'", "name='Picture 4' descr='A lit kiln'")
        document = make(
            folder, "a.pptx", pptx([shape("Text"), shape("Backup"), picture, described], hidden=[2])
        )
        assert document.text == "Text\n\nA lit kiln"
        assert document.notes == ("slide 3: pictures, without text", "slide 2: hidden, and left out (1 word)")

    def test_shows_and_templates_are_presentations_too(self, folder: Path) -> None:
        assert make(folder, "a.ppsx", pptx([shape("Text")], main="slideshow")).text == "Text"


PERCENT = (
    '<numFmts><numFmt numFmtId="164" formatCode="0.0%"/>'
    '<numFmt numFmtId="165" formatCode="#,##0.00 &quot;EUR&quot;"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="14"/></cellXfs>'
)


class TestSheets:
    COMMENTS = "<comments><comment><text><r><t>Too dear</t></r></text></comment></comments>"

    def read(
        self, folder: Path, sheets: Mapping[str, str], **more: object
    ) -> list[tuple[int | None, str, str]]:
        return sections(make(folder, "a.xlsx", xlsx(sheets, styles=PERCENT, **more)))  # type: ignore[arg-type]

    def test_each_row_names_its_columns_and_stands_at_its_number(self, folder: Path) -> None:
        rows = {
            1: ["Price list"],
            3: ["Name", "Price", "Tax"],
            4: ["Kiln", (1250, 2), (0.19, 1)],
            7: ["Cone", 3.5, ""],
        }
        assert self.read(folder, {"Sales": sheet_rows(rows)}) == [
            (1, "Sales", "Price list"),
            (4, "Sales", "Name: Kiln | Price: 1250.00 EUR | Tax: 19.0 %"),
            (7, "Sales", "Name: Cone | Price: 3.5"),
        ]

    def test_tables_below_each_other_have_headers_of_their_own(self, folder: Path) -> None:
        rows = {1: ["Name", "Price"], 2: ["Kiln", 5], 4: ["City", "Head", "Phone"], 5: ["Oslo", "Bea", "12"]}
        assert [text for *_, text in self.read(folder, {"S": sheet_rows(rows)})] == [
            "Name: Kiln | Price: 5",
            "City: Oslo | Head: Bea | Phone: 12",
        ]

    def test_a_table_goes_on_after_an_empty_row(self, folder: Path) -> None:
        rows = {
            1: ["Name", "Town"],
            2: ["Ada", "Oslo"],
            4: ["Bea", "Rome"],
            5: ["Carl", "Bonn"],
            7: ["Dora", "Graz"],
        }
        assert [text for *_, text in self.read(folder, {"S": sheet_rows(rows)})] == [
            "Name: Ada | Town: Oslo",
            "Name: Bea | Town: Rome",
            "Name: Carl | Town: Bonn",
            "Name: Dora | Town: Graz",
        ]

    def test_numbers_name_no_columns(self, folder: Path) -> None:
        assert self.read(folder, {"S": sheet_rows({5: [1, 2.25], 6: [3, 0.1 + 0.2]}, first_column=2)}) == [
            (5, "S", "1 | 2.25"),
            (6, "S", "3 | 0.3"),
        ]

    def test_merged_cells_count_for_all_that_they_cover(self, folder: Path) -> None:
        rows = {1: ["", "2025", "", "2026", ""], 2: ["City", "May", "June", "May", "June"]}
        rows |= {3: ["Oslo", 1, 2, 3, 4], 4: ["Rome", 5, 6, 7, 8], 5: ["", 9, 10, 11, 12]}
        merged = "".join(f'<mergeCell ref="{area}"/>' for area in ("B1:C1", "D1:E1", "A4:A5"))
        assert [
            text
            for *_, text in self.read(folder, {"S": sheet_rows(rows) + f"<mergeCells>{merged}</mergeCells>"})
        ] == [
            "City: Oslo | 2025 May: 1 | 2025 June: 2 | 2026 May: 3 | 2026 June: 4",
            "City: Rome | 2025 May: 5 | 2025 June: 6 | 2026 May: 7 | 2026 June: 8",
            "City: Rome | 2025 May: 9 | 2025 June: 10 | 2026 May: 11 | 2026 June: 12",
        ]

    def test_hidden_sheets_and_comments_are_reported(self, folder: Path) -> None:
        sheets = {"Open": sheet_rows({1: ["seen"]}), "Shut": sheet_rows({1: ["unseen"]})}
        data = xlsx(sheets, hidden=["Shut"], others={"xl/comments1.xml": self.COMMENTS})
        document = make(folder, "a.xlsx", data)
        assert document.text == "seen"
        assert document.notes == (
            "the sheet Shut is hidden, and left out (1 word)",
            "comments on cells left out (2 words)",
        )

    def test_errors_are_read_as_they_are_shown(self, folder: Path) -> None:
        rows = (
            '<row r="1"><c r="A1" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="B1"><v>5</v></c>'
            '<c r="C1" t="e"><v>#N/A</v></c></row>'
        )
        assert [text for *_, text in self.read(folder, {"S": f"<sheetData>{rows}</sheetData>"})] == [
            "#DIV/0! | 5 | #N/A"
        ]

    def test_text_boxes_are_read(self, folder: Path) -> None:
        drawing = (
            '<xdr xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:p>'
            "<a:r><a:t>Mind </a:t></a:r><a:r><a:t>the lid</a:t></a:r></a:p></xdr>"
        )
        data = xlsx({"S": sheet_rows({1: ["cell"]})}, others={"xl/drawings/drawing1.xml": drawing})
        assert make(folder, "a.xlsx", data).text == "cell\n\nMind the lid"

    def test_titles_of_charts_are_read(self, folder: Path) -> None:
        chart = (
            '<c xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><title><a:p><a:r><a:t>'
            "Heat a day</a:t></a:r></a:p></title><ser><v>1</v></ser></c>"
        )
        data = xlsx({"S": sheet_rows({1: ["cell"]})}, others={"xl/charts/chart1.xml": chart})
        assert make(folder, "a.xlsx", data).text == "cell\n\nHeat a day"

    def test_a_page_or_a_text_called_xls_is_read_as_what_it_is(self, folder: Path) -> None:
        page = b"<table><tr><th>City</th><th>Tax</th></tr><tr><td>Oslo</td><td>5</td></tr></table>"
        assert make(folder, "a.xls", page).text == "City: Oslo | Tax: 5"
        assert make(folder, "b.xls", b"City\tTax\nOslo\t5\n").text == "City: Oslo | Tax: 5"

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
    @given(st.data())
    def test_every_cell_comes_once(self, folder: Path, data: st.DataObject) -> None:
        width, height = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 7))
        blanks = data.draw(st.sets(st.integers(1, height)))
        rows = {
            row: [f"w{row}x{column}" if data.draw(st.booleans()) else "" for column in range(width)]
            for row in range(1, height + 1)
            if row not in blanks
        }
        expected = [cell for cells in rows.values() for cell in cells if cell]
        if not expected:
            return
        found = " ".join(text for *_, text in self.read(folder, {"S": sheet_rows(rows)}))
        words = found.replace(":", " ").replace("|", " ").split()
        assert set(words) == set(expected)
        # Only names of columns are repeated, and they are in the first row of a table or below its title.
        repeated = {int(word[1:].partition("x")[0]) for word in words if words.count(word) > 1}
        assert all(sum(map(bool, rows.get(row - 1, []))) < 2 for row in repeated)


class TestOpenDocumentSheets:
    def test_cells_are_read_as_they_are_shown(self, folder: Path) -> None:
        def cell(text: str, kind: str = "string", more: str = "") -> str:
            shown = f"<text:p>{text}</text:p>"
            return f'<table:table-cell office:value-type="{kind}" {more}>{shown}</table:table-cell>'

        covered, spanned = "<table:covered-table-cell/>", 'table:number-rows-spanned="2"'
        empty = '<table:table-cell table:number-columns-repeated="16000"/>'
        body = (
            '<table:table table:name="Sales"><table:table-column/>'
            f"<table:table-row>{cell('Name')}{cell('Price')}{cell('Share')}{empty}</table:table-row>"
            '<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>'
            f"<table:table-row>{cell('Kiln', more=spanned)}"
            f"{cell('1,250.00 EUR', 'currency')}{cell('12.5%', 'percentage')}{empty}</table:table-row>"
            f"<table:table-row>{covered}{cell('3.50 EUR', 'currency')}{empty}</table:table-row>"
            '<table:table-row table:number-rows-repeated="1000000"><table:table-cell/></table:table-row>'
            '</table:table><table:table table:name="Shut" table:style-name="h">'
            f"<table:table-row>{cell('no')}</table:table-row></table:table>"
        )
        styles = '<style:style style:name="h"><style:table-properties table:display="false"/></style:style>'
        document = make(folder, "a.ods", opendocument("spreadsheet", body, styles=styles))
        assert sections(document) == [
            (5, "Sales", "Name: Kiln | Price: 1,250.00 EUR | Share: 12.5%"),
            (6, "Sales", "Name: Kiln | Price: 3.50 EUR"),
        ]
        assert document.notes == ("the sheet Shut is hidden, and left out (1 word)",)

    def test_a_repetition_without_end_ends(self, folder: Path) -> None:
        repeated = 'table:number-columns-repeated="999999999"'
        cell = f"<table:table-cell {repeated}><text:p>x</text:p></table:table-cell>"
        body = (
            '<table:table table:name="S"><table:table-row table:number-rows-repeated="999999999">'
            f"{cell}</table:table-row></table:table>"
        )
        document = make(folder, "a.ods", opendocument("spreadsheet", body))
        assert len(document.text) < 10_000_000
        assert document.notes == ("row 1 is repeated 999,999,999 times: 999,998,999,000 words left out",)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("0%", "25 %"),
        ("0.00%", "25.00 %"),
        ('#,##0.00 "EUR"', "0.25 EUR"),
        ("[$€-407]#,##0.00", "€0.25"),
        ('"CHF" 0.0;[Red]-"CHF" 0.0', "CHF 0.2"),
        ('0.0\\ "kg"', "0.2 kg"),
        ('_-* #,##0.00 "kr"_-', "0.25 kr"),
        ("General", None),
        ("0.00", None),
        ("yyyy-mm-dd", None),
        ('d" days"', None),
        ("# ?/?", None),
        ("0.00E+00", None),
    ],
)
def test_a_number_format_is_applied_where_it_adds_a_word(code: str, shown: str | None) -> None:
    found = shown_by(code)
    assert (None if found is None else found(0.25)) == shown


def test_an_encrypted_workbook_says_so(folder: Path) -> None:
    data = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)
    )
    for name in ("a.xlsx", "a.pptx"):
        with pytest.raises(UnreadableFile, match="encrypted: it needs a password"):
            make(folder, name, data)
