"""Children that SIGINT reaches: what a shell runs in the background ignores it, and so do its children."""

from __future__ import annotations

import sys

_PROGRAM = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);os.execv(sys.argv[1], sys.argv[1:])"
)


def interruptible(*arguments: str) -> list[str]:
    """The command `python ARGUMENTS`, as one in the foreground gets it. The process keeps its id."""
    return [sys.executable, "-c", _PROGRAM, sys.executable, *arguments]
