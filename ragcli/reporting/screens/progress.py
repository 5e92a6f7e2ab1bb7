"""Progress of work with several stages: a bar with the remaining time on a terminal, otherwise nothing."""

from __future__ import annotations

from typing import Self

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from ragcli.reporting.screens.terminal import PlainConsole

SPEED_SECONDS = 900.0
"""The speed is that of as many seconds: one step may take a minute."""


class StagesBar:
    """One line per stage; call it with the stage's name, what is done, and the total."""

    def __init__(self, console: PlainConsole, *, quiet: bool) -> None:
        self._bars = _bars(console, quiet, MofNCompleteColumn())
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            # What was there before this run says nothing about its speed.
            self._tasks[stage] = self._bars.add_task(f"{stage:<11}", total=total, completed=done)
        self._bars.update(self._tasks[stage], completed=done, total=total)


class BytesBar:
    """One line for the current download; call it with the bytes so far and the total."""

    def __init__(self, console: PlainConsole, *, quiet: bool) -> None:
        self._bars = _bars(console, quiet, DownloadColumn(), TransferSpeedColumn())
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def __call__(self, done: int, total: int | None) -> None:
        if self._task is None:
            self._task = self._bars.add_task("fetching", total=total)
        self._bars.update(self._task, completed=done, total=total)


def _bars(console: PlainConsole, quiet: bool, *figures: ProgressColumn) -> Progress:
    return Progress(
        TextColumn("{task.description}", style="heading", markup=False),
        BarColumn(bar_width=console.bar_width),
        *figures,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.animated,
        speed_estimate_period=SPEED_SECONDS,
    )
