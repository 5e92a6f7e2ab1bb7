"""Plain text, reStructuredText and Org: paragraphs, headings, literal blocks."""

from __future__ import annotations

from pathlib import Path

import pytest
from outlines import make, sections, texts

from ragcli.documents.text import read_text


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


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

    def test_indentation_is_kept_and_makes_code(self, folder: Path) -> None:
        document = make(folder, "a.rst", "Use it so::\n\n    def f(x):\n        return x\n\nThen go on.\n")
        assert texts(document) == ["Use it so::", "    def f(x):\n        return x", "Then go on."]
        assert [block.code for block in document.blocks] == [False, True, False]

    def test_indented_prose_is_prose(self, folder: Path) -> None:
        content = (
            "   The rest of the text is indented\n   as in old standards.\n\n   o  an item\n      goes on\n"
        )
        document = make(folder, "a.txt", content)
        assert document.text.startswith("   The rest")
        assert not any(block.code for block in document.blocks)

    def test_a_rule_of_any_length_makes_a_heading_in_rst(self, folder: Path) -> None:
        assert sections(make(folder, "a.rst", "=========\nGo\n=========\n\nText.")) == [("Go", "Text.")]

    def test_without_a_title_the_first_heading_is_it(self, folder: Path) -> None:
        assert make(folder, "notes.md", "Intro.\n\n## Kiln\n\nText.").title == "Kiln"
        assert make(folder, "notes.html", "<p>Intro.</p><h2>Kiln</h2><p>Text.</p>").title == "Kiln"

    def test_a_section_in_capitals_is_no_title(self, folder: Path) -> None:
        assert make(folder, "data-retention.txt", "PURPOSE\n\nText.").title == "data retention"

    def test_links_show_their_words(self, folder: Path) -> None:
        rst = "See `the kiln\n<https://example.org/k>`_, :ref:`its door <door>` and ``a <b>``.\n"
        assert make(folder, "a.rst", rst).text == "See the kiln\n, its door and ``a <b>``."
        assert make(folder, "a.org", "See [[https://example.org][the kiln]] and [[door]].").text == (
            "See the kiln and [[door]]."
        )

    def test_escapes_of_rst_are_not_shown(self, folder: Path) -> None:
        text = ".. _read:\n\nread\\_csv\n=========\n\nReads a\\*b, ``c\\*d``.\n"
        assert sections(make(folder, "read.rst", text)) == [("read_csv", "Reads a*b, ``c\\*d``.")]

    def test_comments_and_targets_of_rst_are_not_shown(self, folder: Path) -> None:
        rst = (
            ".. _kiln: https://example.org\n.. _door:\n\n.. a comment\n   that goes on\n\n"
            ".. note:: Wear gloves.\n\n.. include:: more.rst\n\nH\\ :sub:`2`\\ O\n"
        )
        outline = read_text(rst.encode(), "a.rst")
        assert [piece.text for piece in outline.pieces] == [
            ".. note:: Wear gloves.",
            ".. include:: more.rst",
            "H2O",
        ]
        assert outline.notes == ["1 included file is not read here"]
