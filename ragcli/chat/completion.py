"""What may come next on a line that is being typed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ragcli.chat.commands import COMMANDS, MARK


def completions(line: str, sources: Sequence[str], numbers: Sequence[int]) -> list[tuple[str, str]]:
    """(what replaces the name or the argument, what it is); nothing for a question.

    `sources` are the documents of the index, `numbers` those of the last answer's passages.
    """
    if not line.startswith(MARK):
        return []
    name, space, argument = line[len(MARK) :].partition(" ")
    if not space:
        return [(MARK + usage.name, usage.help) for usage in COMMANDS.values() if usage.name.startswith(name)]
    if name in ("open", "explain"):
        return [(str(number), "") for number in numbers if str(number).startswith(argument)]
    if name == "filter":
        return [(source, "") for source in sources if argument.lower() in source.lower()]
    return []
