"""The plain sentences that sum up an evaluation: what reranking did, how sure this is, and the cost."""

from __future__ import annotations

from collections.abc import Sequence

from ragcli.evaluation.answers import ANSWER_MAIN
from ragcli.evaluation.contrasts import main_row
from ragcli.evaluation.measures import LABELS, MAIN
from ragcli.evaluation.paired_tests import POWER, Difference, questions_needed, smallest_difference
from ragcli.evaluation.results import AnswerContrast, Arm, Contrast, MeasureContrast

# With fewer questions a randomisation test cannot get below 0.05 unless nearly all of them agree.
TOO_FEW = 10
# Nobody will judge more questions than this for one decision.
TOO_MANY = 10_000
# The standard deviation of the difference in nDCG@10, assumed until it is observed. It was 0.20 on
# corpora/homonyms, and less on judged collections (0.10 on HotpotQA, 0.07 on Medline): a cautious value.
ASSUMED_DEVIATION = 0.2


def verdict(base: Arm, arm: Arm, contrast: Contrast, milliseconds: float | None) -> str:
    """For nDCG@10. `milliseconds` is the median of reranking one question."""
    row = main_row(contrast)
    found = row.difference
    what = "reranking" if arm.kind == "reranked" else f"{arm.name} instead of {base.name}"
    cost = "" if milliseconds is None else f" for {milliseconds:.0f} ms a question"
    counts = counts_text(found)
    change = f"{LABELS[MAIN]} from {row.before:.3f} to {row.after:.3f}"
    evidence = f"({relative_change(row)}, {p_text(found.p_value)}; {counts})"
    if found.questions < TOO_FEW:
        return (
            f"Too few questions to tell: {found.questions}. On these, {what} changes {change} ({counts})."
            f"{_reach(found)}"
        )
    if not found.sure:
        return f"No difference can be shown: {what} changes {change} {evidence}{cost}.{_reach(found)}"
    verb = "raises" if found.mean > 0 else "lowers"
    return f"{'Reranking' if what == 'reranking' else what} {verb} {change} {evidence}{cost}."


def answers_verdict(rows: Sequence[AnswerContrast]) -> str:
    """For the answers that contain a gold one; empty if none was measured."""
    row = next((row for row in rows if row.measure == ANSWER_MAIN), None)
    if row is None:
        return ""
    found = row.difference
    held = f"{100 * row.after:.1f} % of {row.questions} answers hold the gold one with reranking"
    shares = f"{held}, {100 * row.before:.1f} % without"
    low, high = (100 * limit for limit in (found.low, found.high))
    evidence = f"95 % CI {low:+.1f}..{high:+.1f} points, {p_text(found.p_value)}; {counts_text(found)}"
    if row.questions < TOO_FEW:
        return f"{shares} ({counts_text(found)}): too few to tell."
    if not found.sure:
        return f"No difference can be shown in the answers: {shares} ({evidence}).{_reach(found)}"
    better = "better" if found.mean > 0 else "worse"
    return f"Answers are {better}: {shares} ({evidence})."


def nothing_judged(unjudged: int) -> str:
    return (
        f"Nothing to measure a ranking on: none of the {unjudged} questions names a passage in the index"
        " (relevant or evidence)."
    )


def not_reranked(base: Arm) -> str:
    questions = len(base.orders)
    return f"{base.name} alone reaches {LABELS[MAIN]} {base.means[MAIN]:.3f} on {questions} questions."


def reach_before(questions: int) -> str:
    """What so many questions can show, said before anything is measured; empty for fewer than two."""
    if questions < 2:
        return ""
    least = smallest_difference(questions, ASSUMED_DEVIATION)
    return (
        f"{questions:,} questions can show a difference of about {least:.3f} or more in {LABELS[MAIN]}"
        f" (p < 0.05, power {100 * POWER:.0f} %, assuming a standard deviation of {ASSUMED_DEVIATION})"
    )


def relative_change(row: MeasureContrast) -> str:
    """'+18.0 %, 95 % CI +11.2..+25.1 %', relative to the mean before; absolute if that is zero."""
    found = row.difference
    if found.unbounded:
        return "too few questions differ for an interval"
    if row.before <= 0:
        return f"{found.mean:+.3f}, 95 % CI {found.low:+.3f}..{found.high:+.3f}"
    mean, low, high = (100 * part / row.before for part in (found.mean, found.low, found.high))
    return f"{mean:+.1f} %, 95 % CI {low:+.1f}..{high:+.1f} %"


def counts_text(difference: Difference) -> str:
    return f"{difference.won} won, {difference.lost} lost, {difference.tied} tied"


def p_text(p_value: float) -> str:
    if p_value < 0.001:
        return "p < 0.001"
    return f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"


def _reach(found: Difference) -> str:
    """What so many questions can show, and how many it would take for a difference as large as this one."""
    if not (found.won or found.lost):
        return " The two orders are equally good on each of them."
    if found.questions < 2:
        return ""
    least = smallest_difference(found.questions, found.deviation)
    shown = f" {found.questions:,} such questions can show a difference of {least:.3f} or more"
    needed = questions_needed(found.mean, found.deviation)
    if needed is None or needed <= found.questions:
        return f"{shown}."
    if needed > TOO_MANY:
        return f"{shown}; one as small as this would take more than 10,000."
    return f"{shown}; one as large as this would take about {needed:,}."
