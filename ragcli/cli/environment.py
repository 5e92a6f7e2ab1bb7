"""What a command uses of the process, in one place, so that a test can replace it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from ragcli.reporting.screens.terminal import PlainConsole


@dataclass(frozen=True)
class Environment:
    """Streams and variables of one run. stdout is for answers, stderr for progress and diagnostics."""

    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def is_of_process(self) -> bool:
        return self.stdout is sys.stdout and self.stderr is sys.stderr

    def without_styles(self) -> Environment:
        """The same, on streams that get plain text even where they are terminals."""
        return replace(self, environ={**self.environ, "TERM": "dumb"})

    def console(self) -> PlainConsole:
        return _console(self.stdout, self.environ)

    def diagnostics(self) -> PlainConsole:
        return _console(self.stderr, self.environ)


def _console(stream: TextIO, environ: Mapping[str, str]) -> PlainConsole:
    from ragcli.reporting.screens.terminal import PlainConsole

    return PlainConsole(stream, environ)
