"""What every command does first: its streams, its settings, its filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ragcli.cli.environment import Environment
from ragcli.errors import UsageError

if TYPE_CHECKING:
    from ragcli.config import Config
    from ragcli.reporting.screens.terminal import PlainConsole
    from ragcli.types import Filters, MetadataValue


@dataclass(frozen=True)
class Flags:
    """The options that choose settings. `overrides` are by dotted key; None means not given."""

    config: Path | None = None
    profile: str | None = None
    overrides: Mapping[str, object] | None = None

    def load(self, environment: Environment) -> Config:
        from ragcli.config.loading import load_config

        return load_config(self.config, self.profile, self.overrides, environment.environ)


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


def parse_filters(sources: Sequence[str] | None, where: Sequence[str] | None) -> Filters:
    """Raises UsageError for a condition without `=`."""
    from ragcli.types import Filters

    return Filters(tuple(sources or ()), tuple(_condition(text) for text in where or ()))


def _condition(text: str) -> tuple[str, MetadataValue]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--where {text!r} is not KEY=VALUE.", hint="For instance: --where format=pdf")
    return key.strip(), _value(value.strip())


def _value(text: str) -> MetadataValue:
    """Numbers and true/false as such; quotes keep a string that looks like one."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text
