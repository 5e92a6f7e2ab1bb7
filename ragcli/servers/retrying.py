"""Requests that may succeed later are made again: when the server says so, else after longer and longer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ragcli.errors import ServerError

Result = TypeVar("Result")


class Stopped(Exception):
    """The work was interrupted while it waited or was being done."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before the first retry, doubled for each further one, up to `longest`.

    A server's Retry-After is obeyed, but for no longer than `patience`.
    """

    first: float = 1.0
    longest: float = 30.0
    retries: int = 5
    patience: float = 120.0

    def seconds(self, attempt: int, error: ServerError) -> float:
        """`attempt` counts from 0."""
        if error.retry_after is not None:
            return min(error.retry_after, self.patience)
        return min(self.first * 2.0**attempt, self.longest)


def with_retries(work: Callable[[], Result], backoff: Backoff, stop: threading.Event) -> Result:
    """Raises the last ServerError when the retries are used up, at once if trying again cannot help, and
    Stopped as soon as `stop` is set.
    """
    attempt = 0
    while True:
        if stop.is_set():
            raise Stopped
        try:
            return work()
        except ServerError as error:
            if not error.transient or attempt >= backoff.retries:
                raise
            if stop.wait(backoff.seconds(attempt, error)):
                raise Stopped from error
            attempt += 1
