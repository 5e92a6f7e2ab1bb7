"""Questions to whoever sits at the terminal: on stderr, answered on stdin."""

from __future__ import annotations

from ragcli.cli.environment import Environment
from ragcli.errors import UsageError


def confirmed(environment: Environment, question: str) -> bool:
    """Yes or no. Raises UsageError where nobody can answer."""
    if not environment.stdin.isatty():
        raise UsageError(f"{question} Nobody is there to confirm that.", hint="Add --yes.")
    return agreed(environment, question)


def agreed(environment: Environment, question: str) -> bool:
    """Yes or no, of somebody who is there."""
    return answer(environment, f"{question} [y/N]", "").lower() in ("y", "yes")


def answer(environment: Environment, question: str, default: str) -> str:
    """One line, without the spaces around it; `default` where it is empty."""
    from ragcli.text.printable import one_line

    environment.stderr.write(f"{one_line(question)} ")
    environment.stderr.flush()
    return environment.stdin.readline().strip() or default
