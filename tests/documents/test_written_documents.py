"""OpenDocument texts and slides, RTF and books: headings, lists, tables, notes, and nothing hidden."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from office_files import epub, opendocument

from ragcli.documents import UnreadableFile, read
from ragcli.types import Document


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(folder: Path, name: str, content: bytes | str) -> Document:
    (folder / name).write_bytes(content.encode("latin-1") if isinstance(content, str) else content)
    return read(folder / name)


def sections(document: Document) -> list[tuple[str, str]]:
    return [(" > ".join(b.headings), document.text[b.start : b.end]) for b in document.blocks]


words = st.lists(
    st.text(st.characters(codec="utf-8", categories=("Lu", "Ll")), min_size=3, max_size=9)
    .filter(lambda word: unicodedata.is_normalized("NFKC", word))
    .map("q{}q".format),
    min_size=1,
    max_size=8,
    unique_by=str.lower,
)
fixtures_are_fine = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)


def assert_each_once(document: Document, expected: list[str]) -> None:
    """In the text, or as a heading or the title."""
    headings = (heading for block in document.blocks for heading in block.headings)
    found = " ".join([*dict.fromkeys([document.title, *headings]), document.text]).split()
    assert sorted(word for word in found if word in expected) == sorted(expected)


STYLES = (
    '<style:style style:name="P1" style:parent-style-name="Title"/>'
    '<style:style style:name="P2" style:parent-style-name="Preformatted_20_Text"/>'
    '<style:style style:name="T1"><style:text-properties text:display="none"/></style:style>'
    '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1"/>'
    '<text:list-level-style-bullet text:level="2"/></text:list-style>'
)


class TestOpenDocumentTexts:
    def read(self, folder: Path, body: str, **more: dict[str, str]) -> Document:
        return make(folder, "a.odt", opendocument("text", body, styles=STYLES, **more))

    def test_headings_lists_and_tables_come_in_order(self, folder: Path) -> None:
        document = self.read(
            folder,
            '<text:p text:style-name="P1">The kiln</text:p>'
            '<text:h text:outline-level="1">Firing</text:h><text:p>Slowly,<text:s text:c="2"/>then<text:tab/>'
            "fast.<text:line-break/>Wait.</text:p>"
            '<text:list text:style-name="L1"><text:list-item><text:p>One</text:p><text:list><text:list-item>'
            "<text:p>Inner</text:p></text:list-item></text:list></text:list-item>"
            "<text:list-item><text:p>Two</text:p></text:list-item></text:list>"
            '<text:h text:outline-level="2">Rates</text:h>'
            "<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Cone</text:p>"
            "</table:table-cell><table:table-cell><text:p>Heat</text:p></table:table-cell></table:table-row>"
            "</table:table-header-rows><table:table-row><table:table-cell><text:p>04</text:p></table:table-cell>"
            "<table:table-cell><text:p>1060</text:p></table:table-cell></table:table-row></table:table>"
            '<text:p text:style-name="P2">def f():</text:p>'
            '<text:p text:style-name="P2"><text:s text:c="4"/>pass</text:p>',
        )
        assert document.title == "The big book"
        assert sections(document) == [
            ("", "The kiln"),
            ("Firing", "Slowly,  then\tfast.\nWait."),
            ("Firing", "1. One"),
            ("Firing", "  - Inner"),
            ("Firing", "2. Two"),
            ("Firing > Rates", "Cone: 04 | Heat: 1060"),
            ("Firing > Rates", "def f():"),
            ("Firing > Rates", "    pass"),
        ]
        assert document.text.endswith("def f():\n    pass")
        assert dict(document.metadata) == {"author": "Ada Lovelace", "created": "2024-05-01"}

    def test_notes_follow_their_paragraph_and_comments_are_reported(self, folder: Path) -> None:
        document = self.read(
            folder,
            "<text:p>Rent<text:note><text:note-citation>1</text:note-citation><text:note-body>"
            "<text:p>85 francs</text:p></text:note-body></text:note> is due.<office:annotation>"
            "<dc:creator>Bob</dc:creator><text:p>Really?</text:p></office:annotation></text:p><text:p>Next.</text:p>",
        )
        assert document.text == "Rent is due.\n\nNote: 85 francs\n\nNext."
        assert document.notes == ("comments left out (1 word)",)

    def test_what_is_deleted_hidden_or_a_list_of_contents_is_not_read(self, folder: Path) -> None:
        document = self.read(
            folder,
            "<text:tracked-changes><text:changed-region><text:deletion><text:p>gone</text:p></text:deletion>"
            "</text:changed-region></text:tracked-changes><text:table-of-content><text:index-body>"
            "<text:p>Firing 3</text:p></text:index-body></text:table-of-content>"
            '<text:p>Seen<text:span text:style-name="T1">unseen</text:span></text:p>'
            '<text:section text:display="none"><text:p>unseen</text:p></text:section>'
            "<text:section><text:p>In a section</text:p></text:section>",
        )
        assert document.text == "Seen\n\nIn a section"

    def test_contents_and_comments_are_counted(self, folder: Path) -> None:
        document = self.read(
            folder,
            "<text:table-of-content><text:index-body><text:p>Firing 1</text:p></text:index-body>"
            "</text:table-of-content><office:annotation><text:p>Really?</text:p></office:annotation>"
            "<text:p>Heat.</text:p>",
        )
        assert document.text == "Heat."
        assert document.notes == ("tables of contents left out (2 words)", "comments left out (1 word)")

    def test_numbers_of_lists_have_their_form_and_their_start(self, folder: Path) -> None:
        level = (
            '<text:list-style style:name="R"><text:list-level-style-number text:level="1" '
            'text:start-value="4" style:num-format="I" style:num-prefix="(" style:num-suffix=")"/>'
            "</text:list-style>"
        )
        items = "".join(f"<text:list-item><text:p>{word}</text:p></text:list-item>" for word in ("a", "b"))
        body = f'<text:list text:style-name="R">{items}</text:list>'
        document = make(folder, "a.odt", opendocument("text", body, styles=level))
        assert document.text == "(IV) a\n(V) b"

    def test_frames_stand_after_their_line_and_formulas_in_it(self, folder: Path) -> None:
        math = '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>E</mi><mo>=</mo>'
        math += "<mi>m</mi></mrow>"
        math += '<annotation encoding="StarMath 5.0">E = m</annotation></semantics></math>'
        frame = '<draw:frame><draw:object xlink:href="./Object 1"/><draw:image/></draw:frame>'
        box = "<draw:frame><draw:text-box><text:p>In a box</text:p></draw:text-box></draw:frame>"
        picture = "<draw:frame><draw:image/><svg:desc>A lit kiln</svg:desc></draw:frame>"
        document = self.read(
            folder,
            f"<text:p>So {frame} holds{box}{picture}.</text:p>",
            others={"Object 1/content.xml": math},
        )
        assert document.text == "So E=m holds.\n\nIn a box\n\nA lit kiln"

    def test_an_encrypted_text_says_so(self, folder: Path) -> None:
        manifest = (
            '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><m:file-entry>'
            "<m:encryption-data/></m:file-entry></m:manifest>"
        )
        with pytest.raises(UnreadableFile, match="encrypted: it needs a password"):
            self.read(folder, "<text:p>x</text:p>", others={"META-INF/manifest.xml": manifest})

    def test_entities_are_not_expanded_and_no_file_is_fetched(self, folder: Path) -> None:
        (folder / "secret.txt").write_text("the secret", encoding="utf-8")
        content = (
            f'<!DOCTYPE x [<!ENTITY file SYSTEM "{(folder / "secret.txt").as_uri()}">]>'
            '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
            'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:text>'
            "<text:p>Text &file;</text:p></office:text></office:body></office:document>"
        )
        assert make(folder, "a.fodt", content).text == "Text"

    @fixtures_are_fine
    @given(words)
    def test_each_word_comes_once(self, folder: Path, expected: list[str]) -> None:
        forms = (
            '<text:h text:outline-level="1">%s</text:h>',
            "<text:p>%s</text:p>",
            "<text:list><text:list-item><text:p>%s</text:p></text:list-item></text:list>",
            "<text:p>a<text:note><text:note-body><text:p>%s</text:p></text:note-body></text:note></text:p>",
            "<draw:frame><draw:text-box><text:p>%s</text:p></draw:text-box></draw:frame>",
        )
        body = "".join(forms[n % len(forms)] % word for n, word in enumerate(expected))
        assert_each_once(self.read(folder, body), expected)


class TestOpenDocumentSlides:
    def test_title_text_and_notes_of_each_slide(self, folder: Path) -> None:
        def frame(text: str, y: int, kind: str = "") -> str:
            is_kind = f'presentation:class="{kind}"' if kind else ""
            box = f"<draw:text-box><text:p>{text}</text:p></draw:text-box>"
            return f'<draw:frame svg:x="1cm" svg:y="{y}cm" {is_kind}>{box}</draw:frame>'

        said = frame("Say hello.", 0, "notes")
        notes = f"<presentation:notes>{said}</presentation:notes>"
        body = (
            f"<draw:page>{frame('below', 9)}{frame('above', 3)}{frame('The kiln', 1, 'title')}{notes}"
            "</draw:page>"
            f'<draw:page draw:style-name="dp1">{frame("unseen", 1)}</draw:page>'
            f"<draw:page>{frame('The end', 1, 'title')}</draw:page>"
        )
        styles = (
            '<style:style style:name="dp1">'
            '<style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
        )
        document = make(folder, "a.odp", opendocument("presentation", body, styles=styles))
        assert [(b.page, b.headings, document.text[b.start : b.end]) for b in document.blocks] == [
            (1, ("The kiln",), "above"),
            (1, ("The kiln",), "below"),
            (1, ("The kiln",), "Notes: Say hello."),
            (3, (), "The end"),
        ]
        assert document.notes == ("slide 2: hidden, and left out (1 word)",)


RTF = r"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}}
{\stylesheet{\s0 Normal;}{\s1\sbasedon0\b\fs32 heading 1;}{\s2\outlinelevel1 \'dcberschrift;}{\s7 Title;}}
{\info{\title The big book}{\author Ada Lovelace}{\creatim\yr2024\mo5\dy1\hr1}}
{\header Never}{\footer Page 7}
\pard\plain\s7 Kiln manual\par
\pard\plain\s1 Firing\par
\pard\plain Heat to 1240\'b0C \endash  slowly.\u8364?{\footnote\pard\plain {\super\chftn} Earthenware: 1060.}
{\v unseen}{\deleted gone}{\*\annotation Really?}{\f1 \'cc\'e8\'f0}\par
\pard\plain\s2 Rates\par
\pard\plain{\pntext\'b7\tab}Load\par{\listtext 2.\tab}Light\par
\trowd\cellx100\cellx200\pard\intbl Cone\cell Heat\cell\row
\trowd\cellx100\cellx200\pard\intbl 04\cell 1060\cell\row
\pard {\field{\*\fldinst HYPERLINK "http://x.example"}{\fldrslt A link}} and {\shp{\*\shpinst
{\sp{\sn a}{\sv b}}
{\shptxt\pard In a box\par}}{\shprslt a copy}}\u-10179?\u-8704?\par
{\pict\pngblip 89504e47}{\*\unknown skipped}}"""


class TestRtf:
    def test_headings_lists_tables_and_notes_come_in_order(self, folder: Path) -> None:
        document = make(folder, "a.rtf", RTF)
        assert document.title == "The big book"
        assert sections(document) == [
            ("", "Kiln manual"),
            ("Firing", "Heat to 1240\N{DEGREE SIGN}C \N{EN DASH} slowly.\N{EURO SIGN}\u041c\u0438\u0440"),
            ("Firing", "Note: Earthenware: 1060."),
            ("Firing > Rates", "- Load"),
            ("Firing > Rates", "2. Light"),
            ("Firing > Rates", "Cone: 04 | Heat: 1060"),
            ("Firing > Rates", "A link and \N{GRINNING FACE}"),
            ("Firing > Rates", "In a box"),
        ]
        assert dict(document.metadata) == {"author": "Ada Lovelace", "created": "2024-05-01"}
        assert document.notes == (
            "page headers and footers left out (3 words)",
            "comments left out (1 word)",
        )

    def test_what_is_said_of_the_file_is_no_text_of_it(self, folder: Path) -> None:
        content = r"{\rtf1{\info{\operator Ada}{\company Norvik Ltd}{\author Bea}}Heat slowly.\par}"
        document = make(folder, "a.rtf", content)
        assert document.text == "Heat slowly."
        assert dict(document.metadata) == {"author": "Bea"}

    @pytest.mark.parametrize("content", ["Some text", r"{\rtf1", r"{\rtf1 }}}}"])
    def test_what_is_no_rtf_or_holds_nothing_is_refused(self, folder: Path, content: str) -> None:
        with pytest.raises(UnreadableFile):
            make(folder, "a.rtf", content)

    def test_binary_pictures_are_stepped_over(self, folder: Path) -> None:
        assert make(folder, "a.rtf", r"{\rtf1 One{\pict\bin5 }}{{}\x} two}").text == "One two"

    def test_a_text_nested_very_deep_is_refused(self, folder: Path) -> None:
        with pytest.raises(UnreadableFile, match="nested too deeply"):
            make(folder, "a.rtf", r"{\rtf1 " + "{" * 100_000)

    @fixtures_are_fine
    @given(words)
    def test_each_word_comes_once(self, folder: Path, expected: list[str]) -> None:
        forms = (
            r"%s\par ",
            r"\s1 %s\par\pard ",
            r"{\b %s}\par ",
            r"x{\footnote %s}\par ",
            r"\intbl %s\cell\row\pard ",
        )
        written = [
            "".join(f"\\u{ord(c) if ord(c) < 32768 else ord(c) - 65536}?" for c in word) for word in expected
        ]
        if any(ord(c) > 0xFFFF for word in expected for c in word):
            return
        body = "".join(forms[n % len(forms)] % word for n, word in enumerate(written))
        assert_each_once(make(folder, "a.rtf", r"{\rtf1{\stylesheet{\s1 heading 1;}}" + body + "}"), expected)


class TestBooks:
    def test_chapters_come_in_the_order_of_the_spine_below_their_titles(self, folder: Path) -> None:
        pages = {
            "c2.xhtml": "<h1>Cooling</h1><p>It takes two days.</p>",
            "c1.xhtml": '<a id="x"/><p>Heat slowly.</p>',
            "c1b.xhtml": "<p>Then fast.</p>",
        }
        navigation = (
            '<ol><li><a href="c1.xhtml">Part one</a><ol><li><a href="c1.xhtml#x">Inside</a></li></ol></li>'
            '<li><span>Part two</span><ol><li><a href="c2.xhtml">Cooling down</a></li></ol></li></ol>'
        )
        document = make(
            folder, "a.epub", epub(pages, navigation=navigation, spine=["c1.xhtml", "c1b.xhtml", "c2.xhtml"])
        )
        assert document.title == "The big book"
        assert sections(document) == [
            ("Part one", "Heat slowly."),
            ("Part one", "Then fast."),
            ("Part two > Cooling", "It takes two days."),
        ]
        assert dict(document.metadata) == {"author": "Ada Lovelace", "language": "en"}
        assert {(b.line_start, b.page) for b in document.blocks} == {(None, None)}

    def test_all_of_a_chapter_is_text_and_the_page_of_contents_is_counted(self, folder: Path) -> None:
        pages = {"a.xhtml": "<nav><a href='b.xhtml'>Next part</a></nav><p>Heat.</p><aside>A note.</aside>"}
        data = epub(pages, navigation='<ol><li><a href="a.xhtml">Firing slowly</a></li></ol>')
        document = make(folder, "a.epub", data)
        assert document.text == "Next part\n\nHeat.\n\nA note."
        assert document.notes == ("the book's page of contents left out (3 words)",)

    @pytest.mark.parametrize(
        ("algorithm", "is_readable"),
        [
            ("http://www.idpf.org/2008/embedding", True),
            ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", False),
        ],
    )
    def test_only_what_locks_the_text_is_drm(self, folder: Path, algorithm: str, is_readable: bool) -> None:
        encryption = (
            '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
            'xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>'
            f'<enc:EncryptionMethod Algorithm="{algorithm}"/></enc:EncryptedData></encryption>'
        )
        data = epub({"a.xhtml": "<p>Text</p>"}, encryption=encryption)
        if is_readable:
            assert make(folder, "a.epub", data).text == "Text"
        else:
            with pytest.raises(UnreadableFile, match="DRM"):
                make(folder, "a.epub", data)

    def test_a_title_that_is_set_as_a_paragraph_is_a_heading(self, folder: Path) -> None:
        data = epub(
            {"a.xhtml": "<p>Firing</p><p>Heat slowly.</p>"},
            navigation='<ol><li><a href="a.xhtml">Firing</a></li></ol>',
        )
        assert sections(make(folder, "a.epub", data)) == [("Firing", "Heat slowly.")]
