"""How many candidates are worth reranking: quality and time by depth, from one scoring of the deepest."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from ragcli.evaluation.arms import base_orders, judged_places, reranked_order, value
from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.paired_tests import Difference, paired_difference
from ragcli.evaluation.records import Run, StageSeconds
from ragcli.evaluation.results import DepthRow

ENOUGH_OF_THE_GAIN = 0.95
# With fewer questions than this, the best depth is mostly chance.
FEW_QUESTIONS = 30


def depth_rows(run: Run) -> tuple[DepthRow, ...]:
    """One row for each depth of the run, for its first cross-encoder; none without judged questions."""
    judged = judged_places(run)
    if not (run.depths and run.scorings and judged):
        return ()
    scoring = run.scorings[0]
    questions = [run.questions[place] for place in judged]
    every = base_orders(run)
    orders = [every[place] for place in judged]
    base = [value(MAIN, question, order) for question, order in zip(questions, orders, strict=True)]
    found: list[tuple[int, float, Difference, float | None]] = []
    for depth in sorted(run.depths):
        values = [
            value(MAIN, question, reranked_order(question, scoring, place, order, depth))
            for question, place, order in zip(questions, judged, orders, strict=True)
        ]
        seconds = rerank_seconds(run.seconds, depth)
        found.append((depth, fmean(values), paired_difference(base, values), seconds))
    gain, time = found[-1][2], found[-1][3]
    return tuple(
        DepthRow(
            depth=depth,
            ndcg=mean,
            difference=difference,
            share_of_gain=difference.mean / gain.mean if gain.sure and gain.mean > 0 else None,
            seconds=seconds,
            share_of_time=seconds / time if seconds is not None and time else None,
        )
        for depth, mean, difference, seconds in found
    )


def rerank_seconds(seconds: Sequence[StageSeconds], depth: int, model: int = 0) -> float | None:
    """The median of reranking one question's best `depth` candidates; None if it was not timed."""
    timed = [
        stage.seconds
        for stage in seconds
        if (stage.stage, stage.depth, stage.model) == ("rerank", depth, model)
    ]
    return median(timed[0]) if timed and timed[0] else None


def advice(rows: Sequence[DepthRow], questions: int) -> str:
    """One sentence: the smallest depth that keeps nearly all of the deepest one's gain. No depth is named
    where that gain may be chance; empty without rows.
    """
    if len(rows) < 2:
        return ""
    deepest = rows[-1]
    if deepest.difference.mean <= 0:
        return "All candidates reranked are no better than none: there is no gain to keep."
    if deepest.share_of_gain is None:
        return f"No depth is named: with {deepest.depth} candidates no difference can be shown."
    chosen = next(
        row for row in rows if row.share_of_gain is not None and row.share_of_gain >= ENOUGH_OF_THE_GAIN
    )
    rests = f"on {questions} question{'s' if questions != 1 else ''}"
    if questions < FEW_QUESTIONS:
        rests += f": too few to rely on, {FEW_QUESTIONS} or more would be better"
    if chosen is deepest:
        return f"All {deepest.depth} candidates are worth it: fewer lose more than 5 % of the gain ({rests})."
    cost = "" if chosen.share_of_time is None else f" at {100 * chosen.share_of_time:.0f} % of the time"
    share = chosen.share_of_gain or 0
    kept = "keep all of the gain" if share >= 1 else f"keep {100 * share:.0f} % of the gain"
    return f"{chosen.depth} candidates {kept} of {deepest.depth}{cost} ({rests})."
