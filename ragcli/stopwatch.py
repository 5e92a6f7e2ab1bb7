"""Seconds per stage, as `Timing` records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from ragcli.types import Timing


class Stopwatch:
    """Stages appear in the order in which they first ran; a stage that runs twice is summed."""

    def __init__(self, timings: Iterable[Timing] = ()) -> None:
        self._timings = {timing.stage: timing for timing in timings}

    @contextmanager
    def stage(self, name: str, cold: tuple[str, ...] = ()) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - start, cold)

    def add(self, name: str, seconds: float, cold: tuple[str, ...] = ()) -> None:
        before = self._timings.get(name, Timing(name, 0.0))
        names = tuple(dict.fromkeys([*before.cold, *cold]))
        self._timings[name] = Timing(name, before.seconds + seconds, names)

    @property
    def timings(self) -> tuple[Timing, ...]:
        return tuple(self._timings.values())


class ProgressClock:
    """Takes the seconds per stage from the progress that work reports, and passes the progress on.

    The time before the first report is the stage `first`; a stage ends when another one reports.
    """

    def __init__(self, watch: Stopwatch, tell: Callable[[str, int, int], None], *, first: str) -> None:
        self._watch = watch
        self._tell = tell
        self._stage = first
        self._since = time.perf_counter()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self.stop()
            self._stage = stage
        self._tell(stage, done, total)

    def stop(self) -> None:
        """Ends the running stage."""
        now = time.perf_counter()
        self._watch.add(self._stage, now - self._since)
        self._since = now
