"""What each format's reader makes of a file, and what it says about files that it can't read."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.documents import UnreadableFile, file_sha256, read
from ragcli.documents.cleaning import clean
from ragcli.types import Document


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(folder: Path, name: str, content: str | bytes) -> Document:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(path)


def sections(document: Document) -> list[tuple[str, str]]:
    """(heading path, text) of every block."""
    return [(" > ".join(b.headings), document.text[b.start : b.end]) for b in document.blocks]


def texts(document: Document) -> list[str]:
    return [text for _, text in sections(document)]


def assert_lines_point_at_the_file(document: Document, content: str) -> None:
    lines = content.split("\n")
    for block in document.blocks:
        first = document.text[block.start : block.end].split("\n")[0].strip(" -")
        assert first in lines[block.line_start - 1]


class TestEveryFormat:
    def test_source_and_hash_are_those_of_the_file(self, folder: Path) -> None:
        document = make(folder, "note.txt", "Hello.\r\n")
        assert document.source == "note.txt"
        assert (
            document.sha256 == file_sha256(folder / "note.txt") == hashlib.sha256(b"Hello.\r\n").hexdigest()
        )

    @pytest.mark.parametrize("name", ["a.md", "a.txt", "a.html", "a.py"])
    def test_what_does_not_show_does_not_come_through(self, folder: Path, name: str) -> None:
        hidden = "\u200bone\u202etwo\u2066\u00adthree\x1b[31mfour\x1b]0;title\x07five\ufeff\U000e0041six"
        assert "onetwothreefourfivesix" in make(folder, name, f"# {hidden}\n\n{hidden}\n").text

    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("empty.md", b"", "empty"),
            ("blank.txt", b" \n\t\n", "empty"),
            ("comment.html", b"<!-- nothing -->", "holds no text"),
            ("binary.txt", b"text\0more", "binary"),
            ("binary.html", b"<p>\0</p>", "binary"),
            ("image.png", b"\x89PNG\r\n\x1a\n\0\0", "unsupported format .png"),
            ("sheet.xlsx", b"PK\x03\x04", "unsupported format .xlsx: save it as .csv"),
            ("cyrillic.txt", "Привет, мир".encode("koi8-r"), "text in an unknown encoding"),
            ("broken.pdf", b"%PDF-1.4\nnonsense", "damaged"),
            ("broken.docx", b"PK\x03\x04nonsense", "damaged"),
            ("old.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "encrypted, or in Word's old format"),
        ],
    )
    def test_an_unreadable_file_says_why(self, folder: Path, name: str, content: bytes, reason: str) -> None:
        with pytest.raises(UnreadableFile) as caught:
            make(folder, name, content)
        assert caught.value.reason.startswith(reason)

    def test_a_missing_file_and_a_folder_are_unreadable(self, folder: Path) -> None:
        for path in (folder / "gone.md", folder):
            with pytest.raises(UnreadableFile):
                read(path)

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252"])
    def test_the_usual_encodings_are_read(self, folder: Path, encoding: str) -> None:
        assert make(folder, "a.txt", "Café in München, costs little".encode(encoding)).text.startswith(
            "Café in"
        )

    def test_a_name_without_suffix_is_read_as_text(self, folder: Path) -> None:
        assert make(folder, "LICENSE", "Do what you want.").format == "text"

    @given(st.text(max_size=60))
    def test_cleaning_is_idempotent_and_leaves_no_controls(self, text: str) -> None:
        cleaned = clean(text)
        assert not any(c < " " and c not in "\n\t" for c in cleaned)
        assert clean(cleaned) == cleaned


MARKDOWN = """---
title: "Travel policy"
owner: Finance
---
# Travel

Intro with *stress*, `code` and a [link](https://example.org)
over two lines.

## Booking

- first item
- second item
  - nested item

1. one
2. two

| Plan | Price |
|------|-------|
| Gold | 10 EUR |
| Silver | |

```python
def f():
    return "# no heading"
```

<!-- an internal note -->

<div hidden>Secret text</div>

Visible <span style="display:none">invisible</span> end.

## Empty section

## Last
Text.
"""


class TestMarkdown:
    @pytest.fixture
    def document(self, folder: Path) -> Document:
        return make(folder, "travel.md", MARKDOWN)

    def test_front_matter_gives_the_title_and_keeps_its_other_lines(self, document: Document) -> None:
        assert document.title == "Travel policy"
        assert sections(document)[0] == ("Travel", "owner: Finance")

    def test_text_is_what_a_reader_sees_under_its_headings(self, document: Document) -> None:
        assert sections(document)[1:9] == [
            ("Travel", "Intro with stress, code and a link\nover two lines."),
            ("Travel > Booking", "- first item"),
            ("Travel > Booking", "- second item"),
            ("Travel > Booking", "  - nested item"),
            ("Travel > Booking", "1. one"),
            ("Travel > Booking", "2. two"),
            ("Travel > Booking", "Plan: Gold | Price: 10 EUR"),
            ("Travel > Booking", "Plan: Silver"),
        ]

    def test_code_fences_are_code_without_the_fence(self, document: Document) -> None:
        (code,) = [b for b in document.blocks if b.code]
        assert document.text[code.start : code.end] == 'def f():\n    return "# no heading"'
        assert (code.line_start, code.line_end) == (25, 26)

    def test_comments_and_hidden_elements_are_dropped(self, document: Document) -> None:
        assert "Visible end." in document.text
        for hidden in ("internal note", "Secret", "invisible"):
            assert hidden not in document.text

    def test_a_heading_with_nothing_under_it_is_kept_as_text(self, document: Document) -> None:
        assert ("Travel", "Empty section") in sections(document)

    def test_lines_are_those_of_the_file(self, document: Document) -> None:
        lines = {document.text[b.start : b.end]: (b.line_start, b.line_end) for b in document.blocks}
        assert lines["owner: Finance"] == (3, 3)
        assert lines["Intro with stress, code and a link\nover two lines."] == (7, 8)
        assert lines["- second item"] == (13, 13)
        assert lines["Plan: Gold | Price: 10 EUR"] == (21, 21)
        assert lines["Text."] == (38, 38)

    def test_the_first_heading_is_the_title_else_the_name(self, folder: Path) -> None:
        assert make(folder, "a.md", "# One\n\ntext").title == "One"
        assert make(folder, "travel_policy-2.md", "text").title == "travel policy 2"

    def test_a_hidden_element_over_several_blocks_is_dropped(self, folder: Path) -> None:
        document = make(
            folder, "a.md", 'Seen.\n\n<div style="display: none">\n\nUnseen.\n\n</div>\n\nSeen too.'
        )
        assert texts(document) == ["Seen.", "Seen too."]

    def test_entities_can_not_bring_invisible_characters_back(self, folder: Path) -> None:
        assert make(folder, "a.md", "a&#8203;b&#x202e;c").text == "abc"


HTML = """<!doctype html><html><head><title>Holidays | Acme</title><style>.x-hid { display: none }</style>
<script>var a = "script text";</script></head><body>
<header><p>Acme intranet</p></header><nav><a href="/">Home</a></nav>
<main><h1>Holidays</h1><p>First   paragraph<br>second line.</p>
<!-- comment text --><p hidden>hidden text</p><p class="x-hid">class text</p>
<div style="display:none">css text</div>
<h2>Dates</h2><table><caption>In 2026</caption><thead><tr><th>Date</th><th>Name</th></tr></thead>
<tr><td rowspan="2">1 May</td><td>Labour Day</td></tr><tr><td>Spring Day</td></tr></table>
<ul><li>One <b>bold</b></li><li>Two<ol><li>Inner</li></ol></li></ul>
<pre><code>def f():
    pass</code></pre><dl><dt>Term</dt><dd>Meaning</dd></dl></main>
<footer>Copyright text</footer></body></html>"""


class TestHtml:
    @pytest.fixture
    def document(self, folder: Path) -> Document:
        return make(folder, "holidays.html", HTML)

    def test_headings_text_tables_lists_and_code_come_in_order(self, document: Document) -> None:
        assert document.title == "Holidays"
        assert sections(document) == [
            ("Holidays", "First paragraph\nsecond line."),
            ("Holidays > Dates", "In 2026"),
            ("Holidays > Dates", "Date: 1 May | Name: Labour Day"),
            ("Holidays > Dates", "Date: 1 May | Name: Spring Day"),
            ("Holidays > Dates", "- One bold"),
            ("Holidays > Dates", "- Two"),
            ("Holidays > Dates", "  1. Inner"),
            ("Holidays > Dates", "def f():\n    pass"),
            ("Holidays > Dates", "- Term: Meaning"),
        ]

    def test_navigation_scripts_comments_and_hidden_text_are_dropped(self, document: Document) -> None:
        for text in ("script", "Home", "intranet", "comment", "hidden", "class text", "css", "Copyright"):
            assert text not in document.text

    def test_lines_count_in_the_text(self, document: Document) -> None:
        lines = document.text.split("\n")
        for block in document.blocks:
            inside = "\n".join(lines[block.line_start - 1 : block.line_end])
            assert inside == document.text[block.start : block.end]

    def test_a_page_that_is_all_navigation_keeps_it(self, folder: Path) -> None:
        assert make(folder, "a.html", "<nav>Only this</nav>").text == "Only this"

    def test_a_layout_table_is_read_as_text(self, folder: Path) -> None:
        page = "<table><tr><td><h2>News</h2><p>One</p></td><td><p>Two</p></td></tr></table>"
        assert sections(make(folder, "a.html", page)) == [("News", "One"), ("News", "Two")]

    def test_a_declared_encoding_is_followed(self, folder: Path) -> None:
        page = '<meta charset="iso-8859-1"><p>Café déjà vu</p>'.encode("iso-8859-1")
        assert make(folder, "a.html", page).text == "Café déjà vu"


class TestText:
    def test_paragraphs_keep_their_lines(self, folder: Path) -> None:
        content = "One line\nand another.\n\n\nSecond paragraph.\n"
        document = make(folder, "a.txt", content)
        assert texts(document) == ["One line\nand another.", "Second paragraph."]
        assert [(b.line_start, b.line_end) for b in document.blocks] == [(1, 2), (5, 5)]

    def test_underlined_headings_form_a_path(self, folder: Path) -> None:
        content = "Title\n=====\n\nIntro.\n\nPart\n----\nText.\n\nOther\n-----\n\nMore.\n"
        document = make(folder, "a.rst", content)
        assert document.title == "Title"
        assert sections(document) == [
            ("Title", "Intro."),
            ("Title > Part", "Text."),
            ("Title > Other", "More."),
        ]

    def test_lines_in_capitals_and_org_stars_are_headings(self, folder: Path) -> None:
        assert sections(make(folder, "a.txt", "B. MONEY\n\nText.")) == [("B. MONEY", "Text.")]
        assert sections(make(folder, "a.org", "* One\ntext\n** Two\nmore")) == [
            ("One", "text"),
            ("One > Two", "more"),
        ]

    def test_csv_rows_carry_their_columns(self, folder: Path) -> None:
        document = make(folder, "a.csv", 'name,price\nGold,10\n"Sil\nver",5\n')
        assert texts(document) == ["name: Gold | price: 10", "name: Sil ver | price: 5"]
        assert [(b.line_start, b.line_end) for b in document.blocks] == [(2, 2), (3, 4)]


PYTHON = '''"""Module text."""

import os


# About f.
@decorator
def f(x):
    """First. Second."""

    return x


class Small:
    def method(self):
        pass


VALUE = 1
'''


class TestCode:
    def test_python_is_cut_at_definitions_named_as_they_are(self, folder: Path) -> None:
        document = make(folder, "tool.py", PYTHON)
        assert (document.title, document.format) == ("tool.py", "code")
        names = [heading for heading, _ in sections(document)]
        assert names == ["", "f", "Small", ""]
        assert texts(document)[1].startswith("# About f.\n@decorator\ndef f(x):")
        assert all(block.code for block in document.blocks)
        assert_lines_point_at_the_file(document, PYTHON)

    def test_a_long_class_is_cut_at_its_methods(self, folder: Path) -> None:
        body = "".join(f"    def m{n}(self):\n" + "        x = 1\n" * 20 for n in range(3))
        document = make(folder, "a.py", f"class Long:\n    '''About.'''\n\n{body}")
        assert [heading for heading, _ in sections(document)] == [
            "Long",
            "Long > m0",
            "Long > m1",
            "Long > m2",
        ]

    def test_invalid_python_and_other_languages_are_cut_at_blank_lines(self, folder: Path) -> None:
        assert texts(make(folder, "a.py", "print 'x'\n\ny = 1\n")) == ["print 'x'", "y = 1"]
        code = "import x\n\nexport function area(r) {\n  a()\n\n  return 2\n}\n\nclass Shape {\n}\n"
        document = make(folder, "a.js", code)
        assert [heading for heading, _ in sections(document)] == ["", "area", "Shape"]
        assert texts(document)[1].endswith("return 2\n}")


@pytest.fixture(scope="session")
def word_file() -> bytes:
    import docx
    from docx.oxml import OxmlElement

    document = docx.Document()
    document.add_heading("Procurement", 0)
    document.add_paragraph("Intro.")
    document.add_heading("Limits", 1)
    document.add_paragraph("One", style="List Bullet")
    document.add_paragraph("Two", style="List Bullet")
    document.add_paragraph("First", style="List Number")
    table = document.add_table(rows=3, cols=2)
    for row, cells in enumerate((("Value", "Signs"), ("Below 500", "Holder"), ("Above", "Director"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
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


class TestDocx:
    def test_headings_lists_and_tables_come_in_order(self, folder: Path, word_file: bytes) -> None:
        document = make(folder, "a.docx", word_file)
        assert document.title == "Procurement"
        assert sections(document) == [
            ("Procurement", "Intro."),
            ("Limits", "- One"),
            ("Limits", "- Two"),
            ("Limits", "1. First"),
            ("Limits", "Value: Below 500 | Signs: Holder"),
            ("Limits", "Value: Above | Signs: Director"),
            ("Limits", "Seen inserted"),
            ("Limits > Details", "More."),
        ]

    def test_a_file_that_unpacks_to_very_much_is_refused(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ragcli.documents.docx._MOST_UNPACKED_BYTES", 1_000_000)
        buffer = io.BytesIO()
        with (
            zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("a.xml", "w") as entry,
        ):
            entry.write(b"\0" * 1_000_001)
        with pytest.raises(UnreadableFile, match="unpacks to more"):
            make(folder, "bomb.docx", buffer.getvalue())
