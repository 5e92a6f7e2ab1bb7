"""Several judges of the same pools: how far they agree, and their judgements as one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean

from ragcli.errors import UsageError
from ragcli.evaluation.provenance import PEOPLE, PERSON
from ragcli.judging.pool_file import Plan
from ragcli.judging.pools import Pool

Session = tuple[Plan, Sequence[Pool]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of two judges on the `passages` that both judged. `kappa` is None where chance alone would make them
    agree on all (both used one grade only), or there is no such passage.
    """

    judges: tuple[str, str]
    passages: int
    equal: int
    kappa: float | None


def cohen_kappa(one: Sequence[float], other: Sequence[float]) -> float | None:
    """(observed - expected agreement) / (1 - expected), unweighted: Cohen (1960). None where that is 0/0."""
    if not one:
        return None
    observed = sum(a == b for a, b in zip(one, other, strict=True)) / len(one)
    firsts, seconds = Counter(one), Counter(other)
    expected = sum(firsts[grade] * seconds[grade] for grade in firsts) / len(one) ** 2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def agreements(names: Sequence[str], sessions: Sequence[Session]) -> tuple[Agreement, ...]:
    """Of each two judges."""
    grades = [
        {(pool.question.id, passage): gain for pool in pools for passage, gain in pool.judged.items()}
        for _, pools in sessions
    ]
    found = []
    for one, other in combinations(range(len(sessions)), 2):
        both = [key for key in grades[one] if key in grades[other]]
        pairs = [grades[one][key] for key in both], [grades[other][key] for key in both]
        equal = sum(a == b for a, b in zip(*pairs, strict=True))
        found.append(Agreement((names[one], names[other]), len(both), equal, cohen_kappa(*pairs)))
    return tuple(found)


def merged(sessions: Sequence[Session]) -> tuple[Plan, list[Pool]]:
    """Each passage gets the mean of its judges' gains. What one of them judged counts; raises UsageError
    where they did not judge the same pools.
    """
    plan, first = sessions[0]
    others = [{pool.question.id: pool for pool in pools} for _, pools in sessions]
    if any(_pooled(pools) != _pooled(first) for _, pools in sessions):
        raise UsageError(
            "These judges did not judge the same passages.",
            hint="Each begins with the same questions, index, settings and --seed.",
        )
    pools = [_mean(pool, [other[pool.question.id] for other in others]) for pool in first]
    return replace(plan, judge=_names([one.judge for one, _ in sessions])), pools


def _pooled(pools: Sequence[Pool]) -> dict[str, object]:
    return {pool.question.id: (pool.question.text, dict(pool.arms)) for pool in pools}


def _mean(pool: Pool, judged: Sequence[Pool]) -> Pool:
    decisions: dict[str, float | None] = {}
    for passage in pool.passages:
        said = [one.decisions[passage.id] for one in judged if passage.id in one.decisions]
        gains = [gain for gain in said if gain is not None]
        if said:
            decisions[passage.id] = fmean(gains) if gains else None
    return replace(pool, decisions=decisions, seconds=sum(one.seconds for one in judged))


def _names(judges: Sequence[str]) -> str:
    """ "2 people and Qwen2.5"."""
    counted = Counter(judges)
    many = {PERSON: PEOPLE}
    return " and ".join(name if n == 1 else f"{n} {many.get(name, name)}" for name, n in counted.items())
