"""What a line of a chat asks for, and what may come next on it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.chat.commands import COMMANDS, Command, parse
from ragcli.chat.completion import completions
from ragcli.errors import UsageError

SOURCES = ["notes/Planet.md", "notes/god.md"]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("How long is it?", "How long is it?"),
        ("  two\n lines\there ", "two lines here"),
        ("/sources", Command("sources")),
        ("/OPEN 2", Command("open", "2", 2)),
        ("/explain   12 ", Command("explain", "12", 12)),
        ("/k", Command("k")),
        ("/k 3", Command("k", "3", 3)),
        ("/filter", Command("filter")),
        ("/filter my notes/*.md", Command("filter", "my notes/*.md")),
        ("/save out.md", Command("save", "out.md")),
        ("/quit", Command("quit")),
    ],
)
def test_a_line_is_a_question_or_a_command(line: str, wanted: Command | str) -> None:
    assert parse(line) == wanted


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("/sorces", "There is no command /sorces.", "Did you mean /sources?"),
        ("/xyzzy", "There is no command /xyzzy.", "/help"),
        ("/", "There is no command /.", "/help"),
        ("/open", "/open needs an argument.", "/open N"),
        ("/open two", "'two' is not a number.", "/open N"),
        ("/k -1", "'-1' is not a number.", "/k [N]"),
        ("/k ٣", "'٣' is not a number.", "/k [N]"),
        (f"/k {'9' * 5000}", "is not a number.", "/k [N]"),
        ("/quit now", "/quit takes no argument.", "/quit"),
        ("/save", "/save needs an argument.", "/save FILE"),
    ],
)
def test_what_does_not_fit_is_said_with_what_would(line: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(line)
    assert message in caught.value.message
    assert hint in caught.value.hint


@given(st.text() | st.text().map("/{}".format) | st.sampled_from([f"/{name} " for name in COMMANDS]))
def test_any_line_is_one_thing_or_a_usage_error(line: str) -> None:
    try:
        found = parse(line)
    except UsageError:
        return
    assert isinstance(found, str) or found.name in COMMANDS


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("How", []),
        ("/so", ["/sources"]),
        ("/c", ["/compare", "/candidates"]),
        ("/open ", ["1", "2", "12"]),
        ("/explain 1", ["1", "12"]),
        ("/filter plan", ["notes/Planet.md"]),
        ("/filter ", SOURCES),
        ("/save ", []),
    ],
)
def test_completion_knows_commands_passages_and_documents(line: str, words: list[str]) -> None:
    assert [text for text, _ in completions(line, SOURCES, [1, 2, 12])] == words


def test_every_command_completes_to_itself() -> None:
    for name in COMMANDS:
        assert f"/{name}" in [text for text, _ in completions(f"/{name}", [], [])]
