"""Rows of new processes: help, search, the first token of an answer, and the memory that they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from speed_place import PYTHON, QUESTION, RAGCLI, Place
from speed_rows import Row
from turns import Timed, in_turn, ratio, run

SMALLEST = [PYTHON, "-c", "import typer, rich"]
# What bash asks when the tab key is pressed after "ragcli ".
TAB = {"_RAGCLI_COMPLETE": "complete_bash", "COMP_WORDS": "ragcli ", "COMP_CWORD": "1"}
# `ragcli` with the whole of chromadb in place of its compiled core (see ragcli/store/folder/chroma_core.py).
WHOLE_CHROMA = (
    "from ragcli.store.folder import chunks; chunks.open_reader = lambda *_: None; "
    "from ragcli.cli.main import main; main()"
)
# Stages that come after the first token: they are not waited for.
AFTER_FIRST_TOKEN = ("answer",)


def start_rows(place: Place, rounds: int) -> Iterator[Row]:
    complete = ["env", *(f"{key}={value}" for key, value in TAB.items()), RAGCLI]
    timed = in_turn({"smallest": SMALLEST, "help": [RAGCLI, "--help"], "completion": complete}, rounds)
    for name, title in (("help", "ragcli --help"), ("completion", "shell completion")):
        figure = ratio(timed[name], timed["smallest"])
        yield Row(
            title,
            "at most 1.5 x `import typer, rich`",
            f"{figure:.2f} x ({timed[name].seconds:.2f} s)",
            figure <= 1.5,
        )


def search_rows(place: Place, rounds: int) -> Iterator[Row]:
    index = place.folder / "plain"
    run(place.plain("ingest", str(place.passages_file), index))
    commands = {
        "plain": place.plain("search", QUESTION, index),
        "ragcli": place.ragcli("search", QUESTION),
        "ask": place.ragcli("ask", QUESTION, "--json"),
        "whole chroma": [PYTHON, "-c", WHOLE_CHROMA, *place.ragcli("search", QUESTION)[1:]],
    }
    timed = in_turn(commands, rounds)
    plain, search = timed["plain"], timed["ragcli"]
    times = ratio(plain, search)
    yield Row(
        f"cold search, {len(place.passages)} chunks, 50 reranked",
        "at least 5 x the plain script",
        f"{times:.2f} x ({search.seconds:.2f} s, plain {plain.seconds:.2f} s)",
        times >= 5,
    )
    yield Row("cold search, in seconds", "under 2 s", f"{search.seconds:.2f} s", search.seconds < 2)
    figure = ratio(timed["whole chroma"], search)
    yield Row("the same with the whole of chromadb", "slower", f"{figure:.2f} x", figure > 1)
    yield _best_five_row(place, index)
    yield from _ask_rows(timed["ask"], search)
    yield Row(
        "memory of search",
        "under 450 MB",
        f"{search.megabytes:.0f} MB (plain {plain.megabytes:.0f} MB)",
        search.megabytes < 450,
    )


def _best_five_row(place: Place, index: Path) -> Row:
    """Quality as well as speed: the passages on top are the plain script's, which knows no prior."""
    lines = run(place.plain("search", QUESTION, index)).printed.splitlines()
    theirs = [place.passages[int(line.split()[0])] for line in lines]
    command = ["env", "RAGCLI_RERANKING_PRIOR_WEIGHT=0", *place.ragcli("search", QUESTION, "--json")]
    found = json.loads(run(command).printed)["candidates"]
    ours = [candidate["text"] for candidate in sorted(found, key=lambda each: each["rank"])[: len(theirs)]]
    shared = sum(any(passage.endswith(text) for text in ours) for passage in theirs)
    return Row(
        "its five best (quality)", "the plain script's", f"{shared} of {len(theirs)}", shared == len(theirs)
    )


def first_tokens(ask: Timed) -> list[float]:
    """Seconds to the first token: the whole command less what it did afterwards, its end included."""
    firsts = []
    for turn in ask.turns:
        timings = json.loads(turn.printed)["timings"]
        after = sum(timings.get(stage, 0.0) for stage in AFTER_FIRST_TOKEN)
        firsts.append(turn.seconds - after)
    return firsts


def _ask_rows(ask: Timed, search: Timed) -> Iterator[Row]:
    firsts = first_tokens(ask)
    later = median(first - turn.seconds for first, turn in zip(firsts, search.turns, strict=True))
    yield Row(
        "cold ask, first token",
        "at most 1.5 s after search's end",
        f"{later:+.2f} s ({median(firsts):.2f} s; the whole answer {ask.seconds:.2f} s)",
        later <= 1.5,
    )
    yield Row("memory of ask, local LLM", "under 800 MB", f"{ask.megabytes:.0f} MB", ask.megabytes < 800)
