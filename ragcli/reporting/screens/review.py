"""The screens of `ragcli questions review`: one question at a time, and what the keys do."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ragcli.chat.turns import Surroundings
from ragcli.drafting.draft_file import Row
from ragcli.drafting.review import Counts
from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.chat import print_surroundings
from ragcli.reporting.screens.terminal import READING_WIDTH, print_keys

KEYS = {"k": "keep", "e": "edit", "d": "drop", "o": "open the passage", "u": "undo", "q": "quit"}
END_KEYS = {"enter": "ends", "u": "undo"}


def print_question(console: Console, row: Row, counts: Counts) -> None:
    """The question as an evaluation would ask it, with its gold; then the keys."""
    width = min(console.width, READING_WIDTH)
    number, of = counts.reviewed + 1, counts.reviewed + counts.left
    facts = [f"{number} of {of}", _text(row, "kind"), *_overlap(row)]
    console.print()
    console.rule(Text(" · ".join(filter(None, facts)), style="quiet"), align="left", style="quiet")
    console.print(Text(_text(row, "question"), style="heading"), width=width)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _gold(row):
        grid.add_row(Text(name, style="quiet"), value)
    console.print(grid, width=width)
    print_keys(console, KEYS)


def print_passage(console: Console, row: Row, around: Surroundings | None) -> None:
    """Long passages push the question off the screen: it stands below them again."""
    console.print()
    if around is None:
        console.print(Text("No passage of the index holds its gold.", style="warning"))
    else:
        print_surroundings(console, around)
    console.print()
    console.print(Text(_text(row, "question"), style="heading"), width=min(console.width, READING_WIDTH))
    print_keys(console, KEYS)


def print_end(console: Console) -> None:
    console.print()
    console.print(Text("All questions are reviewed.", style="heading"))
    print_keys(console, END_KEYS)


def print_said(console: Console, done: str) -> None:
    console.print(Text(done, style="quiet"))


def print_counts(console: Console, name: str, counts: Counts) -> None:
    """What share of the questions the reader kept, and where to go from here."""
    parts = [f"{counts.kept} kept", f"{counts.edited} edited", f"{counts.dropped} dropped"]
    console.print()
    console.print(
        Text(f"{words.one_line(name)}: {', '.join(parts)}, {counts.left} left", style="heading"),
        soft_wrap=True,
    )
    again = f"ragcli questions review {words.one_line(name)}"
    measure = f"ragcli eval {words.one_line(name)}"
    console.print(
        Text(f"Go on: {again}" if counts.left else f"Measure: {measure}", style="hint"), soft_wrap=True
    )


def _gold(row: Row) -> list[tuple[str, Text]]:
    if row.get("answerable") is False:
        return [("answer", Text("none: the documents leave it open", style="warning"))]
    answers = " · ".join(_list(row, "answers"))
    documents = " · ".join(_list(row, "relevant"))
    lines = [("answer", Text(answers, style="good"))]
    lines += [("" if place else "evidence", Text(one)) for place, one in enumerate(_list(row, "evidence"))]
    return [line for line in (*lines, ("document", Text(documents, style="quiet"))) if line[1]]


def _overlap(row: Row) -> list[str]:
    """Where most of the question's words stand in the passage, words alone find it."""
    share = row.get("overlap")
    return [f"{share:.0%} of its words are the passage's"] if isinstance(share, float) else []


def _list(row: Row, key: str) -> list[str]:
    value = row.get(key) or []
    return [words.one_line(str(one)) for one in (value if isinstance(value, list) else [value])]


def _text(row: Row, key: str) -> str:
    return words.one_line(str(row.get(key) or ""))
