"""The questions that reranking helped and hurt most, with the passages that moved. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.records import Arm, JudgedQuestion, Moved, QuestionChange

SHOWN_QUESTIONS = 5
SHOWN_PASSAGES = 6
# Places that count in nDCG@10: a move across this edge changes it, and one below it does not.
EDGE = 10


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


def most_helped(found: Sequence[QuestionChange], most: int = SHOWN_QUESTIONS) -> tuple[QuestionChange, ...]:
    return tuple(change for change in found[:most] if change.after > change.before)


def most_hurt(found: Sequence[QuestionChange], most: int = SHOWN_QUESTIONS) -> tuple[QuestionChange, ...]:
    return tuple(change for change in found[::-1][:most] if change.after < change.before)


def _moved(question: JudgedQuestion, base: Sequence[int], order: Sequence[int]) -> tuple[Moved, ...]:
    """The relevant passages that moved, then those that took or lost a place among the first ten."""
    before = {place: rank for rank, place in enumerate(base, start=1)}
    moves = [
        Moved(question.candidates[place], before[place], after) for after, place in enumerate(order, start=1)
    ]
    relevant = [move for move in moves if move.passage.gain > 0 and move.before != move.after]
    crossing = [
        move for move in moves if move.passage.gain <= 0 and (move.before <= EDGE) != (move.after <= EDGE)
    ]
    first = [move for move in moves if move.passage.gain <= 0 and 1 in (move.before, move.after)]
    return tuple(dict.fromkeys((*relevant, *first, *crossing)))[:SHOWN_PASSAGES]
