"""Arms: the ways of ordering one and the same candidates. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from ragcli.evaluation.measures import MAIN, MEASURES
from ragcli.evaluation.records import Arm, ArmKind, JudgedQuestion, Run, Scoring


def judged_places(run: Run) -> tuple[int, ...]:
    """The places in `run.questions` of the questions that have a place in ranking measures."""
    return tuple(place for place, question in enumerate(run.questions) if question.ideal)


def all_arms(run: Run) -> tuple[Arm, ...]:
    """The bi-encoder's order; then for each cross-encoder the order in use, and its logits alone where the
    bi-encoder's similarity has a weight in that.
    """
    judged = judged_places(run)
    questions = [run.questions[place] for place in judged]
    base = [base_order(question) for question in questions]
    arms = [_arm(run.embedder, "bi-encoder", base, questions)]
    for scoring in run.scorings:
        orders = [reranked_order(run.questions[place], scoring, place) for place in judged]
        arms.append(_arm(scoring.name, "reranked", orders, questions))
        if scoring.prior_weight:
            alone = [order_by(scoring.logits[place]) for place in judged]
            arms.append(_arm(scoring.name, "cross-encoder alone", alone, questions))
    return tuple(arms)


def base_order(question: JudgedQuestion) -> tuple[int, ...]:
    return tuple(range(len(question.candidates)))


def reranked_order(
    question: JudgedQuestion, scoring: Scoring, place: int, depth: int | None = None
) -> tuple[int, ...]:
    """By logit + prior weight x similarity. With `depth` only the best `depth` candidates of the bi-encoder
    are reordered, the others stay below them.
    """
    scores = [
        logit + scoring.prior_weight * candidate.similarity
        for logit, candidate in zip(scoring.logits[place], question.candidates, strict=True)
    ]
    first = order_by(scores[:depth])
    return (*first, *range(len(first), len(scores)))


def order_by(scores: Sequence[float]) -> tuple[int, ...]:
    """Places by score, best first; ties keep the bi-encoder's order, and what is no number comes last."""
    return tuple(
        sorted(
            range(len(scores)),
            key=lambda place: (math.isnan(scores[place]), -scores[place], place),
        )
    )


def perfect_order(question: JudgedQuestion) -> tuple[int, ...]:
    """What a reranker that knows the judgements would make of these candidates."""
    return order_by([candidate.gain for candidate in question.candidates])


def value(measure: str, question: JudgedQuestion, order: Sequence[int]) -> float:
    gains = [question.candidates[place].gain for place in order]
    return MEASURES[measure](gains, question.ideal)


def ceiling(questions: Sequence[JudgedQuestion]) -> float:
    """Mean nDCG@10 of the perfect order; 0 where there is no question."""
    best = [value(MAIN, question, perfect_order(question)) for question in questions]
    return fmean(best) if best else 0.0


def _arm(
    name: str, kind: ArmKind, orders: Sequence[tuple[int, ...]], questions: Sequence[JudgedQuestion]
) -> Arm:
    values = {
        measure: tuple(
            value(measure, question, order) for question, order in zip(questions, orders, strict=True)
        )
        for measure in MEASURES
    }
    means = {measure: fmean(found) if found else 0.0 for measure, found in values.items()}
    return Arm(name, kind, tuple(orders), values, means)
