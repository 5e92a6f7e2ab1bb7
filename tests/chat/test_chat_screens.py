"""The screens of a chat, as pictures kept in tests/golden (RAGCLI_UPDATE_GOLDEN=1 updates them)."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import records
from cli_helper import ANSI, Terminal

from ragcli.chat.turns import Exchange, Explanation, ScoredSentence, Source, Surroundings
from ragcli.encoders.prior import NO_PRIOR
from ragcli.reporting import plain_text
from ragcli.reporting.files.transcript import inert, transcript
from ragcli.reporting.screens import chat
from ragcli.reporting.screens.terminal import PlainConsole

GOLDEN = Path(__file__).parents[1] / "golden"
CANDIDATES = records.reranked_candidates()
SOURCES = (
    Source(1, CANDIDATES[0], CANDIDATES[0].chunk.text[-120:], cited=True),
    Source(2, CANDIDATES[1], CANDIDATES[1].chunk.text, cited=False),
    Source(3, CANDIDATES[2], "", cited=False),
)
SENTENCES = (
    ScoredSentence("The planet is the closest to the Sun.", -1.204, False),
    ScoredSentence(
        "Mercury completes one orbit around the Sun every 88 days, the shortest year of any planet, and "
        "turns three times on its axis for every two orbits.",
        8.61,
        True,
    ),
)
MARKDOWN = "Mercury takes **88 days** [1]:\n\n1. the *shortest* year\n2. `of any` planet\n"
AROUND = Surroundings(CANDIDATES[0].chunk, "Mercury has no moons.", "Its day is longer than its year.")


def console(width: int = 80, *, stream: io.StringIO | None = None, **environ: str) -> PlainConsole:
    variables = {"COLUMNS": str(width), "LINES": "40", "TERM": "xterm-256color", **environ}
    return PlainConsole(io.StringIO() if stream is None else stream, variables)


def shown(target: PlainConsole) -> str:
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def draw_explanation(target: PlainConsole) -> None:
    chat.print_explanation(
        target, Explanation(SOURCES[0], 50, True, SENTENCES, records.QUESTION, records.PRIOR)
    )


def draw_base_explanation(target: PlainConsole) -> None:
    source = Source(3, records.base_candidates()[0], "", cited=False)
    chat.print_explanation(target, Explanation(source, 50, False, SENTENCES[:1], records.QUESTION, NO_PRIOR))


SCREENS: dict[str, Callable[[PlainConsole], None]] = {
    "chat-answer": lambda c: chat.print_chat_answer(
        c, replace(records.reranked_answer(), text=MARKDOWN), quoted=False
    ),
    "chat-sources": lambda c: chat.print_chat_sources(c, SOURCES),
    "chat-explain": draw_explanation,
    "chat-explain-base": draw_base_explanation,
    "chat-open": lambda c: chat.print_surroundings(c, AROUND),
    "chat-help": chat.print_help,
    "chat-lines": lambda c: (
        chat.print_welcome(c, "default", 12, "SmolLM2-135M-Instruct"),
        chat.print_rewritten(c, records.QUESTION),
        chat.print_problem(c, "Nothing answers at http://host/v1.", "Start the server."),
    )[0],
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", SCREENS)
def test_the_screen_is_the_golden_one(name: str, width: int) -> None:
    target = console(width, stream=Terminal(), NO_COLOR="1", TERM="dumb")
    SCREENS[name](target)
    picture = "\n".join(line.rstrip() for line in ANSI.sub("", shown(target)).splitlines()) + "\n"
    file = GOLDEN / f"{name}-{width}.txt"
    if os.environ.get("RAGCLI_UPDATE_GOLDEN"):
        file.write_text(picture, encoding="utf-8")
    assert picture == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", SCREENS)
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    target = console(width, stream=Terminal())
    SCREENS[name](target)
    assert max(len(line) for line in ANSI.sub("", shown(target)).splitlines()) <= width


@pytest.mark.parametrize("name", SCREENS)
def test_a_pipe_gets_no_escape_sequences(name: str) -> None:
    target = console()
    SCREENS[name](target)
    assert "\x1b" not in shown(target)


@pytest.mark.parametrize("name", SCREENS)
def test_colours_are_few_and_none_with_no_color(name: str) -> None:
    for environ, allowed in (({}, {"31", "32", "35", "36", "39"}), ({"NO_COLOR": "1"}, set())):
        target = console(stream=Terminal(), **environ)
        SCREENS[name](target)
        codes = {code for run in ANSI.findall(shown(target)) for code in run[2:-1].split(";")}
        assert codes <= {"0", "1", "2", "3"} | allowed


def test_in_a_pipe_an_answer_is_the_text_that_the_llm_wrote() -> None:
    target = console()
    chat.print_chat_answer(target, replace(records.reranked_answer(), text=MARKDOWN), quoted=False)
    assert shown(target) == MARKDOWN


def test_a_quotation_is_no_markdown() -> None:
    target = console(stream=Terminal(), NO_COLOR="1", TERM="dumb")
    quotation = "1986. The **file** is __init__.py. [1]"
    chat.print_chat_answer(target, replace(records.reranked_answer(), text=quotation), quoted=True)
    assert shown(target).strip() == quotation


def test_a_document_cannot_steer_the_terminal() -> None:
    hostile = records.ESCAPE
    chunk = replace(records.CHUNKS[0], source=hostile, title=hostile, headings=(hostile,), text=hostile)
    candidate = replace(CANDIDATES[0], chunk=chunk)
    source = Source(1, candidate, hostile, cited=True)
    answer = replace(records.answer(hostile, (candidate,), reranked=True), model=hostile, question=hostile)
    target = console(120, stream=Terminal(), NO_COLOR="1", TERM="dumb")
    chat.print_chat_answer(target, answer, quoted=False)
    chat.print_chat_sources(target, [source])
    sentences = (ScoredSentence(hostile, 1.0, True),)
    chat.print_explanation(target, Explanation(source, 1, True, sentences, hostile, records.PRIOR))
    chat.print_surroundings(target, Surroundings(chunk, hostile, hostile))
    chat.print_rewritten(target, hostile)
    chat.print_problem(target, hostile, hostile)
    chat.print_welcome(target, hostile, 1, hostile)
    saved = transcript([Exchange(hostile, f"x{hostile}", answer=answer, outcome="answered")])
    screen = ANSI.sub("", shown(target)) + saved
    assert not plain_text.CONTROLS.search(screen)
    assert "\x1b" not in screen


# --- what is saved


def test_a_conversation_is_saved_as_markdown() -> None:
    answered = Exchange(
        "and how long?", records.QUESTION, answer=records.reranked_answer(), outcome="answered"
    )
    stopped = Exchange("Why *that*?", "Why *that*?", outcome="stopped")
    assert transcript([answered, stopped]) == (
        "# Conversation\n\n"
        f"## {records.QUESTION}\n\n"
        "Asked as: and how long?\n\n"
        f"{records.reranked_answer().text}\n\n"
        "- \\[1\\] corpora/homonyms/mercury-planet.md \\> Mercury (planet) \\> Orbit and rotation, "
        "lines 30-36\n"
        "- \\[2\\] reports/annual report 2024.pdf \\> Annual report, page 3\n\n"
        "*SmolLM2-135M-Instruct*\n\n"
        "## Why \\*that\\*?\n\n*Stopped before there was an answer.*\n"
    )


def test_what_is_saved_loads_nothing_and_runs_nothing_in_a_viewer() -> None:
    assert inert("![x](http://evil.example) <script>a</script> 1 < 2 `<b>` **b**") == (
        "\\![x](http://evil.example) \\<script>a\\</script> 1 < 2 `<b>` **b**"
    )
