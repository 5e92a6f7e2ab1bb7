"""What a reader sees on the pages of a PDF is in its text once, in order, with its heading, row and page."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pdf_pages import BOLD, LATEX_BOLD, MONO, REGULAR, lines, pdf, table, text

from ragcli.documents.outline import Outline
from ragcli.documents.pdf.joining import joined
from ragcli.documents.pdf.reader import read_pdf
from ragcli.documents.unreadable import UnreadableFile
from ragcli.types import Document

WORD = re.compile(r"[^\W\d_]+")
BODY = (
    "The harbour office opens at seven in the morning and closes",
    "at six in the evening, on Sundays it stays closed all day and",
    "ships are then asked to call the pilot station by radio first.",
)
MORE = (
    "Every vessel longer than twelve metres needs a berth that was",
    "booked two days ahead. The master signs the list at the gate,",
    "and pays the fee for the first night when the list is signed.",
)


def outline(data: bytes) -> Outline:
    return read_pdf(data, "a.pdf")


def read(data: bytes) -> Document:
    return outline(data).document(source="a.pdf", fallback_title="a", sha256="0")


def blocks(data: bytes) -> list[str]:
    document = read(data)
    return [document.text[block.start : block.end] for block in document.blocks]


def sections(data: bytes) -> list[tuple[str, str]]:
    document = read(data)
    return [(" > ".join(block.headings), document.text[block.start : block.end]) for block in document.blocks]


def notes(data: bytes) -> list[str]:
    return outline(data).notes


def with_bookmarks(*pages_and_marks: str | tuple[str, int, float]) -> bytes:
    """Pages, and the titles of bookmarks with the page from 0 and the height that they lead to."""
    pages = [page for page in pages_and_marks if isinstance(page, str)]
    marks = [mark for mark in pages_and_marks if not isinstance(mark, str)]
    objects = [f"<</Type/Outlines/First 101 0 R/Last {100 + len(marks)} 0 R/Count {len(marks)}>>"]
    for number, (title, page, y) in enumerate(marks, start=101):
        following = f"/Next {number + 1} 0 R" if number < 100 + len(marks) else ""
        place = f"[{20 + 2 * page} 0 R /XYZ 72 {y} 0]"
        objects.append(f"<</Title({title})/Parent 100 0 R/Dest{place}{following}>>")
    return pdf(*pages, objects=objects, catalog="/Outlines 100 0 R")


@pytest.fixture(scope="session")
def pdf_file() -> bytes:
    from fpdf import FPDF

    class Report(FPDF):
        def header(self) -> None:
            self.set_font("Helvetica", "", 8)
            self.cell(0, 10, "Acme handbook")
            self.ln(12)

        def footer(self) -> None:
            self.set_y(-15)
            self.set_font("Helvetica", "", 8)
            self.cell(0, 10, f"Page {self.page_no()} of 3", align="C")

    report = Report()
    report.set_title("Travel policy")
    for number in (1, 2, 3):
        report.add_page()
        report.set_font("Helvetica", "B", 15)
        report.cell(0, 10, f"{number}. Part {number}")
        report.ln(12)
        report.set_font("Helvetica", "", 11)
        for sentence in ("Expenses are paid back within thirty days of the claim. ", "Receipts are kept. "):
            report.multi_cell(0, 6, sentence * (4 + number))
            report.ln(4)
    with report.table() as table:
        for cells in (("Plan", "Price"), ("Gold", "10 EUR"), ("Silver", "5 EUR")):
            row = table.row()
            for cell in cells:
                row.cell(cell)
    return bytes(report.output())


class TestReport:
    """As current programs write it."""

    def test_pages_become_headings_paragraphs_and_rows(self, pdf_file: bytes) -> None:
        document = read(pdf_file)
        assert (document.title, document.pages) == ("Travel policy", 3)
        parts = [part for part in sections(pdf_file) if part[1] != "Acme handbook"]
        assert parts[0] == (
            "1. Part 1",
            ("Expenses are paid back within thirty days of the claim. " * 5).strip(),
        )
        assert parts[1][1].startswith("Receipts are kept. Receipts")
        assert parts[-2:] == [
            ("3. Part 3", "Plan: Gold | Price: 10 EUR"),
            ("3. Part 3", "Plan: Silver | Price: 5 EUR"),
        ]
        assert [block.page for block in document.blocks] == [1, 1, 1, 2, 2, 3, 3, 3, 3]

    def test_running_headers_are_there_once_and_page_numbers_go(self, pdf_file: bytes) -> None:
        text = read(pdf_file).text
        assert text.count("Acme handbook") == 1
        assert "Page " not in text


class TestWords:
    def test_a_space_that_is_drawn_alone_parts_words(self) -> None:
        page = "".join(
            text(x, 700, words)
            for x, words in (
                (72, "Signing is"),
                (123, " "),
                (124, "easy."),
                (149, " "),
                (150, "You"),
                (168, " "),
            )
        ) + text(169, 700, "begin.")
        assert blocks(pdf(page)) == ["Signing is easy. You begin."]

    def test_kerned_words_stay_whole(self) -> None:
        page = "BT /F1 11 Tf 1 0 0 1 72 700 Tm [(a v) 60 (ariable of attrib) -20 (ute type)] TJ ET"
        assert blocks(pdf(page)) == ["a variable of attribute type"]

    def test_a_gap_inside_one_string_parts_words_as_a_reader_sees_it(self) -> None:
        page = "BT /F1 11 Tf 1 0 0 1 72 700 Tm [(they) -260 (are removed) -270 (from here)] TJ ET"
        assert blocks(pdf(page)) == ["they are removed from here"]

    def test_words_drawn_letter_by_letter_are_words(self) -> None:
        page, x = "", 72.0
        for word in ("Harbour", "fees", "apply"):
            for letter in word:
                page += text(x, 700, letter, font=MONO)
                x += 6.6
            x += 6.6
        assert blocks(pdf(page)) == ["Harbour fees apply"]

    @pytest.mark.parametrize("offset", [0.0, 0.4, 1.0])
    def test_text_drawn_twice_is_there_once(self, offset: float) -> None:
        page = text(72, 700, "Closed on Sundays") + text(72 + offset, 700 - offset / 2, "Closed on Sundays")
        assert blocks(pdf(page)) == ["Closed on Sundays"]

    def test_letters_drawn_twice_one_by_one_are_there_once(self) -> None:
        page, x = "", 72.0
        for letter in "BOOKED":
            page += text(x, 700, letter, font=MONO) + text(x + 0.3, 700, letter, font=MONO)
            x += 6.6
        assert blocks(pdf(page)) == ["BOOKED"]

    def test_the_number_of_a_footnote_is_no_digit_of_the_number_before(self) -> None:
        page = text(72, 700, "Population 8,935,112") + text(177.5, 704, "3", size=6)
        assert blocks(pdf(page)) == ["Population 8,935,112 3"]

    def test_text_from_right_to_left_keeps_its_words_and_their_order(self) -> None:
        hebrew = [chr(0x5E0 + n) for n in range(6)]
        to_unicode = "\n".join(f"<{97 + n:02X}> <{ord(letter):04X}>" for n, letter in enumerate(hebrew))
        cmap = (
            "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <FF> "
            f"endcodespacerange 6 beginbfchar\n{to_unicode}\nendbfchar endcmap end"
        )
        # Drawn from left to right, as it is seen: the first word of the sentence is rightmost.
        page = text(72, 700, "fed cba")
        font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 101 0 R>>"
        data = pdf(page, objects=(font, f"<</Length {len(cmap)}>>stream\n{cmap}\nendstream"))
        data = data.replace(b"/F1 10 0 R", b"/F1 100 0 R")
        found = read(data).text.split()
        assert {"".join(sorted(word)) for word in found} == {"".join(hebrew[:3]), "".join(hebrew[3:])}
        assert found[0] in ("".join(hebrew[:3]), "".join(hebrew[2::-1]))

    def test_turned_text_is_no_heading_and_is_not_lost(self) -> None:
        stamp = text(30, 300, "draft:2024.17 of the port", size=20, matrix="0 1 -1 0")
        document = read(pdf(stamp + lines(72, 700, *BODY)))
        assert document.blocks[0].headings == ()
        assert document.text.startswith("The harbour office")
        assert "draft:2024.17 of the port" in document.text

    @pytest.mark.parametrize(
        ("matrix", "rotate"), [("0 1 -1 0", 90), ("0 -1 1 0", 270), ("-1 0 0 -1", 180), ("0 1 -1 0", 0)]
    )
    def test_a_page_that_is_turned_reads_as_an_upright_one(self, matrix: str, rotate: int) -> None:
        a, b, c, d = map(float, matrix.split())
        page = "".join(
            text(306 + c * -14 * number - a * 150, 396 + d * -14 * number - b * 150, row, matrix=matrix)
            for number, row in enumerate(BODY)
        )
        assert blocks(pdf(page, page_keys=f"/Rotate {rotate}")) == [" ".join(BODY)]

    def test_letters_of_formulas_are_read(self) -> None:
        """Mathematical italics are beyond the characters that UTF-16 has in one unit."""
        mapping = "1 beginbfchar <78> <D835DC65> endbfchar 1 beginbfchar <79> <D835DC66> endbfchar"
        font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 101 0 R>>"
        stream = f"<</Length {len(mapping)}>>stream\n{mapping}\nendstream"
        keys = "/Resources<</Font<</F1 100 0 R>>>>"
        page = text(72, 700, "x") + text(82, 700, "= 2") + text(110, 700, "yx")
        assert (
            read(pdf(page, page_keys=keys, objects=[font, stream])).text
            == "\U0001d465 = 2 \U0001d466\U0001d465"
        )

    def test_ligatures_of_neighbouring_cells_stay_apart(self) -> None:
        page = text(72, 700, "Glyphs: fi") + text(140, 700, "fl") + text(160, 700, "ffi")
        assert read(pdf(page)).text.split()[1:] == ["fi", "fl", "ffi"]

    def test_words_beyond_the_edge_of_the_page_are_left_out_and_counted(self) -> None:
        data = pdf(lines(72, 700, *BODY) + text(900, 700, "printer marks"))
        assert "marks" not in read(data).text
        assert notes(data) == ["2 words outside the visible part of the pages left out"]

    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            (["The expen-", "ses are paid."], "The expenses are paid."),
            (["Jean-", "Luc left."], "Jean-Luc left."),
            (["COVID-", "19 rules."], "COVID-19 rules."),
            (["the day-to-", "day work"], "the day-to-day work"),
            (["from 1990 -", "and later"], "from 1990 - and later"),
            (["One line", "and more."], "One line and more."),
            (["港口每天", "开放"], "港口每天开放"),
        ],
    )
    def test_wrapped_lines_are_joined_with_care_for_hyphens(self, rows: list[str], expected: str) -> None:
        assert joined(rows) == expected


class TestOrder:
    LEFT = (
        "The pump must be primed before",
        "each start. Close the inlet and",
        "open the vent until the water",
        "runs without bubbles. It takes",
        "about four minutes.",
    )
    RIGHT = (
        "Claims are filed within ten days",
        "of the loss. Attach photographs",
        "and the invoice of the repair to",
        "the form. Claims above a limit",
        "need a second signature.",
    )

    def columns(self, order: str) -> bytes:
        return pdf(self.drawn(order))

    def drawn(self, order: str) -> str:
        left = [text(57, 700 - 14 * n, row) for n, row in enumerate(self.LEFT)]
        right = [text(312, 700 - 14 * n, row) for n, row in enumerate(self.RIGHT)]
        both = zip(left, right, strict=True)
        return "".join(left + right if order == "by column" else [part for pair in both for part in pair])

    @pytest.mark.parametrize("order", ["by column", "by row"])
    def test_columns_are_read_one_after_the_other(self, order: str) -> None:
        assert blocks(self.columns(order)) == [" ".join(self.LEFT), " ".join(self.RIGHT)]

    @pytest.mark.parametrize("order", ["by column", "by row"])
    def test_columns_above_a_table_whose_cells_stand_below_them(self, order: str) -> None:
        rows = (("Name", "Fax"), ("Ann", "21"), ("Bob", ""), ("Cy", "23"))
        page = "".join(
            text(x, 570 - 14 * n, cell, font=BOLD if n == 0 else REGULAR)
            for n, row in enumerate(rows)
            for x, cell in zip((57, 330), row, strict=True)
            if cell
        )
        assert blocks(pdf(self.drawn(order) + page))[:3] == [
            " ".join(self.LEFT),
            " ".join(self.RIGHT),
            "Name: Ann | Fax: 21",
        ]

    def test_a_title_over_columns_comes_first_and_a_footer_last(self) -> None:
        page = text(200, 740, "Operating the harbour pump", size=18)
        page += lines(57, 700, *self.LEFT) + lines(312, 700, *self.RIGHT)
        page += text(
            57, 560, "This notice replaces all the earlier ones of the port and of the insurer alike."
        )
        assert [text for _, text in sections(pdf(page))] == [
            " ".join(self.LEFT),
            " ".join(self.RIGHT),
            "This notice replaces all the earlier ones of the port and of the insurer alike.",
        ]
        assert {heading for heading, _ in sections(pdf(page))} == {"Operating the harbour pump"}

    def test_three_columns(self) -> None:
        parts = [[f"{name} {n} goes on for some" for n in range(5)] for name in ("alpha", "beta", "gamma")]
        page = "".join(lines(40 + 185 * n, 700, *part) for n, part in enumerate(parts))
        words = read(pdf(page)).text.split()
        assert [word for word in words if word in ("alpha", "beta", "gamma")] == (
            ["alpha"] * 5 + ["beta"] * 5 + ["gamma"] * 5
        )

    def test_a_word_cut_at_the_end_of_a_column_is_joined(self) -> None:
        left, right = (
            [*self.LEFT[:-1], "about four minutes of con-"],
            ["stant attention by the crew", *self.RIGHT[1:]],
        )
        assert (
            "minutes of constant attention" in read(pdf(lines(57, 700, *left) + lines(312, 700, *right))).text
        )

    def test_a_word_cut_at_the_end_of_a_page_is_in_one_block(self) -> None:
        first, second = (
            [*BODY[:-1], "and the pilots are then asked to keep to their sta-"],
            ["tions at once.", *MORE],
        )
        found = blocks(pdf(lines(72, 700, *first), lines(72, 700, *second)))
        assert any("stations at once." in block for block in found)
        assert not any(block.endswith("sta-") for block in found)

    def test_a_paragraph_goes_on_below_a_footnote_and_on_the_next_page(self) -> None:
        first = lines(72, 700, *BODY[:2], "and the pilots are then asked to")
        first += text(72, 60, "1 Since the storm of that year.", size=8)
        data = pdf(first, lines(72, 700, "stay at their stations.", *MORE))
        flat = read(data).text
        assert "asked to stay at their stations." in flat
        assert flat.count("Since the storm of that year.") == 1

    def test_a_line_that_ends_early_does_not_go_on_over_the_page(self) -> None:
        slides = [
            lines(72, 700, f"Region {name} sold more than in the year before", "Next: hire", step=40)
            for name in ("north", "south")
        ]
        assert "hire Region" not in read(pdf(*slides)).text

    def test_text_drawn_from_the_bottom_up_reads_from_the_top_down(self) -> None:
        page = "".join(text(72, 700 - 14 * n, row) for n, row in reversed(list(enumerate(BODY))))
        assert blocks(pdf(page)) == [" ".join(BODY)]

    def test_paragraphs_that_are_only_set_in_are_parted(self) -> None:
        page = text(84, 700, BODY[0]) + lines(72, 686, *BODY[1:]) + text(84, 658, MORE[0])
        page += lines(72, 644, *MORE[1:])
        assert blocks(pdf(page)) == [" ".join(BODY), " ".join(MORE)]


class TestTables:
    XS = (57, 170, 283, 397)

    def test_a_value_keeps_its_column_where_cells_are_empty(self) -> None:
        page = table(
            700,
            self.XS,
            ("Name", "Home phone", "Work phone", "Fax"),
            ("Ada", "11", "22", ""),
            ("Bea", "", "33", "44"),
            ("Cem", "55", "", "66"),
        )
        assert blocks(pdf(page)) == [
            "Name: Ada | Home phone: 11 | Work phone: 22",
            "Name: Bea | Work phone: 33 | Fax: 44",
            "Name: Cem | Home phone: 55 | Fax: 66",
        ]

    @pytest.mark.parametrize("order", ["by row", "by column", "word by word"])
    def test_the_order_of_drawing_makes_no_difference(self, order: str) -> None:
        rows = [
            ("Substance", "Celsius", "Fahrenheit"),
            ("Freezing point", "0", "32"),
            ("Boiling point", "100", "212"),
        ]
        cells = [
            (x, 700 - 20 * n, cell)
            for n, row in enumerate(rows)
            for x, cell in zip(self.XS, row, strict=False)
        ]
        if order == "by column":
            cells.sort(key=lambda cell: cell[0])
        if order == "word by word":
            cells = [(x + 5.0 * cell.find(word), y, word) for x, y, cell in cells for word in cell.split()]
        page = text(57, 740, "Table 1. Selected numbers") + "".join(text(*cell) for cell in cells)
        assert blocks(pdf(page)) == [
            "Table 1. Selected numbers",
            "Substance: Freezing point | Celsius: 0 | Fahrenheit: 32",
            "Substance: Boiling point | Celsius: 100 | Fahrenheit: 212",
        ]

    def test_numbers_that_are_flush_right_stand_under_their_names(self) -> None:
        page = table(700, (57, 200, 300), ("Berth", "Length", "Fee")) + table(
            680, (57,), ("North",), ("South",)
        )
        for y, length, fee in ((680, "112", "1,450"), (660, "9", "80")):
            page += text(235 - 6.1 * len(length), y, length) + text(320 - 5.8 * len(fee), y, fee)
        assert blocks(pdf(page)) == [
            "Berth: North | Length: 112 | Fee: 1,450",
            "Berth: South | Length: 9 | Fee: 80",
        ]

    def test_cells_that_stand_close_are_not_glued(self) -> None:
        page = table(700, (57, 104, 147), ("Berth", "Length", "Fee"), font=BOLD)
        page += table(680, (57, 112, 149), ("North", "112", "80"), ("South", "", "95"))
        assert blocks(pdf(page)) == ["Berth: North | Length: 112 | Fee: 80", "Berth: South | Fee: 95"]

    def test_a_cell_of_several_lines_is_one_row(self) -> None:
        page = table(700, (57, 200), ("Plan", "What it includes"), font=BOLD)
        page += text(57, 676, "Gold") + lines(
            200, 676, "breakfast, dinner and the use", "of the boats", step=13
        )
        page += text(57, 639, "Silver") + lines(200, 639, "breakfast, on working days", "only", step=13)
        assert blocks(pdf(page)) == [
            "Plan: Gold | What it includes: breakfast, dinner and the use of the boats",
            "Plan: Silver | What it includes: breakfast, on working days only",
        ]

    def test_the_names_of_rows_stand_first_where_the_corner_is_empty(self) -> None:
        page = table(700, self.XS, ("", "Norway", "Latvia", "Malta"), font=BOLD)
        page += table(680, self.XS[:1], ("Capital",), ("Currency",), font=BOLD)
        page += table(680, self.XS[1:], ("Oslo", "Riga", "Valletta"), ("krone", "euro", ""))
        assert blocks(pdf(page)) == [
            "Norway | Latvia | Malta",
            "Capital: Oslo | Riga | Valletta",
            "Currency: Norway: krone | Latvia: euro",
        ]

    def test_a_name_of_an_empty_column_is_kept(self) -> None:
        rows = ("Berth", "Vessel", "Signature"), ("North quay", "Karin", ""), ("Mole", "Olga", "")
        page = table(700, (72, 200, 330), rows[0], font=BOLD) + table(680, (72, 200, 330), *rows[1:])
        assert "\n".join(blocks(pdf(page))) == "Berth | Vessel | Signature\nNorth quay | Karin\nMole | Olga"

    def test_a_price_list_keeps_its_prices(self) -> None:
        page = lines(72, 700, "Pea soup . . . . . . . . . 4.50", "Baked cod ............... 12", "Tea .. 2")
        assert "\n".join(blocks(pdf(page))) == "Pea soup 4.50\nBaked cod 12\nTea 2"

    def test_a_listing_keeps_its_lines_and_how_far_they_are_set_in(self) -> None:
        page = lines(72, 700, *BODY) + text(72, 640, "for ship in harbour:", font=MONO)
        page += text(98.4, 626, "moor(ship)", font=MONO) + lines(72, 580, *MORE)
        assert blocks(pdf(page))[1] == "for ship in harbour:\n    moor(ship)"


class TestHeadings:
    def test_the_bold_face_of_latex_is_bold(self) -> None:
        page = lines(72, 700, *BODY) + text(72, 640, "2 Background", font=LATEX_BOLD) + lines(72, 615, *MORE)
        assert [heading for heading, _ in sections(pdf(page))] == ["", "2 Background"]

    def test_a_program_in_bold_is_no_heading(self) -> None:
        program = ("while ships are waiting do", "assign a berth", "end while")
        page = lines(72, 700, *BODY) + lines(72, 640, *program, font=LATEX_BOLD) + lines(72, 580, *MORE)
        assert {heading for heading, _ in sections(pdf(page))} == {""}

    def test_a_heading_of_two_lines_is_one(self) -> None:
        page = lines(72, 740, "Towards a comprehensive register of", "all harbour pilots", size=17, step=20)
        assert sections(pdf(page + lines(72, 680, *BODY))) == [
            ("Towards a comprehensive register of all harbour pilots", " ".join(BODY))
        ]

    def test_two_numbered_headings_are_two(self) -> None:
        page = lines(72, 740, "1 Harbours", "1.1 Pilots", size=15, step=20) + lines(72, 690, *BODY)
        assert read(pdf(page)).title == "1 Harbours"
        assert sections(pdf(page)) == [("1.1 Pilots", " ".join(BODY))]

    def test_entries_of_a_list_of_contents_are_no_headings_and_stay(self) -> None:
        contents = lines(72, 700, "1 Pilots . . . . . . 2", "2 Berths .. 3", "3 Fees ........ 4", font=BOLD)
        pages = [contents] + [
            text(72, 740, title, size=16) + lines(72, 700, *BODY)
            for title in ("1 Pilots", "2 Berths", "3 Fees")
        ]
        found = sections(pdf(*pages))
        assert found[:3] == [("", "1 Pilots 2"), ("", "2 Berths 3"), ("", "3 Fees 4")]
        assert [heading for heading, _ in found[3:]] == ["1 Pilots", "2 Berths", "3 Fees"]

    @pytest.mark.parametrize(
        "title", ["top.dvi", "Microsoft Word - x.doc", "NAME", "untitled", "report.tex", "?"]
    )
    def test_a_title_that_a_program_made_up_loses_to_the_first_heading(self, title: str) -> None:
        from fpdf import FPDF

        made = FPDF()
        made.set_title(title)
        made.add_page()
        made.set_font("Helvetica", size=20)
        made.cell(0, 12, "Harbour rules")
        made.ln(20)
        made.set_font("Helvetica", size=11)
        made.multi_cell(0, 6, " ".join(BODY))
        assert read(bytes(made.output())).title == "Harbour rules"

    def test_bookmarks_name_headings_and_their_level(self) -> None:
        from fpdf import FPDF

        made = FPDF()
        made.add_page()
        made.set_font("Helvetica", size=11)
        for level, title in ((0, "Harbours"), (1, "Pilots and tugs")):
            made.start_section(title, level)
            made.cell(0, 8, f"{level + 1}. {title}")
            made.ln(8)
        made.multi_cell(0, 6, " ".join(BODY))
        document = read(bytes(made.output()))
        assert document.blocks[-1].headings == ("1. Harbours", "2. Pilots and tugs")

    def test_a_bookmark_names_a_heading_whatever_its_signs_and_letter_cases(self) -> None:
        page = lines(72, 700, "2. OPENING HOURS", *BODY)
        assert sections(with_bookmarks(page, ("2 Opening hours", 0, 715)))[0][0] == "2. OPENING HOURS"

    def test_a_heading_that_its_text_follows_on_the_line_is_parted_from_it(self) -> None:
        rows = ("2.1 Opening hours. The harbour", *BODY[1:])
        data = with_bookmarks(lines(72, 700, *BODY) + lines(72, 640, *rows), ("2.1 Opening hours", 0, 652))
        assert sections(data)[1] == ("2.1 Opening hours.", " ".join(("The harbour", *BODY[1:])))

    def test_a_sentence_that_begins_like_a_bookmark_is_no_heading(self) -> None:
        rows = ("Opening hours are the same on all days of the week, though", *BODY)
        data = with_bookmarks(lines(72, 640, *rows), ("Opening hours", 0, 652))
        assert sections(data) == [("", " ".join(rows))]

    def test_a_bookmark_may_lead_to_the_page_before_its_heading(self) -> None:
        pages = lines(72, 700, *BODY), lines(72, 700, "References", *MORE)
        data = with_bookmarks(*pages, ("References", 0, 120))
        assert [heading for heading, _ in sections(data)] == ["", "References"]

    def test_signs_above_a_heading_are_no_part_of_it(self) -> None:
        page = lines(72, 700, *BODY) + text(72, 658, "}", font=MONO) + lines(72, 640, "Berths", *MORE)
        assert sections(with_bookmarks(page, ("Berths", 0, 652)))[-1][0] == "Berths"

    def test_headings_that_no_bookmark_names_have_the_level_of_those_set_alike(self) -> None:
        page = lines(72, 760, "Harbour rules", size=20) + lines(72, 700, *BODY)
        page += text(72, 640, "Berths", size=15) + lines(72, 620, *MORE)
        page += text(72, 560, "Pilots", size=15) + lines(72, 540, *BODY)
        found = [heading for heading, _ in sections(with_bookmarks(page, ("Berths", 0, 655)))]
        assert found == ["Harbour rules", "Harbour rules > Berths", "Harbour rules > Pilots"]


class TestRunningLines:
    def test_headings_that_differ_by_the_number_of_the_page_are_kept(self) -> None:
        pages = [text(57, 771, f"Day {n}", size=18, font=BOLD) + lines(57, 728, *BODY) for n in range(1, 5)]
        assert [heading for heading, _ in sections(pdf(*pages))] == ["Day 1", "Day 2", "Day 3", "Day 4"]

    def test_a_header_and_a_footer_with_facts_are_there_once(self) -> None:
        pages = [
            text(57, 770, "Travel policy, version 3.2", size=8)
            + lines(
                57, 700, *(f"Rule {n}{letter}: form {n * 7} is filled in by hand." for letter in "abcdef")
            )
            + text(57, 30, f"Approved by the council. Owner: room 214 {n}", size=8)
            for n in range(1, 5)
        ]
        data = pdf(*pages)
        flat = read(data).text
        assert flat.count("Travel policy, version 3.2") == 1
        assert flat.count("Approved by the council. Owner: room 214") == 1
        assert flat.count("is filled in by hand") == 24
        assert notes(data) == ["6 running headers and footers on 3 pages left out (39 words)"]

    def test_slides_that_are_alike_are_all_there(self) -> None:
        data = pdf(
            *(text(100, 400, words) for words in ("Agenda", "Status: green", "Status: green", "Risks: none"))
        )
        assert blocks(data) == ["Agenda", "Status: green", "Status: green", "Risks: none"]

    def test_titles_of_slides_that_come_back_keep_their_text_under_them(self) -> None:
        titles = ("Status", "Plan", "Status", "Risks", "Staff", "Budget")
        pages = [
            text(57, 700, t, size=24) + text(57, 600, f"Point {n} of this slide")
            for n, t in enumerate(titles)
        ]
        assert [heading for heading, _ in sections(pdf(*pages))] == list(titles)

    def test_lines_that_repeat_in_the_middle_of_pages_stay(self) -> None:
        pages = [
            lines(
                57,
                700,
                f"Payslip of {name}",
                "Gross pay in francs",
                f"{pay}",
                "Paid by bank transfer",
                step=16,
            )
            for name, pay in (("Ann", 4100), ("Ben", 3900), ("Cleo", 5200))
        ]
        assert read(pdf(*pages)).text.count("Gross pay in francs") == 3

    def test_the_running_line_of_a_journal_is_there_once_for_each_section(self) -> None:
        pages = []
        for n in range(1, 9):
            section = "Pilots and tugs" if n < 5 else "Berths and fees"
            head = f"{n} Harbour Quarterly" if n % 2 == 0 else f"{section} {n}"
            pages.append(text(57 if n % 2 == 0 else 300, 770, head, size=9) + lines(57, 700, *BODY, *MORE))
        flat = read(pdf(*pages)).text
        assert [
            flat.count(words) for words in ("Harbour Quarterly", "Pilots and tugs", "Berths and fees")
        ] == [1, 1, 1]

    def test_page_numbers_go(self) -> None:
        pages = [lines(57, 700, *BODY) + text(300, 30, number) for number in ("i", "- 2 -", "Page 3 of 3")]
        assert set(blocks(pdf(*pages))) == {" ".join(BODY)}

    def test_the_numbers_of_listed_lines_are_no_page_numbers(self) -> None:
        pages = [
            lines(57, 700, *(f"{10 * n + k} moor ship {k}" for k in range(9)), font=MONO) for n in range(4)
        ]
        flat = read(pdf(*pages)).text
        assert all(f"{10 * n + k} moor ship {k}" in flat for n in range(4) for k in range(9))


WIDGET = "<</Type/Annot/Subtype/Widget/F 4/Rect[{rect}]/T({name}) {keys}>>"


class TestForms:
    def form(self, *fields: str) -> bytes:
        numbers = " ".join(f"{100 + n} 0 R" for n in range(len(fields)))
        page = lines(57, 728, "Name of the tenant:", "Paid monthly:", "Pets:", "Heating:", step=43)
        return pdf(
            page,
            page_keys=f"/Annots[{numbers}]",
            objects=fields,
            catalog=f"/AcroForm<</Fields[{numbers}]/NeedAppearances true/DA(/F1 11 Tf)>>",
        )

    def test_values_stand_beside_their_labels(self) -> None:
        state = "/AP<</N<</Yes 1 0 R/Off 1 0 R>>>>"
        data = self.form(
            WIDGET.format(rect="200 722 350 738", name="tenant", keys="/FT/Tx/V(Rowan Ashby)"),
            WIDGET.format(rect="200 679 350 695", name="paid", keys=f"/FT/Btn/V/Yes/AS/Yes {state}"),
            WIDGET.format(rect="200 636 350 652", name="pets", keys=f"/FT/Btn/V/Off/AS/Off {state}"),
            WIDGET.format(
                rect="200 593 350 609", name="heat", keys="/FT/Ch/Ff 131072/Opt[(Oil)(Gas)]/V(Gas)"
            ),
        )
        assert blocks(data) == [
            "Name of the tenant: Rowan Ashby",
            "Paid monthly: [x]",
            "Pets: [ ]",
            "Heating: Gas",
        ]

    def test_what_a_viewer_does_not_show_is_not_read(self) -> None:
        data = self.form(
            WIDGET.format(rect="200 722 350 738", name="secret", keys="/FT/Tx/Ff 8192/V(tiger)"),
            WIDGET.replace("/F 4", "/F 2").format(
                rect="200 679 350 695", name="hidden", keys="/FT/Tx/V(lion)"
            ),
        )
        assert "tiger" not in read(data).text
        assert "lion" not in read(data).text

    def test_text_put_over_the_page_is_read(self) -> None:
        data = self.form(
            "<</Type/Annot/Subtype/FreeText/F 4/Rect[200 722 400 738]"
            "/DA(/F1 11 Tf)/Contents(moved out in May)>>"
        )
        assert blocks(data)[0] == "Name of the tenant: moved out in May"


class TestPagesWithoutText:
    IMAGE = "q 612 0 0 792 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q\n"

    @pytest.fixture
    def no_ocr(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "which", lambda name: None)

    @pytest.mark.usefixtures("no_ocr")
    def test_are_named(self) -> None:
        page = lines(57, 700, *BODY)
        [note] = notes(pdf(page, page, self.IMAGE, page, self.IMAGE, self.IMAGE, self.IMAGE))
        assert note.startswith("pages 3, 5-7 hold no text (scanned?); ")
        assert "tesseract" in note

    @pytest.mark.usefixtures("no_ocr")
    @pytest.mark.parametrize("stamp", ["", text(300, 20, "Reg. 17")])
    def test_make_no_document(self, stamp: str) -> None:
        with pytest.raises(UnreadableFile, match=r"scanned: images without text .*tesseract"):
            outline(pdf(*[self.IMAGE + stamp] * 31))

    def test_with_few_words_but_no_picture_are_a_document(self) -> None:
        assert blocks(pdf(text(100, 400, "Agenda"), text(100, 400, "Status: green"))) == [
            "Agenda",
            "Status: green",
        ]

    def test_an_empty_file_holds_no_text(self) -> None:
        with pytest.raises(UnreadableFile, match="holds no text"):
            outline(pdf("", ""))

    @pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
    def test_are_read_where_tesseract_is_installed(self) -> None:
        from pypdfium2 import PdfDocument

        picture = PdfDocument(pdf(lines(57, 700, *BODY, size=14, step=20)))[0].render(scale=2).to_pil()
        scan = io.BytesIO()
        picture.convert("L").save(scan, "PDF", resolution=144)
        data = scan.getvalue()
        assert "harbour office opens at seven in the morning" in read(data).text
        [note] = notes(data)
        assert note.startswith("page 1 was read by OCR (tesseract ")

    @pytest.mark.usefixtures("no_ocr")
    def test_nonsense_is_reported(self) -> None:
        signs = "".join(chr(33 + (7 * n) % 15) for n in range(400))
        nonsense = lines(57, 700, *(signs[n : n + 40] for n in range(0, 400, 40)))
        with pytest.raises(UnreadableFile, match="cannot be decoded"):
            outline(pdf(nonsense))
        data = pdf(lines(57, 700, *BODY), nonsense, lines(57, 700, *MORE))
        assert notes(data) == ["page 2 holds text that cannot be decoded left out (10 words)"]
        assert "!" not in read(data).text


class TestFiles:
    def encrypted(self, user: str) -> bytes:
        from fpdf import FPDF

        made = FPDF()
        made.set_encryption(owner_password="owner", user_password=user or None)
        made.add_page()
        made.set_font("Helvetica", size=11)
        made.multi_cell(0, 6, " ".join(BODY))
        return bytes(made.output())

    def test_a_password_is_asked_for_in_the_reason(self) -> None:
        with pytest.raises(UnreadableFile, match="encrypted: it needs a password"):
            outline(self.encrypted("secret"))

    def test_an_empty_password_opens_a_file(self) -> None:
        assert " ".join(BODY)[:40] in read(self.encrypted("")).text

    def test_a_damaged_file_says_so(self) -> None:
        with pytest.raises(UnreadableFile, match="damaged"):
            outline(b"%PDF-1.4\nnonsense")

    @pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
    @pytest.mark.parametrize("name", ["leave.pdf", "travel.pdf", "warranty.pdf"])
    def test_no_word_that_another_program_finds_is_lost(self, name: str, tmp_path: Path) -> None:
        path = Path(__file__).parents[2] / "corpora" / "handbook" / name
        found = subprocess.run(
            ["pdftotext", str(path), "-"], capture_output=True, text=True, check=True
        ).stdout
        document = read(path.read_bytes())
        ours = " ".join([document.title, document.text, *(h for b in document.blocks for h in b.headings)])
        assert set(WORD.findall(found)) - {"Page"} <= set(WORD.findall(ours))
