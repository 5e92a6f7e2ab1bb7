"""Conditions that a script sets: a run that misses one has failed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragcli.errors import UsageError
from ragcli.evaluation.diff import compare_runs
from ragcli.evaluation.measures import LABELS, MAIN, MEASURES
from ragcli.evaluation.records import Run
from ragcli.evaluation.results import Summary

# The number of questions that a line lists.
NAMED = 5


@dataclass(frozen=True, slots=True)
class Threshold:
    measure: str
    least: float


def parse_threshold(text: str) -> Threshold:
    """ "ndcg@10=0.70". Raises UsageError."""
    measure, equals, least = text.partition("=")
    measure = measure.strip().lower()
    if measure not in MEASURES:
        raise UsageError(
            f"--fail-under {text}: no measure {measure!r}.", hint=f"One of: {', '.join(MEASURES)}"
        )
    try:
        value = float(least) if equals else -1.0
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"--fail-under {text} is not MEASURE=VALUE.", hint="For instance: ndcg@10=0.70")
    return Threshold(measure, value)


def missed(summary: Summary, thresholds: Sequence[Threshold]) -> tuple[str, ...]:
    """A line for each threshold that the order in use does not reach (or, without one, the base's)."""
    arm = summary.arms[1 if summary.contrasts else 0]
    return tuple(
        f"{LABELS[threshold.measure]} is {arm.means[threshold.measure]:.3f}, below {threshold.least:g}"
        for threshold in thresholds
        if arm.means[threshold.measure] < threshold.least
    )


def worse_than(baseline: Run, run: Run) -> tuple[str, ...]:
    """A line if nDCG@10 of the order in use is lower than the baseline's on the shared questions, by more
    than chance (paired randomisation test, 5 %); and one for shared questions whose passages left the index.
    """
    return (*_passages_gone(baseline, run), *_fallen(baseline, run))


def _passages_gone(baseline: Run, run: Run) -> tuple[str, ...]:
    """No measure of this run would show it, as it leaves such a question out. A question that now has no
    answer on purpose is not a loss.
    """
    before = {(question.id, question.text) for question in baseline.questions if question.ideal}
    gone = [q.id for q in run.questions if q.answerable and not q.ideal and (q.id, q.text) in before]
    if not gone:
        return ()
    named = ", ".join(gone[:NAMED]) + (" ..." if len(gone) > NAMED else "")
    return (f"the index no longer holds the passages of {len(gone)} of the baseline's questions: {named}",)


def _fallen(baseline: Run, run: Run) -> tuple[str, ...]:
    diff = compare_runs(baseline, run)
    row = next(row for row in diff.arms[-1].measures if row.measure == MAIN)
    # A gate that fails at random is soon switched off: it is worse only beyond chance.
    if row.difference.mean >= 0 or not row.difference.sure:
        return ()
    return (
        f"{LABELS[MAIN]} is {row.after:.3f}, the baseline had {row.before:.3f}"
        f" (p = {row.difference.p_value:.3f}, {diff.shared} questions)",
    )
