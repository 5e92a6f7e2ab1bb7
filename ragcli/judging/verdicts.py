"""What the judgements say of the arms, and whether it may be said yet. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from ragcli.judging.always_valid import Interval, interval, questions_needed
from ragcli.judging.pool_file import Plan
from ragcli.judging.pools import Pool

State = Literal["open", "better", "worse", "no difference that matters", "not settled"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of nDCG@5 among the pooled passages, over the `questions` that have a relevant one.

    `state` is "open" before there is a verdict: then `means` and `interval` are not for showing. `difference`
    is of the second arm and the first, `interval` always valid. `without` counts the questions whose pool
    holds nothing relevant, `skipped` the passages that were passed over (they count as not relevant).
    `more` is how many further questions would show a difference that matters, at the spread that was seen.
    `alike` is the number of judged passages if all got the same judgement, otherwise 0.
    """

    state: State
    arms: tuple[str, str]
    means: Mapping[str, float]
    difference: float
    interval: Interval
    questions: int
    without: int
    skipped: int
    more: int
    alike: int


def verdict(plan: Plan, pools: Sequence[Pool]) -> Verdict:
    """There is one as soon as the interval settles the matter (it leaves out 0, or holds no difference that
    matters), and otherwise after the planned number of questions, or the last one.
    """
    base, other = list(pools[0].arms)[:2]
    rows = [values for pool in pools if (values := pool.values) is not None]
    differences = [row[other] - row[base] for row in rows]
    found = interval(differences, plan.bets)
    state = _settled(found, plan.effect)
    done = [pool for pool in pools if pool.is_done]
    gains = [gain for pool in done for gain in pool.judged.values()]
    if state == "open" and (len(rows) >= plan.bets.questions or len(done) == len(pools)):
        state = "not settled"
    spread = (sum(d * d for d in differences) / len(differences)) ** 0.5 if differences else plan.bets.spread
    return Verdict(
        state=state,
        arms=(base, other),
        means={arm: fmean(row[arm] for row in rows) for arm in pools[0].arms} if rows else {},
        difference=fmean(differences) if differences else 0.0,
        interval=found,
        questions=len(rows),
        without=len(done) - len(rows),
        skipped=sum(gain is None for pool in pools for gain in pool.decisions.values()),
        more=max(0, questions_needed(plan.effect, spread) - len(rows)),
        alike=len(gains) if len(set(gains)) == 1 else 0,
    )


def _settled(found: Interval, effect: float) -> State:
    if found.excludes(0.0):
        return "better" if found.low > 0 else "worse"
    if -effect < found.low and found.high < effect:
        return "no difference that matters"
    return "open"
