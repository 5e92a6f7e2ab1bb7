"""What a line of a chat asks for: a question, or a command with its argument. Pure."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal

from ragcli.errors import UsageError

MARK = "/"
_NUMBER = re.compile(r"[0-9]{1,9}")

Argument = Literal["none", "number", "text", "optional number", "optional text"]


@dataclass(frozen=True, slots=True)
class Usage:
    """`argument` is what a command takes, `shown` how the help writes it."""

    name: str
    argument: Argument
    shown: str
    help: str


COMMANDS = {
    usage.name: usage
    for usage in (
        Usage("compare", "optional text", "[all]", "the last question with and without reranking"),
        Usage("sources", "none", "", "the passages of the last answer, and the ones that came next"),
        Usage("open", "number", "N", "passage N in its surroundings, or its file in $EDITOR"),
        Usage("explain", "number", "N", "why passage N has its rank"),
        Usage("k", "optional number", "[N]", "put N passages into the prompt"),
        Usage("candidates", "optional number", "[N]", "rerank the N nearest passages"),
        Usage("filter", "optional text", "[GLOB]", "use only matching documents; no GLOB: all again"),
        Usage("model", "optional text", "[NAME]", "use another model of the same endpoint"),
        Usage("save", "text", "FILE", "write the conversation as Markdown"),
        Usage("help", "none", "", "this list"),
        Usage("quit", "none", "", "leave; so does Ctrl-D"),
    )
}


@dataclass(frozen=True, slots=True)
class Command:
    """`text` is the argument as it was typed, `number` its value if the command takes a number."""

    name: str
    text: str = ""
    number: int | None = None


def parse(line: str) -> Command | str:
    """The command, or the line itself on one line if it is a question.

    Raises UsageError for an unknown command or an invalid argument.
    """
    line = line.strip()
    if not line.startswith(MARK):
        return " ".join(line.split())
    name, _, argument = line[len(MARK) :].partition(" ")
    usage = COMMANDS.get(name.lower())
    if usage is None:
        raise UsageError(f"There is no command {MARK}{name}.", hint=_nearest(name))
    return _with_argument(usage, argument.strip())


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), COMMANDS, 1)
    return f"Did you mean {MARK}{close[0]}?" if close else f"{MARK}help lists them."


def _with_argument(usage: Usage, text: str) -> Command:
    written = f"{MARK}{usage.name} {usage.shown}".strip()
    if usage.argument == "none":
        if text:
            raise UsageError(f"{MARK}{usage.name} takes no argument.", hint=f"Write: {written}")
        return Command(usage.name)
    if not text:
        if usage.argument.startswith("optional"):
            return Command(usage.name)
        raise UsageError(f"{MARK}{usage.name} needs an argument.", hint=f"Write: {written}")
    if usage.argument.endswith("text"):
        return Command(usage.name, text)
    if not _NUMBER.fullmatch(text):
        raise UsageError(f"{text!r} is not a number.", hint=f"Write: {written}")
    return Command(usage.name, text, int(text))
