"""An LLM's Markdown on a terminal: laid out, with nothing active, hidden or lost."""

from __future__ import annotations

import io

import pytest
import records
from cli_helper import ANSI, Terminal
from hypothesis import given
from hypothesis import strategies as st

from ragcli.reporting import plain_text
from ragcli.reporting.screens.answer_markdown import AnswerMarkdown
from ragcli.reporting.screens.terminal import PlainConsole


def drawn(markdown: str, **environ: str) -> str:
    stream = Terminal()
    variables = {"COLUMNS": "80", "TERM": "xterm-256color", **environ}
    PlainConsole(stream, variables).print(AnswerMarkdown(markdown))
    return stream.getvalue()


def words_of(markdown: str) -> str:
    return " ".join(ANSI.sub("", drawn(markdown)).split())


def test_lists_tables_and_emphasis_are_laid_out() -> None:
    shown = ANSI.sub("", drawn("**Two** things:\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |"))
    assert "Two things:" in shown
    assert " • one" in shown
    assert "**" not in shown
    assert "|" not in shown


@pytest.mark.parametrize(
    "literal",
    [
        "See [the bank](http://evil.example).",
        "![x](http://evil.example/?q=1)",
        "<http://evil.example>",
        "Use List<T> and <b>bold</b>.",
        "&#8238;abc &lt;",
        "The file is __init__.py or a_b_c, not _this_.",
        "It takes 88 days [1]. Others say so too [2, 3].",
    ],
)
def test_what_could_act_or_hide_stays_the_text_that_it_is(literal: str) -> None:
    assert words_of(literal) == literal


def test_a_citation_stays_one_whatever_the_text_defines_it_to_be() -> None:
    assert words_of("It takes 88 days [1].\n\n[1]: http://evil.example") == (
        "It takes 88 days [1]. [1]: http://evil.example"
    )


def test_no_link_is_made_that_a_terminal_would_follow() -> None:
    assert "\x1b]8" not in drawn("[x](http://evil.example) http://evil.example <http://evil.example>")


def test_it_cannot_steer_the_terminal() -> None:
    shown = ANSI.sub("", drawn(f"{records.ESCAPE}\n\n`{records.ESCAPE}`\n\n```\n{records.ESCAPE}\n```\n"))
    assert not plain_text.CONTROLS.search(shown)


def test_colours_are_readable_on_light_and_dark_ground() -> None:
    shown = drawn(
        "# A\n## B\n1. `code` **b** *i*\n\n> quote\n\n```py\nx = 1\n```\n\n| a |\n|---|\n| 1 |\n\n---"
    )
    codes = {code for run in ANSI.findall(shown) for code in run[2:-1].split(";")}
    assert codes <= {"0", "1", "2", "3", "31", "32", "35", "36", "39"}


@given(st.text(alphabet="ab1 \n*_`#>-[](){}<&;!|~.:/\\", max_size=200))
def test_no_letter_is_lost_and_no_text_breaks_it(markdown: str) -> None:
    console = PlainConsole(io.StringIO(), {"COLUMNS": "200"})
    console.print(AnswerMarkdown(markdown))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for letter in "ab":
        assert shown.count(letter) >= markdown.count(letter)
