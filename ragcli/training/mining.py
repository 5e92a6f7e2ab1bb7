"""Hard negatives: for each question, passages that the bi-encoder ranks high and are not the gold one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragcli.training.pairs import Pair
from ragcli.training.recipe import NegativesRecipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Embed = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its gold passage first and its negatives after it.

    `similarities` are the bi-encoder's cosines, in the order of `passages`; `taught` are those that the soft
    label is made of: the same, or a teacher's. `titles` may be empty strings.
    """

    question: str
    passages: tuple[str, ...]
    titles: tuple[str, ...]
    similarities: tuple[float, ...]
    taught: tuple[float, ...]
    soft_weight: float


def mine(
    pairs: Sequence[Pair],
    pool: Sequence[Pair],
    embed: Embed,
    negatives: NegativesRecipe,
    soft_weight: float,
    seed: int,
    *,
    own_group: bool = True,
) -> tuple[Example, ...]:
    """One example for each of `pairs`; its negatives come from the passages of `pool`, those of the gold
    passage's own group included or not. Passages that were judged irrelevant are negatives however near they
    are, and come before the nearest ones.

    A question whose pool leaves fewer than `negatives.count` passages is left out.
    """
    import numpy as np

    passages = list(dict.fromkeys((pair.passage, pair.title) for pair in pool))
    number = {passage: n for n, (passage, _) in reversed(list(enumerate(passages)))}
    groups: dict[str, set[int]] = {}
    golds: dict[str, set[int]] = {}
    for pair in pool:
        golds.setdefault(pair.question, set()).add(number[pair.passage])
        groups.setdefault(pair.group, set()).add(number[pair.passage])
    vectors = embed([text for text, _ in passages])
    questions = embed([pair.question for pair in pairs])
    examples: list[Example] = []
    draw = random.Random(seed)
    for start in range(0, len(pairs), 512):
        block = questions[start : start + 512] @ vectors.T
        for row, pair in zip(block, pairs[start : start + 512], strict=True):
            gold = number[pair.passage]
            depth = min(negatives.depth + 1, len(passages))
            nearest = np.argpartition(-row, depth - 1)[:depth]
            nearest = nearest[np.argsort(-row[nearest], kind="stable")]
            limit = row[gold] + negatives.margin
            never = golds[pair.question] if own_group else golds[pair.question] | groups[pair.group]
            sure = [n for n in dict.fromkeys(map(number.__getitem__, pair.irrelevant)) if n not in never]
            known = never.union(sure)
            likely = [int(n) for n in nearest if n not in known and row[n] <= limit]
            candidates = [n for n in (*sure, *likely) if not _alike(passages[n][0], pair.passage)]
            chosen = _draw(candidates, len(sure) or negatives.hard, negatives.count, draw)
            if len(chosen) < negatives.count:
                continue
            order = [gold, *chosen]
            similarities = tuple(float(row[n]) for n in order)
            examples.append(
                Example(
                    pair.question,
                    tuple(passages[n][0] for n in order),
                    tuple(passages[n][1] for n in order),
                    similarities,
                    similarities,
                    soft_weight,
                )
            )
    return tuple(examples)


def _draw(candidates: Sequence[int], first: int, count: int, draw: random.Random) -> list[int]:
    """Half of the negatives from the `first` candidates, the others from the rest."""
    hard, rest = list(candidates[:first]), list(candidates[first:])
    wanted_hard = max((count + 1) // 2, count - len(rest))
    chosen = draw.sample(hard, min(wanted_hard, len(hard)))
    return chosen + draw.sample(rest, min(count - len(chosen), len(rest)))


def _alike(one: str, other: str) -> bool:
    """True for windows of one text: the same beginning, or one within the other."""
    return one[:60] == other[:60] or one in other or other in one
