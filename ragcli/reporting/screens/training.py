"""The screens of `ragcli train`: progress with loss and speed, then what the model gained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.manage import print_table, table
from ragcli.reporting.screens.terminal import PlainConsole
from ragcli.training.calibration import expected_calibration_error

if TYPE_CHECKING:
    from ragcli.evaluation.paired_tests import Difference
    from ragcli.training.run import TrainingReport
    from ragcli.training.trainer import TrainingProgress


# The first step that tells how long the run will take.
EARLY = 20


class TrainingBar:
    """One bar on a terminal; otherwise a line now and then, since a run takes minutes to hours."""

    def __init__(self, console: PlainConsole, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._bars = Progress(
            TextColumn("training", style="heading"),
            BarColumn(bar_width=console.bar_width),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", style="quiet", markup=False),
            console=console,
            transient=True,
            disable=quiet or not console.animated,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def say(self, line: str) -> None:
        if not self._quiet:
            self._console.print(Text(words.one_line(line)), soft_wrap=True)

    def step(self, now: TrainingProgress) -> None:
        left = words.seconds(now.seconds_left)
        note = f"loss {now.loss:.3f}   {now.pairs_per_second:.0f} pairs/s   {left} left"
        if self._bars.disable:
            if now.step % 100 == 0 or now.step in (EARLY, now.steps):
                self.say(f"step {now.step}/{now.steps}   {note}")
            return
        if self._task is None:
            self._task = self._bars.add_task("training", total=now.steps, note=note)
        self._bars.update(self._task, completed=now.step, note=note)


def progress(console: PlainConsole, *, quiet: bool) -> TrainingBar:
    return TrainingBar(console, quiet=quiet)


def print_report(console: Console, report: TrainingReport) -> None:
    """nDCG@10 on the held-out questions, the difference with its interval, and where the model is."""
    rows = table("Held out", "Questions", "Bi-encoder", "Cross-encoder", "With prior", right=_FIGURES)
    for row in report.gain.sets:
        rows.add_row(
            Text(words.one_line(row.name)),
            str(row.questions),
            f"{row.base:.3f}",
            f"{row.cross_encoder:.3f}",
            f"{row.with_prior:.3f}",
        )
    print_table(console, rows)
    console.print()
    console.print(_difference("cross-encoder alone", report.gain.pure))
    console.print(_difference(f"with prior {report.gain.chosen.weight:g}", report.gain.prior))
    if report.gain.over_start is not None:
        console.print(_difference("against the model it started from", report.gain.over_start))
    error = expected_calibration_error(report.reliability)
    console.print(Text(f"calibration error of its probability: {error:.3f}", style="quiet"))
    if report.folder is not None:
        console.print(
            Text(f"\nWritten to {report.folder}. Use it with reranking.model = {str(report.folder)!r}.")
        )


_FIGURES = ("Questions", "Bi-encoder", "Cross-encoder", "With prior")


def _difference(name: str, difference: Difference) -> Text:
    counts = f"{difference.won} won, {difference.lost} lost, {difference.tied} tied"
    return Text(
        f"nDCG@10, {name}: {difference.mean:+.3f}"
        f" (95 % interval {difference.low:+.3f} to {difference.high:+.3f}; {counts})"
    )
