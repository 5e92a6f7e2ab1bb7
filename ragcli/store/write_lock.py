"""One writer per collection: a lock that its holder may take again (see `folder.lock` and `server.lease`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

Held: TypeAlias = AbstractContextManager[Callable[[], None]]
"""Holds a lock while it is entered, and gives a function that raises StoreError if the lock was lost."""


class WriteLock(AbstractContextManager["WriteLock"]):
    """May be entered again by its holder (`depth` times by now). Raises StoreError at once if it is taken."""

    def __init__(self, hold: Callable[[], Held]) -> None:
        self.depth = 0
        self._hold = hold
        self._held: Held | None = None
        self._confirm = still_held

    def confirm(self) -> None:
        """Raises StoreError if the lock was lost: on a server it ends if its holder was unreachable."""
        self._confirm()

    def __enter__(self) -> WriteLock:
        if self.depth == 0:
            self._held = self._hold()
            self._confirm = self._held.__enter__()
        self.depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.depth -= 1
        if self.depth == 0 and self._held is not None:
            self._held.__exit__(None, None, None)
            self._held, self._confirm = None, still_held


def still_held() -> None:
    """The confirmation of a lock that cannot be lost."""
