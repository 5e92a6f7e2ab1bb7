"""The plain sentence that sums up an evaluation: what reranking did, how sure this is, and the cost."""

from __future__ import annotations

from collections.abc import Sequence

from ragcli.evaluation.measures import LABELS, MAIN
from ragcli.evaluation.paired_tests import questions_needed
from ragcli.evaluation.records import Arm, Contrast, MeasureContrast

# With fewer questions a randomisation test cannot get below 0.05 unless nearly all of them agree.
TOO_FEW = 10
# Nobody will judge more questions than this for one decision.
TOO_MANY = 10_000
SURE = 0.05


def verdict(base: Arm, arm: Arm, contrast: Contrast, milliseconds: float | None) -> str:
    """For nDCG@10. `milliseconds` is the median of reranking one question."""
    row = next(measure for measure in contrast.measures if measure.measure == MAIN)
    values = [after - before for before, after in zip(base.values[MAIN], arm.values[MAIN], strict=True)]
    found = row.difference
    cost = "" if milliseconds is None else f" for {milliseconds:.0f} ms a question"
    counts = f"{found.won} won, {found.lost} lost, {found.tied} tied"
    change = f"{LABELS[MAIN]} from {row.before:.3f} to {row.after:.3f}"
    evidence = f"({relative_change(row)}, {p_text(found.p_value)}; {counts})"
    if len(values) < TOO_FEW:
        return (
            f"Too few questions to tell: {len(values)}. On these, reranking changes {change} ({counts})."
            f"{_how_many(values, len(values))}"
        )
    if found.p_value >= SURE:
        return (
            f"No difference can be shown: reranking changes {change} {evidence}{cost}."
            f"{_how_many(values, len(values))}"
        )
    return f"Reranking {'raises' if found.mean > 0 else 'lowers'} {change} {evidence}{cost}."


def nothing_judged(unjudged: int) -> str:
    return (
        f"Nothing to measure a ranking on: none of the {unjudged} questions names a passage in the index"
        " (relevant or evidence)."
    )


def not_reranked(base: Arm) -> str:
    questions = len(base.orders)
    return f"{base.name} alone reaches {LABELS[MAIN]} {base.means[MAIN]:.3f} on {questions} questions."


def relative_change(row: MeasureContrast) -> str:
    """'+18.0 %, 95 % CI +11.2..+25.1 %', relative to the mean before; absolute if that is zero."""
    found = row.difference
    if row.before <= 0:
        return f"{found.mean:+.3f}, 95 % CI {found.low:+.3f}..{found.high:+.3f}"
    mean, low, high = (100 * part / row.before for part in (found.mean, found.low, found.high))
    return f"{mean:+.1f} %, 95 % CI {low:+.1f}..{high:+.1f} %"


def p_text(p_value: float) -> str:
    if p_value < 0.001:
        return "p < 0.001"
    return f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"


def _how_many(values: Sequence[float], asked: int) -> str:
    needed = questions_needed(values)
    if needed is None:
        return " The two orders are equally good on each of them." if not any(values) else ""
    if needed > TOO_MANY:
        return " A difference as small as this would take more than 10,000 questions to show."
    if needed <= asked:
        return " Some more questions may settle it."
    return f" A difference as large as this would take about {needed:,} questions to show."
