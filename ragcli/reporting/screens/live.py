"""Work that takes a while: answers while they are written, spinners, bars.

On a terminal an answer grows in place; in a pipe nothing is shown until it is complete. The growing answer is
removed at the end, because the final one differs: citations are known only then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self

from rich.console import RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.status import Status
from rich.text import Text

from ragcli.llm.reasoning import RESTART
from ragcli.reporting import plain_text as words
from ragcli.reporting.screens.comparison import TITLES, Arms
from ragcli.reporting.screens.terminal import READING_WIDTH, PlainConsole

FRAMES_PER_SECOND = 12
WHOLE = "all"


@contextmanager
def spinner(console: PlainConsole, waiting: str, *, quiet: bool) -> Iterator[None]:
    """Turns while the block runs, on a terminal only."""
    if quiet or not console.animated:
        yield
        return
    with Status(Text(waiting, style="quiet"), console=console):
        yield


class Stream:
    """Collects the parts of one answer, or of two arms', and shows them growing if `console` is a terminal.

    `hidden`: collect only. `body` draws the text so far of a single answer. A spinner on `status` runs until
    the first part arrives.
    """

    def __init__(
        self,
        console: PlainConsole,
        status: PlainConsole,
        *,
        waiting: str,
        quiet: bool,
        hidden: bool = False,
        body: Callable[[str], RenderableType] = Text,
    ) -> None:
        self._console = console
        self._status = status
        self._body = body
        self._shows = console.animated and not hidden
        self._parts: dict[str, list[str]] = {}
        wants_spinner = status.animated and not quiet
        self._spinner = Status(Text(waiting, style="quiet"), console=status) if wants_spinner else None
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._spinner:
            self._spinner.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_spinner()
        if self._live:
            self._live.stop()

    def on_text(self, text: str) -> None:
        """One part of the single answer."""
        self.on_arm_text("", text)

    def on_arm_text(self, arm: str, text: str) -> None:
        """One part of the answer of `arm` ("base" or "reranked"); see `llm.Generation`."""
        if not text:
            return
        if text.startswith(RESTART):
            self._parts[arm] = []
        self._parts.setdefault(arm, []).append(text)
        if not self._shows:
            return
        self._stop_spinner()
        if self._live is None:
            self._live = Live(console=self._console, refresh_per_second=FRAMES_PER_SECOND, transient=True)
            self._live.start()
        self._live.update(self._picture())

    def partial(self, arm: str = "") -> str:
        """The text so far."""
        return words.clean("".join(self._parts.get(arm, ()))).strip()

    def print_partials(self) -> None:
        """On `status`, marked as partial: a broken answer must not look like a complete one.

        Of two arms, the first one was complete, but the comparison was not.
        """
        for number, arm in enumerate(self._parts, start=1):
            if self.partial(arm):
                name = f" ({TITLES[arm].lower()})" if arm else ""
                broken = f"partial answer{name}, not finished:"
                whole = f"answer{name} of a comparison that did not finish:"
                line = broken if number == len(self._parts) else whole
                self._status.print(Text(line, style="warning"))
                self._status.print(Text(self.partial(arm)), soft_wrap=True)

    def _picture(self) -> RenderableType:
        if "" in self._parts:
            margin = max(0, self._console.width - READING_WIDTH)
            return Padding(self._body(self.partial()), (0, margin, 0, 0))
        return Arms(Text(self.partial("base")), Text(self.partial("reranked")))

    def _stop_spinner(self) -> None:
        if self._spinner:
            self._spinner.stop()
            self._spinner = None


class Step(Protocol):
    """The progress that ingest reports: `ingestion.Progress`."""

    @property
    def stage(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def source(self) -> str: ...
    @property
    def share(self) -> float: ...


class IngestProgress:
    """One bar for the whole and one per stage, only on a terminal; removed when the block ends, as the table
    says everything.
    """

    def __init__(self, console: PlainConsole, *, quiet: bool) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", style="heading", markup=False),
            BarColumn(bar_width=console.bar_width),
            TextColumn("{task.fields[amount]:>13}", style="progress.download", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[source]}", style="quiet", markup=False),
            console=console,
            transient=True,
            disable=quiet or not console.animated,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def update(self, step: Step) -> None:
        if self._bars.disable:
            return
        self._show(WHOLE, step.share, 1.0, f"{step.share:.0%}", "")
        # The name gets the rest of the line after the columns before it.
        room = max(10, self._console.width - self._console.bar_width - 38)
        source = words.one_line(step.source)
        shown = source if len(source) <= room else "…" + source[-(room - 1) :]
        amount = f"{step.done:,}/{step.total:,}"
        self._show(words.one_line(step.stage), step.done, step.total or None, amount, shown)

    def _show(self, name: str, done: float, total: float | None, amount: str, source: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, amount="", source="")
        self._bars.update(self._tasks[name], completed=done, total=total, amount=amount, source=source)
