"""Does `ragcli judge` keep its level although it looks after every question? `make bench-judging`.

Simulated judges go through questions with one relevant passage, which each of two orders has at one of its
first five ranks or not at all. After every question they ask the product for a verdict (`verdicts.verdict`),
and stop at the first one. Beside it the same judges with the usual interval, mean +- 1.96 standard errors,
who look from the tenth question on and stop where it leaves out 0. Seeded.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, product
from math import sqrt
from statistics import fmean

from ragcli.evaluation.questions import Question
from ragcli.judging.always_valid import Bets, Interval, questions_needed, smallest_effect
from ragcli.judging.pool_file import Plan
from ragcli.judging.pools import DEPTH, Pool, PooledPassage
from ragcli.judging.verdicts import Verdict, verdict

JUDGES = 200
EFFECT = 0.1
SPREAD = 0.3
RELEVANT = "relevant"
OTHERS = tuple(f"other {n}" for n in range(DEPTH))
RANKS = range(DEPTH + 1)  # From 0; the last is beyond the first five.

Draw = Callable[[random.Random], Pool]


@cache
def judged(before: int, after: int) -> Pool:
    """A question whose relevant passage the first arm has at rank `before`, and the second at `after`."""
    arms = {
        name: (*OTHERS[:rank], RELEVANT, *OTHERS[rank:])[:DEPTH]
        for name, rank in (("bi-encoder", before), ("reranked", after))
    }
    passages = tuple(PooledPassage(one, "", "") for one in (RELEVANT, *OTHERS))
    return Pool(Question("", "", ()), arms, passages, {RELEVANT: 1.0, **dict.fromkeys(OTHERS, 0.0)})


def difference(pool: Pool) -> float:
    assert pool.values is not None
    return pool.values["reranked"] - pool.values["bi-encoder"]


def reordered(share: float, mean: float) -> Draw:
    """A share of the questions changes, from any rank to any, and as many for the better as `mean` takes."""
    swing = fmean(abs(difference(judged(*ranks))) for ranks in product(RANKS, RANKS))
    for_the_better = mean / (share * swing)

    def draw(source: random.Random) -> Pool:
        before, after = source.choice(RANKS), source.choice(RANKS)
        if source.random() > share:
            return judged(before, before)
        better = source.random() < for_the_better
        return judged(max(before, after), min(before, after)) if better else judged(before, after)

    return draw


def skewed(source: random.Random) -> Pool:
    """Rarely from nowhere to the top, else from the third rank to the fourth; the mean is 0."""
    rise, fall = judged(DEPTH, 0), judged(2, 3)
    loss = -difference(fall)
    return rise if source.random() < loss / (1 + loss) else fall


@dataclass(frozen=True, slots=True)
class World:
    name: str
    mean: float
    draw: Draw


WORLDS = (
    World("no difference, a third changes", 0.0, reordered(0.33, 0.0)),
    World("no difference, all change", 0.0, reordered(1.0, 0.0)),
    World("no difference, skewed", 0.0, skewed),
    World("half change", 0.05, reordered(0.5, 0.05)),
    World("half change", 0.1, reordered(0.5, 0.1)),
    World("all change", 0.2, reordered(1.0, 0.2)),
)


def main() -> None:
    for questions in (40, questions_needed(EFFECT, SPREAD)):
        able = smallest_effect(questions, SPREAD)
        print(f"\n{questions} questions planned (these can show {able:.2f}), {JUDGES} judges:\n")
        print(
            "| questions | true mean | missed | a difference | stopped after | usual: missed | a difference |"
        )
        print("|---|---|---|---|---|---|---|")
        for world in WORLDS:
            print(line(world, questions), flush=True)


def line(world: World, questions: int) -> str:
    sittings = drawn(world.draw, questions, JUDGES)
    ours = [first_verdict(pools) for pools in sittings]
    usual = [usual_interval([difference(pool) for pool in pools]) for pools in sittings]
    stop = fmean(found.questions for found in ours)
    figures = (*shares(world, [found.interval for found in ours]), f"{stop:.0f}", *shares(world, usual))
    return f"| {world.name} | {world.mean:+.2f} | {' | '.join(figures)} |"


def drawn(draw: Draw, questions: int, judges: int) -> list[list[Pool]]:
    source = random.Random(7)
    return [[draw(source) for _ in range(questions)] for _ in range(judges)]


def first_verdict(pools: Sequence[Pool]) -> Verdict:
    """Of a judge who looks after every question; there is one after the last."""
    plan = Plan("", 7, EFFECT, Bets(len(pools), SPREAD))
    to_judge = replace(pools[0], decisions={})
    looks = (verdict(plan, [*pools[:number], to_judge]) for number in range(1, len(pools) + 1))
    return next(found for found in looks if found.state != "open")


def usual_interval(differences: Sequence[float]) -> Interval:
    """At the first look, from the tenth question on, at which it leaves out 0; else at the last."""
    sums = zip(accumulate(differences), accumulate(d * d for d in differences), strict=True)
    for number, (total, squares) in enumerate(sums, start=1):
        middle = total / number
        half = 1.96 * sqrt(max(0.0, squares / number - middle**2) / max(1, number - 1))
        found = Interval(middle - half, middle + half)
        if number >= 10 and found.excludes(0.0):
            break
    return found


def shares(world: World, intervals: Sequence[Interval]) -> tuple[str, str]:
    """Of the intervals that leave out the true mean, and of those that leave out 0."""
    missed, found = (fmean(one.excludes(value) for one in intervals) for value in (world.mean, 0.0))
    return f"{100 * missed:.1f} %", f"{100 * found:.1f} %"


if __name__ == "__main__":
    main()
