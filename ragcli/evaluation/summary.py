"""From a run to its summary: the one place where everything is computed from it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ragcli.evaluation.answers import ANSWER_MAIN, contrast_answers, measured_answers
from ragcli.evaluation.arms import BASE_KINDS, all_arms, ceiling, judged_places
from ragcli.evaluation.audit import audit
from ragcli.evaluation.comparisons import changes, most_helped, most_hurt, standings, steps
from ragcli.evaluation.contrasts import contrast, main_row
from ragcli.evaluation.costs import cost, latencies, milliseconds, milliseconds_per_point
from ragcli.evaluation.depths import advice, depth_rows
from ragcli.evaluation.floors import floors
from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.paired_tests import smallest_difference
from ragcli.evaluation.provenance import judged_shares, notes
from ragcli.evaluation.records import JudgedQuestion, Run
from ragcli.evaluation.results import AnswerContrast, Arm, Contrast, Stratified, Summary
from ragcli.evaluation.stages import counted, outcomes
from ragcli.evaluation.strata import check_fields, stratified
from ragcli.evaluation.unmeasured import count_unmeasured
from ragcli.evaluation.verdict import answers_verdict, not_reranked, nothing_judged, verdict


def summarise(run: Run, by: Sequence[str] = ()) -> Summary:
    """The same run gives the same summary: random draws are seeded.

    `by` names fields of the question file, or "document", "length" or "overlap", to group the questions by.
    Raises UsageError for one that no question has.
    """
    judged = tuple(run.questions[place] for place in judged_places(run))
    check_fields(by, judged)
    arms = all_arms(run)
    contrasts = tuple(_contrasts(judged, arms)) if judged else ()
    base, arm = (arms[0], arms[1]) if contrasts else (arms[0], None)
    changed = changes(judged, base, arm) if arm else ()
    depths = depth_rows(run)
    left_out = count_unmeasured(run)
    spent = milliseconds(run)
    ended = outcomes(run)
    answers = contrast_answers(run)
    shares = judged_shares(judged, arms)
    return Summary(
        run=run,
        judged=judged,
        unjudged=left_out["names no passage of the index"],
        none_relevant=left_out["had no relevant passage among those judged"],
        not_judged_yet=left_out["has not been judged yet"],
        arms=arms,
        standings=standings(run) if judged else (),
        contrasts=contrasts,
        ceiling=ceiling(judged, base),
        helped=most_helped(changed),
        hurt=most_hurt(changed),
        depths=depths,
        advice=advice(depths, len(judged)),
        latencies=latencies(run.seconds),
        milliseconds_per_point=milliseconds_per_point(contrasts, spent),
        findings=audit(run),
        answers=answers,
        failed=sum(bool(answered.error) for answered in run.answers),
        verdict=_verdict(run, arms, contrasts, answers, spent),
        steps=steps(arms) if judged else (),
        strata=tuple(_strata(run, judged, base, arm, by)) if arm else (),
        outcomes=ended,
        stages=counted(ended),
        floors=floors(judged, base, arm) if arm and arm.kind == "reranked" else (),
        cost=cost(run),
        smallest_difference=_smallest(contrasts),
        judged_share=shares,
        notes=notes(judged, shares),
    )


def _contrasts(judged: Sequence[JudgedQuestion], arms: Sequence[Arm]) -> Iterator[Contrast]:
    """Each arm against the base order before it, that of the same retrieval; rankings against the first."""
    base, best = arms[0], ceiling(judged, arms[0])
    for arm in arms[1:]:
        if arm.kind in BASE_KINDS.values():
            base, best = arm, ceiling(judged, arm)
        else:
            yield contrast(base, arm, best)


def _strata(
    run: Run, judged: Sequence[JudgedQuestion], base: Arm, arm: Arm, by: Sequence[str]
) -> Iterator[Stratified]:
    """By each field: the ranking, then the answers where there are some."""
    answered, before, after = measured_answers(run, ANSWER_MAIN)
    for name in by:
        yield stratified(judged, base.values[MAIN], arm.values[MAIN], by=name)
        if answered:
            yield stratified(answered, before, after, by=name, measure=ANSWER_MAIN)


def _smallest(contrasts: Sequence[Contrast]) -> float | None:
    """With the deviation that was observed; None where nothing differs."""
    if not contrasts or not (found := main_row(contrasts[0]).difference).deviation:
        return None
    return smallest_difference(found.questions, found.deviation)


def _verdict(
    run: Run,
    arms: Sequence[Arm],
    contrasts: Sequence[Contrast],
    answers: Sequence[AnswerContrast],
    spent: float | None,
) -> str:
    if not arms[0].orders:
        ranking = nothing_judged(len(run.questions))
    elif not contrasts:
        ranking = not_reranked(arms[0])
    else:
        ranking = verdict(arms[0], arms[1], contrasts[0], spent)
    return " ".join(filter(None, (ranking, answers_verdict(answers))))
