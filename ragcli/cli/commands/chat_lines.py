"""Where the lines of a chat come from: a terminal with history and completion, or a pipe."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from ragcli.cli.environment import Environment
from ragcli.errors import UsageError

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.history import History

    from ragcli.reporting.screens.terminal import PlainConsole

Complete = Callable[[str], list[tuple[str, str]]]
PROMPT = "> "
HISTORY_FILE = "chat-history"


class Lines(Protocol):
    """`read` raises EOFError after the last line; `remember` puts a line where up-arrow finds it."""

    def read(self) -> str: ...
    def remember(self, line: str) -> None: ...


class PipedLines:
    """Standard input that is not a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def read(self) -> str:
        try:
            line = self._stream.readline()
        except UnicodeDecodeError:
            raise UsageError("The questions are not UTF-8 text.", hint="Convert them first.") from None
        if not line:
            raise EOFError
        return line

    def remember(self, line: str) -> None:
        """A pipe has no history."""


class TypedLines:
    """Lines from a terminal, asked for on stdout, or on stderr where stdout is not a terminal."""

    def __init__(self, environment: Environment, complete: Complete, notes: PlainConsole) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.output import create_output

        shown = environment.stdout if environment.stdout.isatty() else environment.stderr
        self._history = _history(notes)
        self._prompt: PromptSession[str] = PromptSession(
            history=self._history,
            completer=_completer(complete),
            complete_while_typing=False,
            output=create_output(shown) if environment.is_of_process else None,
        )

    def read(self) -> str:
        return self._prompt.prompt([("bold", PROMPT)])

    def remember(self, line: str) -> None:
        self._history.append_string(line)


def _history(notes: PlainConsole) -> History:
    """Kept from session to session in the user's cache folder, readable by nobody else."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    from ragcli.models.locate import cache_folder

    path = cache_folder() / HISTORY_FILE
    try:
        _create_private(path)
    except OSError as error:
        notes.print(f"note: the history will not be kept: {error}", style="warning", soft_wrap=True)
        return InMemoryHistory()
    return FileHistory(str(path))


def _create_private(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600))


def _completer(complete: Complete) -> Completer:
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document

    class Commands(Completer):
        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
            line = document.text_before_cursor
            typed = line.partition(" ")[2] if " " in line else line
            for text, meaning in complete(line):
                yield Completion(text, start_position=-len(typed), display_meta=meaning)

    return Commands()
