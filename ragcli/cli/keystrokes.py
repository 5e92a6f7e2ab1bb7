"""Single keystrokes and short edits: of a person at a terminal, or out of a pipe."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol, TextIO

from ragcli.cli.environment import Environment
from ragcli.errors import UsageError

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

ENTER, ESCAPE, SPACE, BACKSPACE = "enter", "escape", "space", "backspace"
LEFT, RIGHT, UP, DOWN = "left", "right", "up", "down"

_NAMES = {
    " ": SPACE,
    "c-m": ENTER,
    "c-j": ENTER,
    "\n": ENTER,
    "\r": ENTER,
    "c-h": BACKSPACE,
    "\x7f": BACKSPACE,
}
_INTERRUPT, _END = ("c-c", "<sigint>"), "c-d"


class Keystrokes(Protocol):
    """Both methods raise EOFError where no more will come (Ctrl-D, the end of a pipe), and KeyboardInterrupt
    for Ctrl-C.
    """

    def key(self, wanted: Collection[str]) -> str:
        """The next key that is one of `wanted`: a character in lower case, or a name of this module. Every
        other key is passed over.
        """

    def line(self, prompt: str, text: str = "") -> str:
        """One line, which starts as `text` and can be edited; without the spaces around it."""


def keystrokes(environment: Environment) -> Keystrokes:
    """Those of the terminal that the process's stdin is, else those that a pipe brings."""
    if environment.stdin is sys.stdin and environment.stdin.isatty():
        return _typed(environment)
    return PipedKeys(environment.stdin)


def _typed(environment: Environment) -> TypedKeys:
    from prompt_toolkit.input import create_input
    from prompt_toolkit.output import create_output

    shown = environment.stdout if environment.stdout.isatty() else environment.stderr
    return TypedKeys(create_input(environment.stdin), create_output(shown))


class TypedKeys:
    """Keys as they are pressed. What is typed ahead of a question is kept for it."""

    def __init__(self, source: Input, shown: Output) -> None:
        self._source, self._shown = source, shown

    def key(self, wanted: Collection[str]) -> str:
        while True:
            pressed = self._next()
            if pressed in _INTERRUPT:
                raise KeyboardInterrupt
            if pressed == _END:
                raise EOFError
            if (named := _named(pressed)) in wanted:
                return named

    def line(self, prompt: str, text: str = "") -> str:
        from prompt_toolkit import PromptSession

        session: PromptSession[str] = PromptSession(input=self._source, output=self._shown)
        return session.prompt([("bold", prompt)], default=text).strip()

    def _next(self) -> str:
        """Through an application that draws nothing and ends with the first key."""
        from prompt_toolkit.application import Application
        from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
        from prompt_toolkit.keys import Keys
        from prompt_toolkit.output import DummyOutput

        bindings = KeyBindings()

        # Eager: before prompt_toolkit's own bindings, and without waiting for the rest of a sequence of them.
        @bindings.add(Keys.Any, eager=True)
        def _(event: KeyPressEvent) -> None:
            key = event.key_sequence[0].key
            event.app.exit(result=key.value if isinstance(key, Keys) else key)

        application: Application[str] = Application(
            key_bindings=bindings, input=self._source, output=DummyOutput()
        )
        return application.run()


class PipedKeys:
    """A character is a key; the end of a line is none, so that keys may stand in lines or not. An edited line
    stands behind its key, or in the next line; an empty one leaves the text as it is.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._behind_key = False

    def key(self, wanted: Collection[str]) -> str:
        self._behind_key = True
        while character := self._read(1):
            if (named := _named(character)) in wanted:
                return named
        raise EOFError

    def line(self, prompt: str, text: str = "") -> str:
        line = self._read()
        if self._behind_key and line == "\n":
            line = self._read()
        self._behind_key = False
        if not line:
            raise EOFError
        return line.strip() or text

    def _read(self, characters: int = 0) -> str:
        try:
            return self._stream.read(characters) if characters else self._stream.readline()
        except UnicodeDecodeError:
            raise UsageError("The keys are not UTF-8 text.", hint="Convert them first.") from None


def _named(pressed: str) -> str:
    return _NAMES.get(pressed, pressed.lower())
