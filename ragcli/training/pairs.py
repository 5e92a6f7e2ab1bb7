"""Training files: (question, positive passage) pairs, and which of them are never trained on."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ragcli.errors import TrainingError
from ragcli.training.recipe import TrainingSet


@dataclass(frozen=True, slots=True)
class Pair:
    """`group` ties the pairs of one document: a group is trained on, or held out, as a whole. `irrelevant`
    are passages that somebody judged not to answer the question.
    """

    question: str
    passage: str
    title: str
    group: str
    irrelevant: tuple[str, ...] = ()


def titled(passage: str, title: str) -> str:
    """The passage as ragcli's own chunks read: title first."""
    return f"{title}: {passage}" if title else passage


def read_pairs(path: Path, wanted: TrainingSet) -> tuple[Pair, ...]:
    """The pairs of a .jsonl or .jsonl.gz file of {"q", "pos", "title", "group"} lines, in order."""
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines if line.strip()]
    except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
        raise TrainingError(f"the training file {path} cannot be read: {error}") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("q", "pos")):
            raise TrainingError(
                f"the training file {path}, record {number}: no texts 'q' and 'pos'",
                hint='A record is {"q": question, "pos": passage, "title": ..., "group": ...}.',
            )
    pairs = [
        Pair(row["q"], row["pos"], row.get("title") or "", str(row.get("group") or number))
        for number, row in enumerate(rows)
        if str(row.get("group") or "").startswith(wanted.only_groups)
        and not (wanted.leave_out_groups and str(row.get("group") or "").startswith(wanted.leave_out_groups))
    ]
    return tuple(pairs)


def draw_pairs(pairs: Sequence[Pair], limit: int, seed: int) -> tuple[Pair, ...]:
    """At most `limit` of them, in order; 0 keeps all."""
    if not limit or len(pairs) <= limit:
        return tuple(pairs)
    keep = set(random.Random(seed).sample(range(len(pairs)), limit))
    return tuple(pair for number, pair in enumerate(pairs) if number in keep)


def hold_out(
    pairs: Sequence[Pair], questions: int, share: float, seed: int
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """(to train on, held out): whole groups are held out, up to `questions` or `share` of the set."""
    groups = sorted({pair.group for pair in pairs})
    random.Random(seed).shuffle(groups)
    wanted = min(questions, int(len(pairs) * share))
    sizes: dict[str, int] = {}
    for pair in pairs:
        sizes[pair.group] = sizes.get(pair.group, 0) + 1
    held: set[str] = set()
    taken = 0
    for group in groups:
        if taken >= wanted or len(held) + 1 >= len(groups):
            break
        held.add(group)
        taken += sizes[group]
    train = tuple(pair for pair in pairs if pair.group not in held)
    return train, tuple(pair for pair in pairs if pair.group in held)
