"""Commands timed in turn: a busy moment of the machine meets all of them alike."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import IO


@dataclass(frozen=True)
class Turn:
    """One run: its seconds, the most memory it held, in MB, and what it printed."""

    seconds: float
    megabytes: float
    printed: str = ""


@dataclass(frozen=True)
class Timed:
    """All runs of one command, in the order of the rounds."""

    turns: tuple[Turn, ...]

    @property
    def seconds(self) -> float:
        return median(turn.seconds for turn in self.turns)

    @property
    def megabytes(self) -> float:
        return max(turn.megabytes for turn in self.turns)


def in_turn(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Timed]:
    """Every command once to warm the file cache, then `rounds` times in turn. A failure ends it all."""
    for command in commands.values():
        run(command)
    turns: dict[str, list[Turn]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            turns[name].append(run(command))
    return {name: Timed(tuple(found)) for name, found in turns.items()}


# The system counts what a process held before it became another program: a large one, this benchmark with its
# models, must not start the command itself.
START = """
import json, os, sys, time
start = time.perf_counter()
_, status, usage = os.wait4(os.spawnvp(os.P_NOWAIT, sys.argv[2], sys.argv[2:]), 0)
with open(sys.argv[1], "w") as file:
    json.dump([time.perf_counter() - start, os.waitstatus_to_exitcode(status), usage.ru_maxrss], file)
"""


def run(command: Sequence[str]) -> Turn:
    # Files, not pipes: nobody has to read while the command runs.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, _measures() as measures:
        starter = [sys.executable, "-I", "-S", "-c", START, measures.name]
        subprocess.run([*starter, *command], stdout=out, stderr=err, check=True)
        seconds, code, held = json.load(measures)
        printed, said = (_text(file) for file in (out, err))
    if code != 0:
        sys.exit(f"{' '.join(command)} failed:\n{said}")
    # Kilobytes on Linux, bytes on macOS.
    return Turn(seconds, held / (1024 if sys.platform == "linux" else 1024**2), printed)


def _measures() -> IO[str]:
    return tempfile.NamedTemporaryFile("r", suffix=".json")


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def works_in_turn(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """The same for functions of this process: the seconds of each, by name, round by round."""
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(slow: Timed, fast: Timed) -> float:
    """How many times as fast: the median over the rounds, each measured against its neighbour."""
    return median(a.seconds / b.seconds for a, b in zip(slow.turns, fast.turns, strict=True))
