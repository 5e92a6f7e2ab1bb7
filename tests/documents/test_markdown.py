"""Markdown is read as it is displayed: each visible word once, under its heading, at its line."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outlines import make, sections, texts

from ragcli.documents.markdown.markdown import read_markdown
from ragcli.types import Document


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


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


class TestFrontMatter:
    @pytest.mark.parametrize(
        ("written", "title"),
        [
            ("title: >-\n  Firing the kiln\n  in winter\ntags: [kiln]", "Firing the kiln in winter"),
            ("title: |\n  Firing the kiln", "Firing the kiln"),
            ("title: 'The potter''s guide' # draft", "The potter's guide"),
            ('title: "Say \\"glaze\\""', 'Say "glaze"'),
            ("title: Firing\n  the kiln\nauthor: Ada", "Firing the kiln"),
            ("Title: Part 2: the kiln", "Part 2: the kiln"),
            ("author: Ada\ntitle:   Kiln   \n", "Kiln"),
        ],
    )
    def test_titles_as_yaml_writes_them(self, folder: Path, written: str, title: str) -> None:
        document = make(folder, "a.md", f"---\n{written}\n---\n\nWear gloves.\n")
        assert document.title == title
        assert title not in document.text
        assert "Wear gloves." in texts(document)

    def test_fields_are_metadata(self) -> None:
        written = (
            "---\ntitle: Kiln\nauthor: Ada\nyear: 2026\ndraft: false\ndate: 2026-03-04\n"
            "tags: [clay, fire]\nlinks:\n  - {href: a}\n---\nText.\n"
        )
        outline = read_markdown(written.encode(), "a.md")
        assert outline.metadata == {
            "author": "Ada",
            "year": 2026,
            "draft": False,
            "date": "2026-03-04",
            "tags": "clay, fire",
        }

    def test_toml_too(self) -> None:
        outline = read_markdown(b'+++\ntitle = "Kiln"\nweight = 3\n+++\n\nText.\n', "a.md")
        assert (outline.title, outline.metadata) == ("Kiln", {"weight": 3})

    def test_a_file_that_begins_with_a_rule_loses_nothing(self, folder: Path) -> None:
        content = "---\n\n# One\n\nFirst.\n\n---\n\n# Two\n\nSecond.\n"
        document = make(folder, "a.md", content)
        assert sections(document) == [("One", "First."), ("Two", "Second.")]
        assert [block.line_start for block in document.blocks] == [5, 11]

    def test_prose_between_rules_is_no_front_matter(self, folder: Path) -> None:
        document = make(folder, "a.md", "---\nNote: read this.\nThen go on.\n\n---\nText.")
        assert texts(document) == ["Note: read this.\nThen go on.", "Text."]


class TestHtmlInMarkdown:
    def test_html_headings_are_headings(self, folder: Path) -> None:
        content = (
            '<h1 align="center">\n  <a href="/">Brook</a><br>\n</h1>\n\n'
            '<p align="center">A small proxy.</p>\n\n<div>\nBefore. <h2>Install</h2>\nAfter.\n</div>\n\n'
            "Copy it.\n\n<h3>Limits</h3>\n\n<h2>Support</h2>\n\nWrite.\n"
        )
        document = make(folder, "a.md", content)
        assert document.title == "Brook"
        assert sections(document) == [
            ("Brook", "A small proxy."),
            ("Brook", "Before."),
            ("Brook > Install", "After."),
            ("Brook > Install", "Copy it."),
            ("Brook > Install", "Limits"),
            ("Brook > Support", "Write."),
        ]

    def test_a_heading_over_blank_lines_is_one(self, folder: Path) -> None:
        document = make(folder, "a.md", "<h1>\n\nBrook\n\n</h1>\n\nText.\n")
        assert sections(document) == [("Brook", "Text.")]

    @pytest.mark.parametrize(
        "line",
        [
            "Log in with ssh <user>@<host> first.",
            "Copy it to /srv/<tenant>/in/<date>.csv before noon.",
            "The type is Map<String, List<Order>> here.",
            "It stands before the closing <body> tag, not in a <script> tag.",
            "Close it with </script> or </body> at the end.",
            "The <title> element, <style> and <textarea> too.",
            "Wrap it in <code> or <b> and go on.",
            "<tenant> is the name of the customer.",
            "<script> tags go last.",
            "<style> goes first.",
            "<textarea> is for long answers.",
            "<title> is shown in the tab.",
            "<!-- begins a comment that never ends.",
            "<?php begins a script.",
            "<srv>",
        ],
    )
    def test_words_in_angle_brackets_stay_and_swallow_nothing(self, folder: Path, line: str) -> None:
        document = make(folder, "a.md", f"# One\n\n{line}\n\n## Two\n\nNext.\n")
        assert sections(document) == [("One", line), ("One > Two", "Next.")]

    @pytest.mark.parametrize(
        "html",
        [
            "<!-- secret -->",
            "<script>\nsecret()\n\nsecret()\n</script>",
            "<div>\n<style>\n\n.secret {}\n\n</style>\n</div>",
            "Seen<!-- secret --> <script>secret()</script>end.",
            "<div hidden>\n\n# Secret\n\nsecret\n\n</div>",
            "[secret]: https://example.org 'secret'",
        ],
    )
    def test_what_no_reader_sees_stays_out(self, folder: Path, html: str) -> None:
        assert "secret" not in make(folder, "a.md", f"Before.\n\n{html}\n\nAfter.\n").text.lower()

    def test_a_hidden_element_without_end_hides_nothing(self, folder: Path) -> None:
        assert "Seen." in make(folder, "a.md", "<p hidden>\n\nSeen.\n").text

    def test_markup_in_a_line_is_not_shown(self, folder: Path) -> None:
        line = 'Press <kbd>Ctrl</kbd><br>for H<sub>2</sub>O <a id="x"></a><img src="a.png" alt="a valve">.'
        assert make(folder, "a.md", line).text == "Press Ctrl for H2O a valve."

    def test_details_and_tables_of_html_are_read(self, folder: Path) -> None:
        content = (
            "<details>\n<summary>More</summary>\n\nInside.\n\n</details>\n\n"
            "<table>\n<tr><th>City</th><th>Hotel</th></tr>\n<tr><td>Oslo</td><td>210</td></tr>\n</table>\n"
        )
        assert texts(make(folder, "a.md", content)) == ["More", "Inside.", "City: Oslo | Hotel: 210"]

    def test_components_of_mdx_are_no_words(self, folder: Path) -> None:
        content = (
            "import Tabs from '@theme/Tabs';\n\n<Tabs>\n\nText of <Card title='x'>a card</Card>.\n\n</Tabs>\n"
        )
        assert texts(make(folder, "a.mdx", content)) == ["Text of a card."]


class TestExtensions:
    def test_footnotes_stand_where_they_are_written(self, folder: Path) -> None:
        document = make(folder, "a.md", "Limits.[^1]\n\n[^1]: Raised\n\n    each January.\n\nEnd.\n")
        assert texts(document) == ["Limits.[^1]", "[^1]: Raised", "each January.", "End."]

    def test_definitions_follow_their_terms(self, folder: Path) -> None:
        assert (
            make(folder, "a.md", "Kiln\n: An oven.\n: A furnace.\n").text == "Kiln\n: An oven.\n: A furnace."
        )

    def test_formulas_stay_as_they_are_written(self, folder: Path) -> None:
        content = "Energy $E = m*c*{\\_x}$ at $5 or $6.\n\n$$\n\\frac{a_1}{b_2}\n$$\n"
        assert texts(make(folder, "a.md", content)) == [
            "Energy $E = m*c*{\\_x}$ at $5 or $6.",
            "$$\n\\frac{a_1}{b_2}\n$$",
        ]

    def test_boxes_show_their_title_and_text(self, folder: Path) -> None:
        content = (
            '!!! warning "Hot"\n\n    Wear *gloves*.\n\n:::tip Advice\n\nWait.\n\n:::\n\n'
            "::: {.callout}\nThink.\n:::\n\n> [!NOTE]\n> Quoted.\n"
        )
        assert texts(make(folder, "a.md", content)) == [
            "Hot",
            "Wear gloves.",
            "tip Advice",
            "Wait.",
            "Think.",
            "[!NOTE]\nQuoted.",
        ]

    def test_attributes_of_a_heading_are_no_text(self, folder: Path) -> None:
        assert sections(make(folder, "a.md", "# Kiln {#kiln .wide}\n\nText.")) == [("Kiln", "Text.")]

    @pytest.mark.parametrize("suffix", ["rmd", "Rmd", "qmd", "mdx", "markdown", "mdown"])
    def test_relatives_of_markdown_are_read_as_it(self, folder: Path, suffix: str) -> None:
        content = "---\ntitle: Kiln\n---\n\n## Firing\n\n```{r}\nplot(x)\n```\n"
        document = make(folder, f"a.{suffix}", content)
        assert (document.title, sections(document)) == ("Kiln", [("Firing", "plot(x)")])


# How a word may occur in a text; {} is the word, which is unique.
_INLINE = (
    "{} *{}* **{}** `{}` ~~{}~~ [{}](/a) ![{}](/b.png) <b>{}</b> <kbd>{}</kbd> <{}> [[{}]] ${}$ "
    "H<sub>{}</sub> "
    "&lt;{}&gt; \\*{} _{}_ [^{}] <https://{}.org> List<{}> <!--c-->{} {}<br>"
)
INLINE = _INLINE.split(" ")
BLOCKS = (
    "{}\n",
    "# {}\n",
    "### {} ##\n",
    "{}\n===\n",
    "- {}\n  - {}\n\n    {}\n",
    "1. {}\n2. {}\n",
    "- [ ] {}\n- [x] {}\n",
    "> {}\n> {}\n",
    "```python\n{}\n```\n",
    "    {}\n",
    "<h2 align='center'>{}</h2>\n",
    "<p>{}</p>\n",
    "<div>\n\n{}\n\n</div>\n",
    "<details><summary>{}</summary>\n\n{}\n\n</details>\n",
    "<table><tr><td>{}</td><td>{}</td></tr></table>\n",
    "<!-- hidden -->\n\n{}\n",
    "[^{0}n]: {}\n",
    "{}\n: {}\n",
    '!!! note "{}"\n    {}\n',
    "::: {}\n{}\n:::\n",
    "$$\n{}\n$$\n",
    "---\n\n{}\n",
    "<script> {}\n",
    "<{}>\n",
    "+++\n{}\n",
)


@st.composite
def markdown_texts(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A text, and all its words, each of them once."""
    numbers = itertools.count()
    words: list[str] = []

    def word() -> str:
        words.append(f"w{next(numbers)}x")
        return words[-1]

    parts = []
    for block in draw(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=8)):
        pieces = block.replace("{0}", str(next(numbers))).split("{}")
        filled = pieces[0]
        code = "```" in block or block.startswith(("    ", "$$", "::: ", "<{}>"))
        for piece in pieces[1:]:
            inline = ["{}"] if code else draw(st.lists(st.sampled_from(INLINE), min_size=1, max_size=3))
            filled += " ".join(form.format(word()) for form in inline) + piece
        parts.append(filled)
    return "\n".join(parts), words


@given(markdown_texts())
def test_every_visible_word_comes_once(case: tuple[str, list[str]]) -> None:
    content, words = case
    document = read_markdown(content.encode(), "a.md").document(source="a.md", fallback_title="", sha256="")
    headings = " ".join({heading for block in document.blocks for heading in block.headings})
    for word in words:
        found = document.text.count(word) + headings.count(word)
        if document.title.count(word) and not found:
            continue
        assert found == 1, (word, document.text)
