"""Arms compared beyond the first pair: several models, several retrievals, and single questions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean, median

from ragcli.evaluation.arms import BASE_KINDS, all_arms
from ragcli.evaluation.depths import rerank_seconds
from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.paired_tests import paired_difference
from ragcli.evaluation.records import JudgedQuestion, Run
from ragcli.evaluation.results import Arm, MeasureContrast, Moved, QuestionChange, Standing, Step

SHOWN_QUESTIONS = 5
SHOWN_PASSAGES = 6
# Places that count in nDCG@10: a move across this edge changes it, and one below it does not.
EDGE = 10


def standings(run: Run) -> tuple[Standing, ...]:
    """One for each bi-encoder and, below it, for each cross-encoder over its candidates; none if there is
    only one of each. The run has judged questions, and its other runs have the same.
    """
    if len(run.scorings) < 2 and not run.others:
        return ()
    first, *others = [
        (view.embedder, arm, seconds) for view in (run, *run.others) for arm, seconds in _timed(view)
    ]
    name, base, seconds = first
    return (
        Standing(name, base, None, seconds),
        *(
            Standing(
                name,
                arm,
                paired_difference(base.values[MAIN], arm.values[MAIN], comparisons=len(others)),
                seconds,
            )
            for name, arm, seconds in others
        ),
    )


def _timed(run: Run) -> Iterator[tuple[Arm, float | None]]:
    """A bi-encoder with the time of embedding one question, a cross-encoder with that of reranking it."""
    depth = max((stage.depth for stage in run.seconds), default=0)
    model = -1
    first, *_ = arms = all_arms(run)
    for arm in arms:
        if arm.retrieval != first.retrieval:
            continue
        # The cross-encoder alone is the one before it, used in another way.
        model += arm.kind == "reranked"
        if arm.kind in BASE_KINDS.values():
            embed = [stage.seconds for stage in run.seconds if stage.stage == "embed" and stage.seconds]
            yield arm, median(embed[0]) if embed else None
        else:
            yield arm, rerank_seconds(run.seconds, depth, model)


def steps(arms: Sequence[Arm]) -> tuple[Step, ...]:
    """What each change of retrieval does, and each reranking on top; empty if there is one retrieval, and
    for rankings of other pipelines. `arms` as in a `Summary`, with at least one question.
    """
    names = list(dict.fromkeys(arm.retrieval for arm in arms))
    if len(names) < 2 or arms[0].kind == "ranking":
        return ()
    pairs = list(_pairs(arms, names))
    return tuple(Step(text, _row(before, after, len(pairs))) for text, before, after in pairs)


def in_use(arms: Sequence[Arm], retrieval: str) -> list[Arm]:
    """A retrieval's own order, then its reranked ones, without those by only the cross-encoder's logits."""
    return [arm for arm in arms if arm.retrieval == retrieval and arm.kind != "cross-encoder alone"]


def _pairs(arms: Sequence[Arm], names: Sequence[str]) -> Iterator[tuple[str, Arm, Arm]]:
    first, *_ = names
    rerankers = len(in_use(arms, first)) - 1

    def by(arm: Arm) -> str:
        return f" by {arm.name}" if rerankers > 1 else ""

    for name in names[1:]:
        for before, after in zip(in_use(arms, first), in_use(arms, name), strict=True):
            what = f"{name} instead of {first}"
            yield f"{what}, reranked{by(after)}" if after.kind == "reranked" else what, before, after
    for name in names:
        base, *reranked = in_use(arms, name)
        for arm in reranked:
            yield f"reranking {name}{by(arm)}", base, arm


def _row(before: Arm, after: Arm, comparisons: int) -> MeasureContrast:
    one, other = before.values[MAIN], after.values[MAIN]
    return MeasureContrast(
        MAIN, fmean(one), fmean(other), paired_difference(one, other, comparisons=comparisons)
    )


def changes(questions: Sequence[JudgedQuestion], base: Arm, arm: Arm) -> tuple[QuestionChange, ...]:
    """Every question whose nDCG@10 changed, the most helped first, the most hurt last."""
    found = [
        QuestionChange(question, before, after, _moved(question, base_order, order))
        for question, before, after, base_order, order in zip(
            questions, base.values[MAIN], arm.values[MAIN], base.orders, arm.orders, strict=True
        )
        if abs(after - before) > 1e-9
    ]
    return tuple(sorted(found, key=lambda change: change.before - change.after))


def most_helped(found: Sequence[QuestionChange]) -> tuple[QuestionChange, ...]:
    return tuple(change for change in found[:SHOWN_QUESTIONS] if change.after > change.before)


def most_hurt(found: Sequence[QuestionChange]) -> tuple[QuestionChange, ...]:
    return tuple(change for change in found[::-1][:SHOWN_QUESTIONS] if change.after < change.before)


def _moved(question: JudgedQuestion, base: Sequence[int], order: Sequence[int]) -> tuple[Moved, ...]:
    """The relevant passages that moved, then those that took or lost a place among the first ten."""
    before, after = _ranks(base), _ranks(order)
    moves = [
        Moved(question.candidates[place], before.get(place), after.get(place))
        for place in dict.fromkeys((*order, *base))
    ]
    relevant = [move for move in moves if move.passage.gain > 0 and move.before != move.after]
    others = [move for move in moves if move.passage.gain <= 0]
    first = [move for move in others if 1 in (move.before, move.after)]
    crossing = [move for move in others if _counts(move.before) != _counts(move.after)]
    return tuple(dict.fromkeys((*relevant, *first, *crossing)))[:SHOWN_PASSAGES]


def _ranks(order: Sequence[int]) -> dict[int, int]:
    return {place: rank for rank, place in enumerate(order, start=1)}


def _counts(rank: int | None) -> bool:
    return rank is not None and rank <= EDGE
