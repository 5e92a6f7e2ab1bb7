"""The fenced blocks of the pages, and the command lines in them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from ragcli.cli.app import build_app

ROOT = Path(__file__).parent.parent
PAGES = (
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md"),
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What a page shows but nobody types.
SHOWN = {"dockerfile", "json", "jsonl", "python", "text", "toml"}
OPERATORS = set("();<>|&")


@dataclass(frozen=True)
class Block:
    language: str
    text: str


def blocks(markdown: str) -> list[Block]:
    return [Block(language, text) for language, text in FENCE.findall(markdown)]


def ragcli_calls(block: Block) -> Iterator[list[str]]:
    """The arguments of each `ragcli ...` in a block: in pipes, behind variables, in a workflow."""
    if block.language in SHOWN:
        return
    for line in re.sub(r"<<'END'\n.*?^END$", "", block.text, flags=re.MULTILINE | re.DOTALL).splitlines():
        if "ragcli" in line:
            yield from _calls(line)


def _calls(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    call: list[str] | None = None
    words = [*lexer, ";"]
    for before, word in zip(["", *words], words, strict=False):
        if set(word) <= OPERATORS:
            if call is not None:
                yield call
            call = None
        elif call is not None:
            call.append(word)
        elif word == "ragcli" and before != "-t":  # `docker build -t ragcli` names an image
            call = []


def run_blocks(page: str, folder: Path, *, typed: Mapping[str, str] | None = None) -> str:
    """Runs what a page tells its reader to type, in order, in `folder`. Returns all that was printed.

    `typed` holds the keys that are pressed in a block, by a command of it.
    """
    program = folder / "bin" / "ragcli"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m ragcli "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RAGCLI_")}
    environ |= {"PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    said = ""
    for block in blocks(page):
        if block.language:
            continue
        keys = [pressed for command, pressed in (typed or {}).items() if command in block.text]
        command = ["bash", "-e", "-c", block.text]
        done = subprocess.run(
            command, cwd=folder, env=environ, input="".join(keys), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"
        said += done.stdout + done.stderr
    return said


def parse(arguments: list[str]) -> None:
    """Parses a command line as ragcli does, and runs nothing. Raises what ragcli would raise."""
    command: Any = get_command(build_app())
    if arguments and arguments[0].startswith("-"):
        known = {name for param in command.params for name in param.opts}
        assert set(arguments) <= known, arguments
        return
    context = command.make_context("ragcli", list(arguments))
    while isinstance(command, TyperGroup):
        rest = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, rest)
        assert command is not None, arguments
        context = command.make_context(name, rest, parent=context)
