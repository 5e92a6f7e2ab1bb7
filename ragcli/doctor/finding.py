"""The result of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragcli.errors import RagcliError

State = Literal["ok", "warning", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one part in a line. `fix` is the command or change that fixes it, empty if all is well."""

    part: str
    state: State
    detail: str
    fix: str = ""


def problem(part: str, state: State, error: RagcliError) -> Finding:
    """An error as a finding."""
    return Finding(part, state, error.message, error.hint.removeprefix("Run: "))
