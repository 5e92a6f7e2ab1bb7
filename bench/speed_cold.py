"""Rows of new processes: help, search, the first token of an answer, and the memory that they hold."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from speed_place import PYTHON, QUESTION, RAGCLI, Place
from speed_rows import Row
from turns import in_turn, ratio, run

SMALLEST = [PYTHON, "-c", "import typer, rich"]
COMPLETE = "import os; os.environ['_RAGCLI_COMPLETE'] = 'complete_bash'; os.environ['COMP_WORDS'] = 'ragcli '; os.environ['COMP_CWORD'] = '1'; "


def start_rows(place: Place, rounds: int) -> Iterator[Row]:
    complete = [PYTHON, "-c", COMPLETE + f"os.execv({RAGCLI!r}, ['ragcli'])"]
    timed = in_turn({"smallest": SMALLEST, "help": [RAGCLI, "--help"], "completion": complete}, rounds)
    for name, target in (("help", 1.5), ("completion", 1.5)):
        figure = ratio(timed[name], timed["smallest"])
        yield Row(
            f"ragcli --help" if name == "help" else "shell completion",
            f"at most {target} x `import typer, rich`",
            f"{figure:.2f} x ({timed[name].seconds:.2f} s)",
            figure <= target,
        )


def search_rows(place: Place, rounds: int) -> Iterator[Row]:
    index = place.folder / "plain"
    run(place.plain("ingest", str(place.passages_file), index))
    commands = {
        "plain": place.plain("search", QUESTION, index),
        "ragcli": place.ragcli("search", QUESTION),
        "ask": place.ragcli("ask", QUESTION),
    }
    timed = in_turn(commands, rounds)
    search, ask = timed["ragcli"], timed["ask"]
    times = ratio(timed["plain"], search)
    yield Row(
        f"cold search, {len(place.passages)} chunks, 50 reranked",
        "at least 5 x the plain script",
        f"{times:.2f} x ({search.seconds:.2f} s, plain {timed['plain'].seconds:.2f} s)",
        times >= 5,
    )
    yield Row(
        "the same in seconds",
        "under 2 s on the reference machine",
        f"{search.seconds:.2f} s",
        search.seconds < 2,
    )
    later = median(a.seconds - b.seconds for a, b in zip(ask.turns, search.turns, strict=True))
    yield Row(
        "cold ask, until its end",
        "first token at most 1.5 s after search",
        f"all of it {later:+.2f} s",
        later <= 1.5 or None,
    )
    yield Row(
        "memory of search",
        "under 450 MB",
        f"{search.megabytes:.0f} MB (plain {timed['plain'].megabytes:.0f} MB)",
        search.megabytes < 450,
    )
    yield Row("memory of ask, local LLM", "under 800 MB", f"{ask.megabytes:.0f} MB", ask.megabytes < 800)
