"""Runs a command line in this process: what it wrote to stdout and stderr, and its exit code.

And the folder that many commands are tested in.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ragcli.cli.environment import Environment
from ragcli.cli.main import main

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Outcome:
    stdout: str
    stderr: str
    status: int


def run(
    *args: str,
    stdin: str = "",
    environ: Mapping[str, str] | None = None,
    terminal: bool = False,
    columns: int = 100,
) -> Outcome:
    """Runs `ragcli ARGS`. `terminal`: stdout and stderr say that they are terminals, stdin too."""
    stream = Terminal if terminal else io.StringIO
    variables = {"COLUMNS": str(columns), "LINES": "40", "TERM": "xterm-256color", **(environ or {})}
    environment = Environment(stream(stdin), stream(), stream(), variables)
    status = main(args, environment)
    assert isinstance(environment.stdout, io.StringIO)
    assert isinstance(environment.stderr, io.StringIO)
    return Outcome(environment.stdout.getvalue(), environment.stderr.getvalue(), int(status))


@contextmanager
def library_in(folder: Path, notes: Mapping[str, str]) -> Iterator[Path]:
    """`folder` is the working folder meanwhile; the index there holds its `notes`, texts by name."""
    (folder / "notes").mkdir()
    for name, text in notes.items():
        (folder / "notes" / f"{name}.md").write_text(text, encoding="utf-8")
    with chdir(folder):
        assert run("ingest", "notes").status == 0
        yield folder
