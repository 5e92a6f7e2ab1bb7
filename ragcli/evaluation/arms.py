"""Arms: the ways of ordering the same candidates, for each retrieval. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from ragcli.evaluation.measures import MAIN, MEASURES
from ragcli.evaluation.records import JudgedQuestion, Retrieval, Run, Scoring
from ragcli.evaluation.results import Arm, ArmKind

BASE_KINDS: dict[str, ArmKind] = {"dense": "bi-encoder", "hybrid": "hybrid"}


def judged_places(run: Run) -> tuple[int, ...]:
    """The places in `run.questions` of the questions that count in ranking measures."""
    return tuple(place for place, question in enumerate(run.questions) if question.ideal)


def all_arms(run: Run) -> tuple[Arm, ...]:
    """For each retrieval its own order; then for each cross-encoder the order in use, and that of only its
    logits if the bi-encoder's similarity has a weight.
    """
    return tuple(arm for retrieval in retrievals(run) for arm in _arms_of(run, retrieval))


def retrievals(run: Run) -> tuple[Retrieval, ...]:
    """At least one: without any, the candidates are the bi-encoder's, in their order."""
    if run.retrievals:
        return run.retrievals
    return (Retrieval("dense", tuple(tuple(range(len(q.candidates))) for q in run.questions)),)


def base_orders(run: Run) -> tuple[tuple[int, ...], ...]:
    """How the first retrieval ranked the candidates of each question of the run."""
    return retrievals(run)[0].orders


def reranked_order(
    question: JudgedQuestion, scoring: Scoring, place: int, base: Sequence[int], depth: int | None = None
) -> tuple[int, ...]:
    """`base`, by logit + prior x similarity. With `depth`, only its first `depth` candidates are
    reordered, the others stay below them.
    """
    logits = scoring.logits[place]
    weight = scoring.prior.weight_for(question.text)
    passages = question.candidates
    nearness = scoring.prior.nearness
    scores = {
        place: logits[place]
        + weight * nearness(passages[place].similarity, passages[place].heading_similarity)
        for place in base[:depth]
    }
    return (*sorted_by(scores, base[:depth]), *base[len(scores) :])


def sorted_by(scores: Mapping[int, float] | Sequence[float], base: Sequence[int]) -> tuple[int, ...]:
    """`base` by score, best first; ties keep its order, and invalid numbers come last."""
    return tuple(sorted(base, key=lambda place: (math.isnan(scores[place]), -scores[place])))


def perfect_order(question: JudgedQuestion, base: Sequence[int]) -> tuple[int, ...]:
    """The order of these candidates by a reranker that knows the judgements."""
    return sorted_by([candidate.gain for candidate in question.candidates], base)


def value(measure: str, question: JudgedQuestion, order: Sequence[int]) -> float:
    gains = [question.candidates[place].gain for place in order]
    return MEASURES[measure](gains, question.ideal)


def ceiling(questions: Sequence[JudgedQuestion], arm: Arm) -> float:
    """Mean nDCG@10 of the perfect order of the arm's candidates; 0 if there is no question."""
    best = [
        value(MAIN, question, perfect_order(question, order))
        for question, order in zip(questions, arm.orders, strict=True)
    ]
    return fmean(best) if best else 0.0


def _arms_of(run: Run, retrieval: Retrieval) -> Iterator[Arm]:
    judged = judged_places(run)
    questions = [run.questions[place] for place in judged]
    base = [retrieval.orders[place] for place in judged]
    names = {"dense": run.embedder, "hybrid": f"{run.embedder} + BM25"}
    kind = BASE_KINDS.get(retrieval.name, "ranking")
    yield _arm(names.get(retrieval.name, retrieval.name), kind, base, questions, retrieval)
    for scoring in run.scorings:
        places = list(zip(judged, base, strict=True))
        orders = [reranked_order(run.questions[place], scoring, place, order) for place, order in places]
        yield _arm(scoring.name, "reranked", orders, questions, retrieval)
        if scoring.prior.weight:
            alone = [sorted_by(scoring.logits[place], order) for place, order in places]
            yield _arm(scoring.name, "cross-encoder alone", alone, questions, retrieval)


def _arm(
    name: str,
    kind: ArmKind,
    orders: Sequence[tuple[int, ...]],
    questions: Sequence[JudgedQuestion],
    retrieval: Retrieval,
) -> Arm:
    values = {
        measure: tuple(
            value(measure, question, order) for question, order in zip(questions, orders, strict=True)
        )
        for measure in MEASURES
    }
    means = {measure: fmean(found) if found else 0.0 for measure, found in values.items()}
    return Arm(name, kind, tuple(orders), values, means, retrieval.name)
