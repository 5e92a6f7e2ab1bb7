"""`ragcli explain`: a passage as each of the two encoders reads it, word by word."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ragcli.encoders.occlusion import Occlusion, Reading, WordChange
from ragcli.reporting import plain_text as words
from ragcli.reporting.occlusion_text import LEVELS, pieces, strongest
from ragcli.reporting.screens.terminal import READING_WIDTH
from ragcli.types import Candidate

# From the terminal's own palette. The figures below each text say the same without colours.
_RAISES = ("", "dim green", "green", "bold green")
_LOWERS = ("", "dim red", "red", "bold red")
SIDE_BY_SIDE = 110


def print_passage(console: Console, candidate: Candidate, occlusion: Occlusion, *, of: int) -> None:
    """The passage's ranks, then both readings: next to each other where there is room."""
    console.print(Text(words.chunk_title(candidate.chunk), style="heading"))
    console.print(Text(words.chunk_place(candidate.chunk), style="quiet"))
    console.print(Text(words.ranks(candidate, of)))
    console.print()
    print_readings(console, occlusion)


def print_readings(console: Console, occlusion: Occlusion) -> None:
    views = _readings(occlusion)
    if console.width >= SIDE_BY_SIDE:
        grid = Table.grid(expand=True, padding=(0, 3, 0, 0))
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        grid.add_row(*views)
        console.print(grid)
        return
    for number, view in enumerate(views):
        if number:
            console.print()
        console.print(view, width=min(console.width, READING_WIDTH))


def print_scale(console: Console) -> None:
    """What the shades mean, and without colours what the signs mean."""
    if console.no_color or console.color_system is None:
        console.print(Text("Each word was left out once: + raised the score, − lowered it."))
        return
    line = Text("Each word was left out once: ", style="quiet")
    line.append_text(_shades(_RAISES))
    line.append(" raised the score, ", style="quiet")
    line.append_text(_shades(_LOWERS))
    *first, last = (f"{share * 100:.0f}" for share in LEVELS)
    line.append(
        f" lowered it (from {', '.join(first)} and {last} % of the text's largest change).", style="quiet"
    )
    console.print(line, width=min(console.width, READING_WIDTH))


def _readings(occlusion: Occlusion) -> tuple[RenderableType, RenderableType]:
    cross, similarity = occlusion.cross_encoder, occlusion.bi_encoder
    return (
        _view(f"Cross-encoder: logit {words.decimal(cross.score)}", occlusion, cross, 2),
        _view(f"Bi-encoder: similarity {words.decimal(similarity.score, 3)}", occlusion, similarity, 3),
    )


def _view(title: str, occlusion: Occlusion, reading: Reading, digits: int) -> RenderableType:
    return Group(
        Text(title, style="heading"),
        _coloured(occlusion.question, reading.question, style="italic"),
        _named(occlusion.question, reading.question, digits),
        Text(),
        _coloured(occlusion.passage, reading.passage),
        _named(occlusion.passage, reading.passage, digits),
    )


def _coloured(text: str, changes: Sequence[WordChange], *, style: str = "") -> Text:
    shown = Text(style=style)
    for piece in pieces(text, changes):
        shades = _RAISES if piece.shade > 0 else _LOWERS
        shown.append(words.clean(piece.text), style=shades[abs(piece.shade)])
    return shown


def _named(text: str, changes: Sequence[WordChange], digits: int) -> Text:
    """ "python +1.06, bite −1.81": what the colours say, in figures."""
    line = Text()
    for word, change in strongest(text, changes):
        line.append(", " if line.plain else "", style="quiet")
        line.append(words.one_line(word), style="quiet")
        line.append(f" {words.signed(change, digits)}", style="good" if change > 0 else "bad")
    return line if line.plain else Text("No word stands out.", style="quiet")


def _shades(styles: Sequence[str]) -> Text:
    shown = Text()
    for level, style in enumerate(styles[1:], start=1):
        shown.append(" " if level > 1 else "")
        shown.append("word", style=style)
    return shown
