"""The process's stdout, whose failures can be told from those of other files."""

from __future__ import annotations

from typing import Any, TextIO, cast


class OutputError(OSError):
    """What stdout leads to takes no more: a full disk, a quota, a closed descriptor."""


def told_apart(stream: TextIO) -> TextIO:
    """The same stream; what it raises is an OutputError, but for a reader that has gone away."""
    return cast(TextIO, _Output(stream))


class _Output:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(*error.args) from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(*error.args) from error
