"""Single keystrokes: of a terminal (a pipe that prompt_toolkit takes for one) and out of a pipe."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from ragcli.cli.environment import Environment
from ragcli.cli.keystrokes import ENTER, LEFT, SPACE, PipedKeys, TypedKeys, keystrokes
from ragcli.errors import UsageError


@pytest.fixture
def terminal() -> Iterator[PipeInput]:
    with create_pipe_input() as source:
        yield source


def test_keys_at_a_terminal_have_names_and_no_case(terminal: PipeInput) -> None:
    keys = TypedKeys(terminal, DummyOutput())
    terminal.send_text("K \r\x1b[D")
    assert [keys.key({"k", SPACE, ENTER, LEFT}) for _ in range(4)] == ["k", SPACE, ENTER, LEFT]


def test_keys_that_mean_nothing_are_passed_over(terminal: PipeInput) -> None:
    terminal.send_text("xyzé\x1b[Ad")
    assert TypedKeys(terminal, DummyOutput()).key({"d"}) == "d"


@pytest.mark.parametrize(("typed", "raised"), [("\x03", KeyboardInterrupt), ("\x04", EOFError)])
def test_leaving(terminal: PipeInput, typed: str, raised: type[BaseException]) -> None:
    terminal.send_text(typed)
    with pytest.raises(raised):
        TypedKeys(terminal, DummyOutput()).key({"k"})


def test_a_line_is_edited_between_two_keys(terminal: PipeInput) -> None:
    keys = TypedKeys(terminal, DummyOutput())
    terminal.send_text("e")
    assert keys.key("e") == "e"
    terminal.send_text("\x7f\x7f and how long?\rk")
    assert keys.line("Question: ", "Who is it?") == "Who is i and how long?"
    assert keys.key("k") == "k"


def test_a_pipe_is_read_key_by_key_whatever_its_lines() -> None:
    keys = keystrokes(Environment(stdin=io.StringIO("Kx\nd e\n\nWhat is new?\nk")))
    assert [keys.key("kde") for _ in range(3)] == ["k", "d", "e"]
    assert keys.line("Question: ", "What is old?") == "What is old?"
    assert keys.line("Question: ", "What is old?") == "What is new?"
    assert keys.key("k") == "k"
    with pytest.raises(EOFError):
        keys.key("k")
    with pytest.raises(EOFError):
        keys.line("Question: ")


def test_a_pipe_that_is_no_text() -> None:
    with pytest.raises(UsageError, match="UTF-8"):
        PipedKeys(io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8")).key("k")
