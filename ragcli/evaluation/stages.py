"""Why: the stage at which a question failed, in an order of its candidates and in the answer to it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import get_args

from ragcli.evaluation.answer_measures import holds_answer
from ragcli.evaluation.arms import base_orders, reranked_order
from ragcli.evaluation.records import AnsweredQuestion, ArmAnswer, JudgedQuestion, Run
from ragcli.evaluation.results import Outcome, Stage, StageCount
from ragcli.text.marks import without_marks

TOP_K = 5
"""Passages of a prompt where a run does not say: the default of `retrieval.top_k`."""
STAGES: tuple[Stage, ...] = get_args(Stage)
"""In the order of the flow."""
SUCCESSES: tuple[Stage, ...] = ("in the prompt", "answered")
"""Without answers, and with them."""


def outcomes(run: Run) -> tuple[Outcome, ...]:
    """Of every question that names gold, in the run's order, without and with reranking.

    A passage is in the prompt where the answer's context says so; where there is none (nothing was asked, or
    ragcli declined before it asked), where it is among the first `retrieval.top_k`.
    """
    if not run.scorings:
        return ()
    named = {gap.question_id for gap in run.missing if gap.gold or gap.key}
    answered = {found.question_id: found for found in run.answers}
    top_k = _top_k(run.settings)
    base = base_orders(run)
    found: list[Outcome] = []
    for place, question in enumerate(run.questions):
        if not question.answerable or not (question.ideal or question.id in named):
            continue
        orders = base[place], reranked_order(question, run.scorings[0], place, base[place])
        one, other = (
            _stage(question, order[:top_k], answer, failed)
            for order, (answer, failed) in zip(orders, _answers(answered.get(question.id)), strict=True)
        )
        found.append(Outcome(question, one, other))
    return tuple(found)


def counted(found: Sequence[Outcome]) -> tuple[StageCount, ...]:
    """The stages that some question ended at, in the order of the flow."""
    before = Counter(outcome.before for outcome in found)
    after = Counter(outcome.after for outcome in found)
    return tuple(
        StageCount(stage, before[stage], after[stage]) for stage in STAGES if before[stage] or after[stage]
    )


def _top_k(settings: Mapping[str, object]) -> int:
    config = settings.get("config")
    retrieval = config.get("retrieval") if isinstance(config, Mapping) else None
    return int(retrieval.get("top_k", TOP_K)) if isinstance(retrieval, Mapping) else TOP_K


def _answers(found: AnsweredQuestion | None) -> tuple[tuple[ArmAnswer | None, bool], ...]:
    if found is None:
        return ((None, False), (None, False))
    return tuple((answer, bool(found.error) and answer is None) for answer in (found.base, found.reranked))


def _stage(question: JudgedQuestion, first: Sequence[int], answer: ArmAnswer | None, failed: bool) -> Stage:
    if answer and question.answers and holds_answer(without_marks(answer.text), question.answers):
        return "answered"
    if not question.ideal:
        return "not in the index"
    relevant = {candidate.id for candidate in question.candidates if candidate.gain > 0}
    if not relevant:
        return "not among the candidates"
    prompt = answer.context if answer and answer.context else [question.candidates[p].id for p in first]
    if relevant.isdisjoint(prompt):
        return "not in the prompt"
    if failed:
        return "in the prompt, no answer came"
    if answer and answer.abstained:
        return "in the prompt, declined"
    return "in the prompt, misread" if answer and question.answers else "in the prompt"
