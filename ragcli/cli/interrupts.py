"""What Ctrl-C does while a program goes on."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def one_interrupt() -> Iterator[None]:
    """Ctrl-C interrupts the block once; a second one must not hit what tidies up after the first."""

    def first(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, _ignore)
        raise KeyboardInterrupt

    with _handler(first):
        yield


@contextmanager
def no_interrupt() -> Iterator[None]:
    """Ctrl-C is the business of another program that runs in the block."""
    with _handler(_ignore):
        yield


@contextmanager
def _handler(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _ignore(_signal: int, _frame: FrameType | None) -> None:
    """Unlike SIG_IGN, this is not handed on to a program that is started."""
