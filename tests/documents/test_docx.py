"""DOCX: what Word shows, and a line in the report for what is not read. Made by python-docx and as XML."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import docx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st

from ragcli.documents import UnreadableFile
from ragcli.documents.outline import Outline
from ragcli.documents.word.docx import read_docx

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_NAMES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "r": _OFFICE,
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
    "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
}
_DECLARED = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in _NAMES.items())
HEADING = '<w:pPr><w:pStyle w:val="H"/></w:pPr>'
STYLES = """<w:style w:type="paragraph" w:styleId="H"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="Code"><w:name w:val="Source Code"/></w:style>
<w:style w:type="paragraph" w:styleId="T"><w:name w:val="toc 1"/></w:style>
<w:style w:type="paragraph" w:styleId="Sub"><w:name w:val="Kapitel"/><w:basedOn w:val="Base"/></w:style>
<w:style w:type="paragraph" w:styleId="Base"><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
<w:style w:type="character" w:styleId="Gone"><w:name w:val="Gone"/><w:rPr><w:vanish/></w:rPr></w:style>"""


def word(body: str, *, strict: bool = False, **parts: str) -> bytes:
    """A Word file with this body; each additional part (styles="...") is in the file and belongs to it."""
    parts = {"styles": STYLES, **parts}
    files = {"word/document.xml": f"<w:document {_DECLARED}><w:body>{body}</w:body></w:document>"}
    relations = ""
    for place, (kind, content) in enumerate(parts.items()):
        files[f"word/{kind}.xml"] = f"<w:{kind} {_DECLARED}>{content}</w:{kind}>"
        relations += f'<Relationship Id="r{place}" Type="{_OFFICE}/{kind.rstrip("12")}" Target="{kind}.xml"/>'
    files["word/_rels/document.xml.rels"] = f'<Relationships xmlns="{_PACKAGE}">{relations}</Relationships>'
    main = f'<Relationship Id="a" Type="{_OFFICE}/officeDocument" Target="/word/document.xml"/>'
    files["_rels/.rels"] = f'<Relationships xmlns="{_PACKAGE}">{main}</Relationships>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, _strict(text) if strict else text)
    return buffer.getvalue()


def _strict(text: str) -> str:
    return re.sub(
        r"http://schemas\.openxmlformats\.org/(wordprocessingml|officeDocument|drawingml)/2006/",
        r"http://purl.oclc.org/ooxml/\1/",
        text,
    )


def p(content: str, properties: str = "") -> str:
    return f"<w:p>{properties}{content}</w:p>"


def run(text: str, properties: str = "") -> str:
    return f'<w:r>{properties}<w:t xml:space="preserve">{text}</w:t></w:r>'


def table(*rows: list[str], properties: str = "") -> str:
    made = ""
    for row in rows:
        made += "<w:tr>" + "".join(c if c.startswith("<w:tc>") else tc(p(run(c))) for c in row) + "</w:tr>"
    return f"<w:tbl>{properties}{made}</w:tbl>"


def tc(content: str, properties: str = "") -> str:
    return f"<w:tc>{properties}{content}</w:tc>"


def sections(data: bytes) -> list[tuple[str, str]]:
    return [(" > ".join(piece.headings), piece.text) for piece in outline(data).pieces]


def texts(data: bytes) -> list[str]:
    return [text for _, text in sections(data)]


def outline(data: bytes) -> Outline:
    return read_docx(data, "a.docx")


class TestADocument:
    @pytest.fixture
    def data(self) -> bytes:
        document = docx.Document()
        document.add_heading("Procurement", 0)
        document.add_paragraph("Intro.")
        document.add_heading("Limits", 1)
        document.add_paragraph("One", style="List Bullet")
        document.add_paragraph("Two", style="List Bullet")
        document.add_paragraph("First", style="List Number")
        grid = document.add_table(rows=3, cols=2)
        for row, cells in enumerate((("Value", "Signs"), ("Below 500", "Holder"), ("Above", "Director"))):
            for column, text in enumerate(cells):
                grid.cell(row, column).text = text
        paragraph = document.add_paragraph("Seen ")
        paragraph.add_run("unseen").font.hidden = True
        deleted = OxmlElement("w:del")
        deleted.append(paragraph.add_run("deleted")._r)
        inserted = OxmlElement("w:ins")
        inserted.append(paragraph.add_run("inserted")._r)
        paragraph._p.extend([deleted, inserted])
        document.add_heading("Details", 2)
        document.add_paragraph("More.")
        buffer = io.BytesIO()
        document.save(buffer)
        return buffer.getvalue()

    def test_headings_lists_and_tables_come_in_order(self, data: bytes) -> None:
        assert outline(data).title == "Procurement"
        assert sections(data) == [
            ("Procurement", "Intro."),
            ("Limits", "- One"),
            ("Limits", "- Two"),
            ("Limits", "1. First"),
            ("Limits", "Value: Below 500 | Signs: Holder"),
            ("Limits", "Value: Above | Signs: Director"),
            ("Limits", "Seen inserted"),
            ("Limits > Details", "More."),
        ]

    def test_a_strict_one_is_read_like_any_other(self) -> None:
        body = p(run("Terms"), HEADING) + p(run("Some text"))
        assert sections(word(body, strict=True)) == sections(word(body)) == [("Terms", "Some text")]

    def test_outline_levels_make_headings_in_any_language(self) -> None:
        body = p(run("Eins"), '<w:pPr><w:pStyle w:val="Sub"/></w:pPr>') + p(run("Text"))
        assert sections(word(body)) == [("Eins", "Text")]

    def test_code_keeps_its_lines(self) -> None:
        code = '<w:pPr><w:pStyle w:val="Code"/></w:pPr>'
        first = run("def f():") + "<w:r><w:br/></w:r>" + run("    return 1")
        assert texts(word(p(first, code) + p(run("f()"), code))) == ["def f():\n    return 1", "f()"]

    def test_one_that_unpacks_to_very_much_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ragcli.documents.word.package._MOST_UNPACKED_BYTES", 1_000_000)
        buffer = io.BytesIO()
        with (
            zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("a.xml", "w") as entry,
        ):
            entry.write(b"\0" * 1_000_001)
        with pytest.raises(UnreadableFile, match="unpacks to more"):
            outline(buffer.getvalue())

    @pytest.mark.parametrize(
        ("damage", "reason"),
        [
            (lambda data: data[: len(data) // 2], "damaged: not a Word document"),
            (lambda data: b"PK\x03\x04", "damaged: not a Word document"),
            (lambda data: data.replace(b"</w:body>", b"</w:bodx>"), "damaged: word/document.xml"),
            (lambda data: word("", styles="<w:x>"), "damaged: word/styles.xml"),
            (lambda data: b"\xd0\xcf\x11\xe0" + data, "encrypted, or in Word's old format"),
        ],
    )
    def test_a_damaged_one_says_so(self, damage: Callable[[bytes], bytes], reason: str) -> None:
        with pytest.raises(UnreadableFile) as caught:
            outline(damage(word(p(run("text")))))
        assert caught.value.reason.startswith(reason)


class TestText:
    @pytest.mark.parametrize(
        ("content", "text"),
        [
            (run("un") + run("break") + "<w:r><w:softHyphen/></w:r>" + run("able"), "unbreakable"),
            (run("a") + "<w:r><w:tab/><w:t>b</w:t></w:r>", "a b"),
            (run("e") + "<w:r><w:noBreakHyphen/></w:r>" + run("mail"), "e-mail"),
            (f"<w:hyperlink>{run('a link')}</w:hyperlink>", "a link"),
            (f"<w:sdt><w:sdtPr/><w:sdtContent>{run('chosen')}</w:sdtContent></w:sdt>", "chosen"),
            (f"<w:ins>{run('new')}</w:ins><w:del>{run('old')}</w:del>", "new"),
            (f"<w:moveFrom>{run('from')}</w:moveFrom><w:moveTo>{run('to')}</w:moveTo>", "to"),
            (f"<w:fldSimple>{run('12')}</w:fldSimple>", "12"),
            (
                '<w:r><w:fldChar w:fldCharType="begin"/><w:instrText>REF x</w:instrText></w:r>'
                + run("code")
                + '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
                + run("result")
                + '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
                + run(" after"),
                "result after",
            ),
            (
                '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:checked/></w:checkBox>'
                '</w:ffData></w:fldChar></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>' + run(" paid"),
                "[x] paid",
            ),
            ('<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>' + run(" done"), "✓ done"),
            ('<w:r><w:sym w:font="Symbol" w:char="F061"/></w:r>' + run(" ray"), "α ray"),
            (run("\uf0e0 next", '<w:rPr><w:rFonts w:ascii="Wingdings"/></w:rPr>'), "→ next"),
            (
                "<w:r><w:ruby><w:rt><w:r><w:t>かん</w:t></w:r></w:rt>"
                "<w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase></w:ruby></w:r>",
                "漢(かん)",
            ),
            (run("seen") + run("hidden", '<w:rPr><w:rStyle w:val="Gone"/></w:rPr>'), "seen"),
            (run("seen", '<w:rPr><w:rStyle w:val="Gone"/><w:vanish w:val="0"/></w:rPr>'), "seen"),
        ],
    )
    def test_is_what_word_shows(self, content: str, text: str) -> None:
        assert texts(word(p(content))) == [text]

    @pytest.mark.parametrize(
        ("formula", "text"),
        [
            ("E=m<m:sSup><m:e>c</m:e><m:sup>2</m:sup></m:sSup>", "E=mc2"),
            ("<m:sSup><m:e>10</m:e><m:sup>3</m:sup></m:sSup>", "10^3"),
            ("<m:sSup><m:e>e</m:e><m:sup>x+1</m:sup></m:sSup>", "e^(x+1)"),
            ("<m:sSub><m:e>H</m:e><m:sub>2</m:sub></m:sSub>O", "H2O"),
            ("<m:f><m:num>a+b</m:num><m:den>c</m:den></m:f>", "(a+b)/c"),
            ("<m:rad><m:deg/><m:e>x</m:e></m:rad>", "√x"),
            (
                '<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>i=1</m:sub><m:sup>n</m:sup>'
                "<m:e>i</m:e></m:nary>",
                "∑_(i=1)^(n) i",
            ),
            ("<m:d><m:e>a</m:e><m:e>b</m:e></m:d>", "(a|b)"),
            ("<m:func><m:fName>sin</m:fName><m:e>x</m:e></m:func>", "sinx"),
        ],
    )
    def test_formulas_are_on_one_line(self, formula: str, text: str) -> None:
        typed = re.sub(r"(?<=>)([^<>]+)(?=<)|^([^<>]+)|([^<>]+)$", r"<m:r><m:t>\g<0></m:t></m:r>", formula)
        body = p(run("We see ") + f"<m:oMath>{typed}</m:oMath>" + run(" here."))
        assert texts(word(body)) == [f"We see {text} here."]
        assert texts(word(p(f"<m:oMathPara><m:oMath>{typed}</m:oMath></m:oMathPara>"))) == [text]


class TestNotes:
    BODY = (
        p(run("Terms") + '<w:r><w:footnoteReference w:id="4"/></w:r>', HEADING)
        + p(
            run("The deposit is returned")
            + '<w:r><w:footnoteReference w:id="2"/></w:r>'
            + run(" after inspection")
            + '<w:r><w:endnoteReference w:id="2"/></w:r>'
            + run(".")
        )
        + table(["Rent", "Due"], [tc(p(run("85") + '<w:r><w:footnoteReference w:id="3"/></w:r>')), "May"])
        + p(run("Plain.") + '<w:r><w:commentReference w:id="0"/></w:r>')
    )
    FOOTNOTES = "".join(
        f'<w:footnote w:id="{identity}"><w:p><w:r><w:footnoteRef/></w:r>{run(text)}</w:p></w:footnote>'
        for identity, text in (("0", ""), ("2", "Within 21 days."), ("3", "In francs."), ("4", "Of 2026."))
    )
    ENDNOTES = f'<w:endnote w:id="2">{p(run("See annex"))}{p(run("seven."))}</w:endnote>'
    COMMENTS = f'<w:comment w:id="0">{p(run("Really?"))}</w:comment>'

    def test_follow_what_they_are_about_and_comments_are_counted(self) -> None:
        data = word(self.BODY, footnotes=self.FOOTNOTES, endnotes=self.ENDNOTES, comments=self.COMMENTS)
        assert sections(data) == [
            ("Terms", "[Of 2026.]"),
            ("Terms", "The deposit is returned after inspection. [Within 21 days.] [See annex seven.]"),
            ("Terms", "Rent: 85 [In francs.] | Due: May"),
            ("Terms", "Plain."),
        ]
        assert outline(data).notes == ["1 word of comments left out"]

    def test_page_headers_contents_and_embedded_files_are_counted(self) -> None:
        body = (
            p(run("Terms 3"), '<w:pPr><w:pStyle w:val="T"/></w:pPr>')
            + p(run("Text."))
            + '<w:altChunk r:id="x"/>'
        )
        body += p("<w:r><w:object><o:OLEObject/></w:object></w:r>")
        data = word(body, header1=p(run("Acme Ltd")), footer1=p(run("Page")), footer2=p(run("Page")))
        assert texts(data) == ["Text."]
        assert sorted(outline(data).notes) == [
            "1 embedded document left out",
            "1 embedded object left out",
            "2 words of tables of contents left out",
            "4 words of page headers and footers left out",
        ]


def numbering(*levels: str, extra: str = "", kinds: str = "") -> str:
    made = "".join(f'<w:lvl w:ilvl="{depth}">{level}</w:lvl>' for depth, level in enumerate(levels))
    lists = '<w:num w:numId="7"><w:abstractNumId w:val="1"/></w:num>'
    return f'<w:abstractNum w:abstractNumId="1">{made}</w:abstractNum>{kinds}{lists}{extra}'


def level(form: str, text: str, start: int | str = 1, extra: str = "") -> str:
    return f'<w:start w:val="{start}"/><w:numFmt w:val="{form}"/>{extra}<w:lvlText w:val="{text}"/>'


def item(text: str, depth: int = 0, number: int = 7, style: str = "") -> str:
    style = f'<w:pStyle w:val="{style}"/>' if style else ""
    place = f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>'
    return p(run(text), f"<w:pPr>{style}{place}</w:pPr>")


class TestNumbering:
    def test_is_what_word_shows(self) -> None:
        levels = (level("decimal", "%1.", 3), level("lowerLetter", "(%2)"), level("lowerRoman", "%3)"))
        body = (
            item("Term")
            + item("starts", 1)
            + item("ends", 1)
            + item("early", 2)
            + item("Payment")
            + item("cash", 1)
        )
        assert texts(word(body, numbering=numbering(*levels))) == [
            "3. Term",
            "  (a) starts",
            "  (b) ends",
            "    i) early",
            "4. Payment",
            "  (a) cash",
        ]

    @pytest.mark.parametrize(
        ("form", "start", "shown"),
        [
            ("decimal", 9, ["9", "10"]),
            ("decimalZero", 9, ["09", "10"]),
            ("upperLetter", 26, ["Z", "AA"]),
            ("lowerLetter", 27, ["aa", "bb"]),
            ("upperRoman", 4, ["IV", "V"]),
            ("ordinal", 11, ["11th", "12th"]),
            ("ordinal", 22, ["22nd", "23rd"]),
            ("chineseCounting", 1, ["1", "2"]),
        ],
    )
    def test_knows_the_forms(self, form: str, start: int, shown: list[str]) -> None:
        data = word(item("x") + item("y"), numbering=numbering(level(form, "%1", start)))
        assert texts(data) == [f"{shown[0]} x", f"{shown[1]} y"]

    def test_holds_the_levels_above_and_stands_before_headings(self) -> None:
        levels = (level("upperRoman", "Part %1"), level("decimal", "%1.%2", extra="<w:isLgl/>"))
        body = item("Scope", style="H") + item("first", 1) + item("second", 1)
        assert sections(word(body, numbering=numbering(*levels))) == [
            ("Part I Scope", "  1.1 first"),
            ("Part I Scope", "  1.2 second"),
        ]

    def test_goes_on_between_lists_of_one_kind_unless_one_starts_again(self) -> None:
        extra = (
            '<w:num w:numId="8"><w:abstractNumId w:val="1"/></w:num>'
            '<w:num w:numId="9"><w:abstractNumId w:val="1"/>'
            '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num>'
        )
        body = item("a") + p(run("between")) + item("b", number=8) + item("c", number=9) + item("d", number=9)
        data = word(body, numbering=numbering(level("decimal", "%1."), extra=extra))
        assert texts(data) == ["1. a", "between", "2. b", "5. c", "6. d"]

    def test_may_go_on_below_the_next_item(self) -> None:
        levels = (level("decimal", "%1."), level("decimal", "%2)", extra='<w:lvlRestart w:val="0"/>'))
        body = item("a") + item("b", 1) + item("c") + item("d", 1)
        assert [text.strip() for text in texts(word(body, numbering=numbering(*levels)))] == [
            "1. a",
            "1) b",
            "2. c",
            "2) d",
        ]

    def test_comes_from_a_style_and_a_paragraph_can_be_without(self) -> None:
        styles = (
            '<w:style w:type="paragraph" w:styleId="L"><w:name w:val="Clause"/>'
            '<w:pPr><w:numPr><w:numId w:val="7"/></w:numPr></w:pPr></w:style>'
        )
        clause = '<w:pPr><w:pStyle w:val="L"/></w:pPr>'
        none = '<w:pPr><w:pStyle w:val="L"/><w:numPr><w:numId w:val="0"/></w:numPr></w:pPr>'
        levels = (level("decimal", "%1."), level("decimal", "%1.%2", extra='<w:pStyle w:val="L"/>'))
        body = p(run("in"), clause) + p(run("out"), none)
        data = word(body, styles=styles, numbering=numbering(*levels))
        assert [text.strip() for text in texts(data)] == ["1.1 in", "out"]

    def test_bullets_are_bullets_and_nothing_is_nothing(self) -> None:
        assert texts(word(item("x"), numbering=numbering(level("bullet", "\uf0b7")))) == ["- x"]
        assert texts(word(item("x"), numbering=numbering(level("none", "")))) == ["x"]
        assert texts(word(item("x", number=99), numbering=numbering(level("decimal", "%1.")))) == ["x"]


def box(*paragraphs: str, extra: str = "") -> str:
    """A text box as Word writes it: once for new programs, once for old ones."""
    content = f"<w:txbxContent>{''.join(p(run(text)) for text in paragraphs)}{extra}</w:txbxContent>"
    new = f"<w:drawing><a:graphic><wps:txbx>{content}</wps:txbx></a:graphic></w:drawing>"
    old = f"<w:pict><v:shape><v:textbox>{content}</v:textbox></v:shape></w:pict>"
    return (
        f'<w:r><mc:AlternateContent><mc:Choice Requires="wps">{new}</mc:Choice>'
        f"<mc:Fallback>{old}</mc:Fallback></mc:AlternateContent></w:r>"
    )


class TestWhatFloats:
    def test_a_text_box_comes_once_its_paragraphs_apart(self) -> None:
        body = p(run("Before the box.") + box("Warning: valve open", "Call 118") + run("After the box."))
        assert texts(word(body)) == ["Before the box. After the box.", "Warning: valve open", "Call 118"]

    def test_in_a_heading_it_is_text_below_and_in_a_cell_part_of_the_cell(self) -> None:
        body = p(run("Safety") + box("Wear gloves"), HEADING)
        body += table(["Key", "Value"], ["Box", tc(p(run("in cell ") + box("one", "two")))])
        assert sections(word(body)) == [
            ("Safety", "Wear gloves"),
            ("Safety", "Key: Box | Value: in cell one two"),
        ]

    def test_its_tables_and_what_only_old_programs_show_are_read(self) -> None:
        old = f"<w:pict><v:textbox><w:txbxContent>{p(run('old'))}</w:txbxContent></v:textbox></w:pict>"
        only_old = f"<mc:AlternateContent><mc:Choice/><mc:Fallback>{old}</mc:Fallback></mc:AlternateContent>"
        body = p(box("head", extra=table(["a", "b"])) + f"<w:r>{only_old}</w:r><w:r>{old}</w:r>")
        assert texts(word(body)) == ["head", "a | b", "old", "old"]

    def test_charts_diagrams_and_word_art_are_texts(self) -> None:
        chart = """<c:plot><a:p><a:r><a:t>Sales</a:t></a:r></a:p><c:ser><c:tx><c:v>Oslo</c:v></c:tx>
<c:cat><c:v>May</c:v><c:v>June</c:v></c:cat><c:val><c:v>10</c:v><c:v>12</c:v></c:val></c:ser></c:plot>"""
        points = ("<a:p><a:r><a:t>Plan</a:t></a:r></a:p>", "<a:p><a:r><a:t>Build</a:t></a:r></a:p>")
        diagram = "".join(f"<dgm:pt>{point}</dgm:pt>" for point in points)
        body = p(
            '<w:r><w:drawing><c:chart r:id="r1"/></w:drawing></w:r>'
            '<w:r><w:drawing><dgm:relIds r:dm="r2"/></w:drawing></w:r>'
            '<w:r><w:pict><v:textpath string="DRAFT"/></w:pict></w:r>'
        )
        assert texts(word(body, chart=chart, diagramData=diagram)) == [
            "Sales",
            "Oslo: May 10, June 12",
            "Plan",
            "Build",
            "DRAFT",
        ]


class TestTables:
    @pytest.mark.parametrize(
        ("made", "lines"),
        [
            pytest.param(
                table(["", "May", "June"], ["Oslo", "1", "2"]), ["Oslo | May: 1 | June: 2"], id="empty corner"
            ),
            pytest.param(table(["A", ""], ["1", "2"]), ["A", "1 | 2"], id="no header"),
            pytest.param(
                table(
                    ["Name", "Ada"],
                    ["Phone", "118"],
                    properties='<w:tblPr><w:tblLook w:firstRow="0"/></w:tblPr>',
                ),
                ["Name | Ada", "Phone | 118"],
                id="first row like the others",
            ),
            pytest.param(
                table(
                    [tc(p(run("Prices")), '<w:tcPr><w:gridSpan w:val="2"/></w:tcPr>')],
                    ["City", "EUR"],
                    ["Oslo", "5"],
                ),
                ["Prices", "City: Oslo | EUR: 5"],
                id="title row",
            ),
            pytest.param(
                table(
                    ["City", "Day"],
                    [tc(p(run("Oslo")), '<w:tcPr><w:vMerge w:val="restart"/></w:tcPr>'), "May"],
                    [tc(p(""), "<w:tcPr><w:vMerge/></w:tcPr>"), "June"],
                ),
                ["City: Oslo | Day: May", "City: Oslo | Day: June"],
                id="merged with the cell above",
            ),
            pytest.param(
                table(["A", "B"], ["1", tc(table(["x", ""], ["y", "z"]) + p(run("end")))]),
                ["A: 1", "B:", "x", "y | z", "end"],
                id="table in a cell",
            ),
            pytest.param(
                table(["A", "B"], ["1", "2"])
                .replace("<w:tr>", "<w:sdt><w:sdtContent><w:tr>", 1)
                .replace("</w:tr>", "</w:tr></w:sdtContent></w:sdt>", 1),
                ["A: 1 | B: 2"],
                id="row in a content control",
            ),
            pytest.param(
                table(["A", "Notes"], ["1", ""]), ["A | Notes", "A: 1"], id="name of an empty column"
            ),
        ],
    )
    def test_each_row_says_which_column_a_value_is_of(self, made: str, lines: list[str]) -> None:
        assert texts(word(made)) == lines

    def test_marked_headers_of_two_rows_are_joined(self) -> None:
        marked = "<w:trPr><w:tblHeader/></w:trPr>"
        rows = table(["City", "2025"], ["", "May"], ["Oslo", "1"]).replace("<w:tr>", f"<w:tr>{marked}", 2)
        assert texts(word(rows)) == ["City: Oslo | 2025 May: 1"]

    def test_deleted_rows_are_not_shown(self) -> None:
        rows = table(["A", "B"], ["1", "2"], ["3", "4"])
        place = rows.rindex("<w:tr>")
        rows = rows[:place] + "<w:tr><w:trPr><w:del/></w:trPr>" + rows[place + 6 :]
        assert texts(word(rows)) == ["A: 1 | B: 2"]


@pytest.mark.parametrize("number", ["9" * 5000, "1000000000", "-1", "x", ""])
def test_absurd_numbers_are_no_danger(number: str) -> None:
    wide = f'<w:tcPr><w:gridSpan w:val="{number}"/></w:tcPr>'
    before = f'<w:trPr><w:gridBefore w:val="{number}"/></w:trPr>'
    rows = table([tc(p(run("a")), wide), "b"]).replace("<w:tr>", f"<w:tr>{before}")
    place = f'<w:numPr><w:ilvl w:val="{number}"/><w:numId w:val="7"/></w:numPr>'
    body = rows + p(run("c"), f"<w:pPr>{place}<w:outlineLvl w:val='{number}'/></w:pPr>") + p(run("d"))
    data = word(body, numbering=numbering(level("lowerLetter", "%1", number)))
    found = " ".join(f"{path} {text}" for path, text in sections(data)).split()
    assert [word for word in found if word in "abcd"][:2] == ["a", "b"]
    assert found[-1] == "d"


@st.composite
def bodies(draw: st.DrawFn, words: Callable[[], str], depth: int = 2) -> str:
    made = ""
    for _ in range(draw(st.integers(1, 3))):
        match draw(st.sampled_from(["p", "runs", "heading", "list", "table", "box", "sdt", "math"])):
            case "runs":
                made += p(run(words() + " ") + f"<w:ins>{run(words() + ' ')}</w:ins>" + run(words()))
            case "heading":
                made += p(run(words()), HEADING) + p(run(words()))
            case "list":
                made += item(words(), draw(st.integers(0, 2)))
            case "table" if depth:
                name = words()
                inner = draw(bodies(words, depth - 1)) if draw(st.booleans()) else p(run(words()))
                made += table([name, tc(inner + p(run(words())))])
            case "box" if depth:
                made += p(run(words()) + box(words(), words(), extra=draw(bodies(words, 0))))
            case "sdt":
                made += f"<w:sdt><w:sdtPr/><w:sdtContent>{p(run(words()))}</w:sdtContent></w:sdt>"
            case "math":
                made += p(run(words() + " ") + f"<m:oMath><m:r><m:t>{words()}</m:t></m:r></m:oMath>")
            case _:
                made += p(run(words()))
    return made


@given(st.data())
@settings(max_examples=150)
def test_each_word_of_any_body_comes_once_and_in_order(data: st.DataObject) -> None:
    made: list[str] = []

    def words() -> str:
        made.append(f"w{len(made)}x")
        return made[-1]

    body = data.draw(bodies(words))
    numbers = numbering(*[level("decimal", "%1.")] * 3)
    found: list[str] = []
    path: tuple[str, ...] = ()
    for piece in outline(word(body, numbering=numbers)).pieces:
        new = piece.headings if piece.headings != path else ()
        found += re.findall(r"w\d+x", " ".join([*new, piece.text]))
        path = piece.headings
    assert found == made


def test_python_docx_and_the_reader_see_the_same_words() -> None:
    document = docx.Document()
    for place in range(20):
        paragraph = document.add_paragraph(f"word{place} ", style="List Number" if place % 3 else None)
        paragraph.add_run(f"bold{place}").bold = True
    element: Any = document.element.body
    expected = [text for node in element.iter(qn("w:t")) for text in node.text.split()]
    buffer = io.BytesIO()
    document.save(buffer)
    assert [
        word for text in texts(buffer.getvalue()) for word in text.split() if word[0].isalpha()
    ] == expected
