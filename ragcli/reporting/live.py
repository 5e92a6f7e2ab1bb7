"""Answers while they are written. On a terminal they grow in place; in a pipe nothing shows until they are whole.

The last picture replaces the growing one, because citations are known only at the end.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.status import Status
from rich.text import Text

from ragcli.reporting import text as words
from ragcli.reporting.comparison import Arms
from ragcli.reporting.terminal import READING_WIDTH, PlainConsole

FRAMES_PER_SECOND = 12


class Stream:
    """Collects the parts of one or two answers (`arms`), and shows them growing if `console` is a terminal.

    A spinner on `status` runs until the first part arrives. After `with`, `finished` tells whether the last
    picture was already left on the screen by `finish`.
    """

    def __init__(self, console: PlainConsole, status: PlainConsole, *, waiting: str, quiet: bool) -> None:
        self._console = console
        self._parts: dict[str, list[str]] = {}
        self._spinner = Status(waiting, console=status) if status.animated and not quiet else None
        self._live = Live(console=console, refresh_per_second=FRAMES_PER_SECOND, transient=True)
        self._started = False

    def __enter__(self) -> Self:
        if self._spinner:
            self._spinner.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_spinner()
        if self._started:
            self._live.stop()

    def on_text(self, text: str) -> None:
        """One part of the only answer."""
        self.on_arm_text("", text)

    def on_arm_text(self, arm: str, text: str) -> None:
        """One part of the answer of `arm` ("base" or "reranked")."""
        self._parts.setdefault(arm, []).append(text)
        if not self._console.animated:
            return
        self._stop_spinner()
        if not self._started:
            self._live.start()
            self._started = True
        self._live.update(self._picture())

    def partial(self, arm: str = "") -> str:
        """What has arrived so far."""
        return words.clean("".join(self._parts.get(arm, ()))).strip()

    @property
    def partials(self) -> dict[str, str]:
        return {arm: text for arm in self._parts if (text := self.partial(arm))}

    def _picture(self) -> RenderableType:
        if "" in self._parts:
            narrow = max(0, self._console.width - READING_WIDTH)
            return Padding(Text(self.partial()), (0, narrow, 0, 0))
        return Arms(Text(self.partial("base")), Text(self.partial("reranked")))

    def _stop_spinner(self) -> None:
        if self._spinner:
            self._spinner.stop()
            self._spinner = None
