"""The screens of `ragcli models`: a block for each model, so that a path of any length has room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ragcli.models.download import FetchedModel
from ragcli.models.status import READY, ModelEntry
from ragcli.reporting import plain_text as words

INDENT = 15


def print_models_used(console: Console, current: str, used: Mapping[ModelEntry, Sequence[str]]) -> None:
    """Role, name and state; then who uses it and what it is; then where it is, or how to get it."""
    for number, (entry, profiles) in enumerate(used.items()):
        if number:
            console.print()
        _print_entry(console, entry, [_profiles(profiles, current), *_facts(entry)])


def print_models_of_run(console: Console, entries: Sequence[ModelEntry]) -> None:
    """One line per model, for `--verbose`: what is used, and from where."""
    for entry in entries:
        line = Text(f"{entry.role:<13} ", style="quiet")
        line.append(words.one_line(" · ".join([entry.name, *_facts(entry)])), style="quiet")
        if entry.place:
            line.append(f"\n{'':<14}{words.one_line(entry.place)}", style="quiet")
        console.print(line, soft_wrap=True)


def _print_entry(console: Console, entry: ModelEntry, facts: Sequence[str]) -> None:
    ready = entry.state == READY
    head = Text(f"{entry.role:<{INDENT}}", style="heading")
    head.append(words.one_line(entry.name), style="default")
    if ready:
        head.append(f"  {entry.state}", style="good")
    console.print(head, soft_wrap=not console.is_terminal)
    lines = [
        Text(words.one_line("" if ready else entry.state), style="bad"),
        Text(words.one_line(entry.hint), style="hint"),
        Text(words.one_line(" · ".join(fact for fact in facts if fact))),
        Text(words.one_line(entry.place), style="quiet"),
    ]
    for line in filter(None, lines):
        if console.is_terminal:
            console.print(Padding(line, (0, 0, 0, INDENT)))
        else:
            console.print(Text(" " * INDENT).append_text(line), soft_wrap=True)


def _profiles(profiles: Sequence[str], current: str) -> str:
    marked = [f"{name} (in use)" if name == current else name for name in profiles]
    return f"profile{'' if len(marked) == 1 else 's'} {', '.join(marked)}"


def _facts(entry: ModelEntry) -> list[str]:
    """Release, size, licence, device and precision, as far as they are known."""
    precision = f"{entry.device} {entry.precision}".strip()
    if entry.bulk_precision != entry.precision:
        precision += f" ({entry.bulk_precision} for much text)"
    size = "" if entry.bytes is None else words.size(entry.bytes)
    machine = "on another machine" if entry.origin == "server" else precision
    return [fact for fact in (entry.release, size, entry.licence, machine) if fact]


def print_fetched(console: Console, fetched: Sequence[FetchedModel]) -> None:
    for model in fetched:
        line = f"{model.role} {model.name}, {words.size(model.bytes)}: {model.path}"
        console.print(Text(words.one_line(line)), soft_wrap=True)


def removed_line(fetched: Sequence[FetchedModel]) -> str:
    if not fetched:
        return "Nothing was fetched for these settings; models that came with packages are removed with them."
    return f"Deleted {words.count(len(fetched), 'model')}, {words.size(sum(m.bytes for m in fetched))}."
