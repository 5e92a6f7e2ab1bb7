"""Seconds per stage, as `Timing` records."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ragcli.types import Timing


class Stopwatch:
    """Stages appear in the order in which they first ran; a stage that runs twice is summed."""

    def __init__(self, timings: Iterable[Timing] = ()) -> None:
        self._seconds = {timing.stage: timing.seconds for timing in timings}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - start)

    def add(self, name: str, seconds: float) -> None:
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds

    @property
    def timings(self) -> tuple[Timing, ...]:
        return tuple(Timing(stage, seconds) for stage, seconds in self._seconds.items())
