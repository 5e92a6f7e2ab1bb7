"""The streams that a command writes to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import typer

from ragcli.cli.environment import Environment

if TYPE_CHECKING:
    from ragcli.reporting.screens.terminal import PlainConsole


@dataclass(frozen=True)
class Screens:
    """stdout and stderr as consoles."""

    environment: Environment

    @cached_property
    def out(self) -> PlainConsole:
        return self.environment.console()

    @cached_property
    def err(self) -> PlainConsole:
        return self.environment.diagnostics()

    def print_document(self, text: str) -> None:
        """Text for a program: as it is, whatever the terminal."""
        self.environment.stdout.write(text + "\n")


def environment_of(ctx: typer.Context) -> Environment:
    found = ctx.find_object(Environment)
    return found if found is not None else Environment()
