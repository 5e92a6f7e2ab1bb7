"""Commands that take a question: one that was not quoted is told so, with the command as it should be."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand

from ragcli.errors import UsageError

_ACTIVE_IN_QUOTES = re.compile(r"[\"$`\\!]")


class QuestionCommand(TyperCommand):
    """Without quotes the shell makes several arguments of a question, one a word."""

    allow_extra_args = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = list(args)
        rest = super().parse_args(ctx, args)
        if ctx.args and not ctx.resilient_parsing:
            words = [ctx.params["question"], *ctx.args]
            raise UsageError(
                f"The question is {len(words)} arguments: it is not in quotes.",
                hint=f"Quote it: {ctx.command_path} {quoted(given, words)}",
            )
        return rest


def quoted(given: Sequence[str], words: Sequence[str]) -> str:
    """The arguments, with those that are the question's words made one, where the first of them stands."""
    question = " ".join(words)
    shown = shlex.quote(question) if _ACTIVE_IN_QUOTES.search(question) else f'"{question}"'
    left = list(words)
    arguments = []
    for argument in given:
        if left and argument == left[0]:
            if len(left) == len(words):
                arguments.append(shown)
            left.pop(0)
        else:
            arguments.append(shlex.quote(argument))
    return " ".join(arguments)
