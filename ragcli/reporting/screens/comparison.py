"""Two arms on one screen: what reranking changed in the order, the prompt, the answer, seconds and tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.terminal import READING_WIDTH, answer_body
from ragcli.types import Answer, Comparison, Movement, Timing

SIDE_BY_SIDE = 100
# The width of the columns next to the passage.
NUMBERS_WIDTH = 49
TITLES = {"base": "Without reranking", "reranked": "With reranking"}
# Stages that only the reranked arm needs, among those that the comparison measured once for both.
RERANKED_ONLY = "rerank"
# Happens once per process, for any arm and number of questions: named, but not in the totals.
ONCE = "load"


@dataclass(frozen=True)
class Arms:
    """Two panels: side by side with the same height if there is room, otherwise one below the other."""

    base: RenderableType
    reranked: RenderableType
    base_note: str = ""
    reranked_note: str = ""
    titles: Mapping[str, str] = field(default_factory=lambda: TITLES)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        notes = {"base": self.base_note, "reranked": self.reranked_note}
        panels = {arm: _panel(arm, self.titles[arm], getattr(self, arm), note) for arm, note in notes.items()}
        if options.max_width < SIDE_BY_SIDE:
            yield from panels.values()
            return
        width = (options.max_width - 1) // 2
        height = max(
            len(console.render_lines(panel, options.update(width=width))) for panel in panels.values()
        )
        # A column for the gap: releases of rich differ in what padding does to widths.
        grid = Table.grid()
        for column in (width, 1, width):
            grid.add_column(width=column)
        for panel in panels.values():
            panel.height = height
        grid.add_row(panels["base"], "", panels["reranked"])
        yield grid


def _panel(arm: str, title: str, body: RenderableType, note: str) -> Panel:
    return Panel(
        body,
        title=Text(f" {title} ", style="heading"),
        title_align="left",
        subtitle=Text(f" {note} ", style="quiet") if note else None,
        subtitle_align="right",
        border_style=arm,
        box=box.ROUNDED,
        padding=(0, 1),
    )


def print_comparison(
    console: Console, comparison: Comparison, *, show_all: bool, more: str = "--all"
) -> None:
    """The whole screen: answers (where an LLM ran), movements, costs, and the sentence that sums it up.

    `more` is the option that shows every row.
    """
    if comparison.base is not None and comparison.reranked is not None:
        console.print(answers(comparison.base, comparison.reranked))
    print_changes(console, comparison, show_all=show_all, more=more)


def print_changes(console: Console, comparison: Comparison, *, show_all: bool, more: str = "--all") -> None:
    """Everything below the two answers."""
    shown = [m for m in comparison.movements if show_all or m.in_prompt_before or m.in_prompt_after]
    console.print()
    console.print(Text("How passages moved", style="heading"))
    if shown:
        console.print(movement_table(shown, console.width, unicode=not console.options.ascii_only))
    hidden = len(comparison.movements) - len(shown)
    if hidden:
        candidates = words.count(hidden, "more candidate" if shown else "candidate")
        console.print(Text(f"{candidates} in neither prompt; {more} shows them", "quiet"))
    console.print()
    console.print(Text("What it cost", style="heading"))
    console.print(cost_table(comparison))
    console.print()
    console.print(
        Text(words.one_line(comparison.summary), style="heading"), width=min(console.width, READING_WIDTH)
    )


def answers(base: Answer, reranked: Answer) -> Arms:
    return Arms(answer_body(base), answer_body(reranked))


def movement_table(movements: Sequence[Movement], width: int, *, unicode: bool = True) -> Table:
    """One row per passage, in reranked order: its ranks, the reason, and the effect on the prompt."""
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), header_style="heading", show_edge=False
    )
    table.add_column("Passage", ratio=1, overflow="fold")
    table.add_column("Rank", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for name in ("Simil.", "Logit", "Score"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Prompt", no_wrap=True)
    for movement in movements:
        candidate = movement.candidate
        body = Text(words.chunk_title(candidate.chunk))
        body.append(f"\n{words.chunk_place(candidate.chunk, width - NUMBERS_WIDTH)}", style="quiet")
        table.add_row(
            body,
            f"{movement.before} {'→' if unicode else '->'} {movement.after}",
            _shift(movement, unicode),
            words.decimal(candidate.similarity),
            words.decimal(candidate.logit),
            words.decimal(candidate.score),
            _in_prompt(movement),
        )
    return table


def _shift(movement: Movement, unicode: bool) -> Text:
    up, down, level = ("▲", "▼", "=") if unicode else ("+", "-", "=")
    places = movement.before - movement.after
    if places == 0:
        return Text(level, style="quiet")
    return Text(f"{up if places > 0 else down}{abs(places)}", style="good" if places > 0 else "bad")


def _in_prompt(movement: Movement) -> Text:
    if movement.in_prompt_before and movement.in_prompt_after:
        return Text("stays")
    if movement.in_prompt_after:
        return Text("enters", style="good")
    return Text("leaves", style="bad") if movement.in_prompt_before else Text("out", style="quiet")


def cost_table(comparison: Comparison) -> RenderableType:
    """Seconds by stage and tokens, one column per arm. Shared stages ran once and count for both arms."""
    base = _arm_stages(comparison.timings, comparison.base, reranked=False)
    reranked = _arm_stages(comparison.timings, comparison.reranked, reranked=True)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="heading")
    table.add_column("")
    table.add_column("Without", justify="right")
    table.add_column("With", justify="right")
    for stage in _ordered(reranked, base):
        table.add_row(Text(stage), *(_seconds_or_none(arm, stage) for arm in (base, reranked)))
    table.add_row(
        "total", *(Text(words.seconds(sum(arm.values())), style="heading") for arm in (base, reranked))
    )
    if comparison.base is not None and comparison.reranked is not None:
        usages = [comparison.base.usage, comparison.reranked.usage]
        table.add_row("prompt tokens", *(f"{usage.prompt_tokens:,}" for usage in usages))
        table.add_row("answer tokens", *(f"{usage.completion_tokens:,}" for usage in usages))
    loading = sum(timing.seconds for timing in comparison.timings if timing.stage == ONCE)
    note = Text(f"The models loaded in {words.seconds(loading)}, once for both.", style="quiet")
    return Group(table, note) if loading else table


def _arm_stages(shared: Iterable[Timing], answer: Answer | None, *, reranked: bool) -> dict[str, float]:
    mine = [timing for timing in shared if reranked or not timing.stage.startswith(RERANKED_ONLY)]
    stages = words.summed([*mine, *(answer.timings if answer else ())])
    return {stage: spent for stage, spent in stages.items() if stage != ONCE}


def _ordered(*arms: dict[str, float]) -> list[str]:
    return list(dict.fromkeys(stage for arm in arms for stage in arm))


def _seconds_or_none(arm: dict[str, float], stage: str) -> str:
    return words.seconds(arm[stage]) if stage in arm else "–"
