"""Rows of commands that a `ragcli serve` answers, against the same commands without one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from speed_cold import first_tokens
from speed_place import QUESTION, Place
from speed_rows import Row
from turns import in_turn, ratio


def warm_rows(place: Place, rounds: int) -> Iterator[Row]:
    search, ask = place.ragcli("search", QUESTION), place.ragcli("ask", QUESTION, "--json")
    commands = {
        "cold search": [*search, "--no-serve"],
        "warm search": search,
        "cold ask": [*ask, "--no-serve"],
        "warm ask": ask,
    }
    assert place.passages
    with _served(place):
        timed = in_turn(commands, rounds)
    cold, warm = timed["cold search"], timed["warm search"]
    times = ratio(cold, warm)
    yield Row(
        "search with a warm server",
        "at least 2.2 x as fast as cold",
        f"{times:.2f} x ({warm.seconds:.2f} s, cold {cold.seconds:.2f} s)",
        times >= 2.2,
    )
    yield Row(
        "search with a warm server, in seconds", "under 1.1 s", f"{warm.seconds:.2f} s", warm.seconds < 1.1
    )
    first, before = (median(first_tokens(timed[name])) for name in ("warm ask", "cold ask"))
    yield Row("ask with a warm server, first token", "within 1.6 s", f"{first:.2f} s", first <= 1.6)
    yield Row("cold ask, first token, in seconds", "under 4.5 s", f"{before:.2f} s", before < 4.5)
    held = f"{warm.megabytes:.0f} MB (cold {cold.megabytes:.0f} MB)"
    yield Row("memory of search with a warm server", "less than cold", held, warm.megabytes < cold.megabytes)


@contextmanager
def _served(place: Place) -> Iterator[None]:
    """A server of this place's settings; its models load with the first, untimed turn."""
    command = place.ragcli("serve", "--port", "0")
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        # It says where it listens as soon as it does.
        server.stderr.readline()
        yield
    finally:
        server.terminate()
        server.wait()
