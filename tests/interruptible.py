"""Children that SIGINT reaches: a shell's background processes ignore it, and so do their children."""

from __future__ import annotations

import sys

_PROGRAM = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);os.execv(sys.argv[1], sys.argv[1:])"
)


def interruptible(*arguments: str) -> list[str]:
    """The command `python ARGUMENTS`, as if in the foreground. The process keeps its id."""
    return [sys.executable, "-c", _PROGRAM, sys.executable, *arguments]
