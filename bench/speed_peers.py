"""Rows of the peers: LlamaIndex and Haystack as they document it, in environments of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from speed_place import QUESTION, Place
from speed_rows import Row
from turns import in_turn, ratio, run

HERE = Path(__file__).parent
PEERS = {"llamaindex": "LlamaIndex", "haystack": "Haystack"}


def peer_rows(place: Place, rounds: int) -> Iterator[Row]:
    """Cold searches in turn; ingests once each, as they take minutes."""
    index = {name: place.folder / f"index-{name}" for name in ("plain", *PEERS)}
    passages = str(place.passages_file)
    ours = run(place.ragcli("ingest", str(place.documents), "--collection", "peers"))
    searches = {
        "ragcli": place.ragcli("search", QUESTION),
        "plain": place.plain("search", QUESTION, index["plain"]),
    }
    ingests = {"plain": run(place.plain("ingest", passages, index["plain"]))}
    for name in PEERS:
        command = [python(name), str(HERE / "peers" / f"{name}.py")]
        ingests[name] = run(place.plain("ingest", passages, index[name], command))
        searches[name] = place.plain("search", QUESTION, index[name], command)
    timed = in_turn(searches, rounds)
    for name, title in {"plain": "the plain script", **PEERS}.items():
        cold, warm = ratio(timed[name], timed["ragcli"]), ingests[name].seconds / ours.seconds
        shared = len(best(timed[name].turns[0].printed) & best(timed["plain"].turns[0].printed))
        yield Row(
            f"cold search: {title}",
            "slower than ragcli",
            f"{cold:.2f} x ragcli's time ({median(turn.seconds for turn in timed[name].turns):.2f} s,"
            f" {timed[name].megabytes:.0f} MB; {shared} of 5 the plain script's)",
            cold > 1,
        )
        yield Row(
            f"ingest: {title}",
            "slower than ragcli",
            f"{warm:.2f} x ragcli's time ({ingests[name].seconds:.1f} s, ragcli {ours.seconds:.1f} s)",
            warm > 1,
        )


def best(printed: str) -> set[str]:
    """The numbers of the passages that were printed."""
    return {line.split()[0] for line in printed.splitlines() if line.strip()}


def python(name: str) -> str:
    found = HERE / ".cache" / "peers" / name / "bin" / "python"
    if not found.exists():
        sys.exit(f"{found} is missing: make bench-peers")
    return str(found)
