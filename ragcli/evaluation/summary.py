"""From a run to its summary: the one place where everything is computed from it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import quantiles

from ragcli.evaluation.answers import contrast_answers
from ragcli.evaluation.arms import BASE_KINDS, all_arms, ceiling, judged_places
from ragcli.evaluation.audit import audit
from ragcli.evaluation.changes import changes, most_helped, most_hurt
from ragcli.evaluation.contrasts import contrast
from ragcli.evaluation.depths import advice, depth_rows, rerank_seconds
from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.records import (
    Arm,
    Contrast,
    JudgedQuestion,
    Latency,
    Run,
    StageSeconds,
    Summary,
)
from ragcli.evaluation.standings import standings
from ragcli.evaluation.steps import steps
from ragcli.evaluation.verdict import not_reranked, nothing_judged, verdict

# Differences of nDCG are read in hundredths.
POINT = 0.01


def summarise(run: Run) -> Summary:
    """The same run gives the same summary: random draws are seeded."""
    judged = tuple(run.questions[place] for place in judged_places(run))
    arms = all_arms(run)
    best = ceiling(judged, arms[0])
    contrasts = tuple(_contrasts(judged, arms)) if judged else ()
    changed = changes(judged, arms[0], arms[1]) if run.scorings else ()
    rows = depth_rows(run)
    unjudged = sum(question.answerable for question in run.questions) - len(judged)
    milliseconds = _milliseconds(run)
    return Summary(
        run=run,
        judged=judged,
        unjudged=max(0, unjudged),
        arms=arms,
        standings=standings(run) if judged else (),
        contrasts=contrasts,
        ceiling=best,
        helped=most_helped(changed),
        hurt=most_hurt(changed),
        depths=rows,
        advice=advice(rows, len(judged)),
        latencies=latencies(run.seconds),
        milliseconds_per_point=_per_point(arms, milliseconds),
        findings=audit(run),
        answers=contrast_answers(run),
        failed=sum(bool(answered.error) for answered in run.answers),
        verdict=_verdict(run, arms, contrasts, milliseconds),
        steps=steps(arms) if judged else (),
    )


def _contrasts(judged: Sequence[JudgedQuestion], arms: Sequence[Arm]) -> Iterator[Contrast]:
    """Each arm against the base order before it: that of the same retrieval."""
    base, best = arms[0], 0.0
    for arm in arms:
        if arm.kind in BASE_KINDS.values():
            base, best = arm, ceiling(judged, arm)
        else:
            yield contrast(base, arm, best)


def latencies(seconds: Sequence[StageSeconds]) -> tuple[Latency, ...]:
    """p50 and p95 of each stage of the first models, in seconds; of reranking, at the greatest depth that was
    timed.
    """
    deepest: dict[str, StageSeconds] = {}
    for stage in seconds:
        if stage.model:
            continue
        if stage.seconds and (stage.stage not in deepest or stage.depth > deepest[stage.stage].depth):
            deepest[stage.stage] = stage
    return tuple(Latency(name, *_p50_and_p95(stage.seconds)) for name, stage in deepest.items())


def _p50_and_p95(values: Sequence[float]) -> tuple[float, float]:
    if len(values) == 1:
        return values[0], values[0]
    cuts = quantiles(values, n=20, method="inclusive")
    return cuts[9], cuts[18]


def _milliseconds(run: Run) -> float | None:
    """The median of reranking one question at the depth that the arms have."""
    depths = [stage.depth for stage in run.seconds if stage.stage == "rerank"]
    seconds = rerank_seconds(run.seconds, max(depths)) if depths else None
    return None if seconds is None else 1000 * seconds


def _per_point(arms: Sequence[Arm], milliseconds: float | None) -> float | None:
    if milliseconds is None or len(arms) < 2 or arms[1].kind != "reranked":
        return None
    points = (arms[1].means[MAIN] - arms[0].means[MAIN]) / POINT
    return milliseconds / points if points > 0 else None


def _verdict(run: Run, arms: Sequence[Arm], contrasts: Sequence[Contrast], milliseconds: float | None) -> str:
    if not arms[0].orders:
        return nothing_judged(len(run.questions))
    if not contrasts:
        return not_reranked(arms[0])
    return verdict(arms[0], arms[1], contrasts[0], milliseconds)
