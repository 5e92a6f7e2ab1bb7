"""What the index says of the questions' gold: the same as in an evaluation. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ragcli.evaluation.judging import gains, judged_question
from ragcli.evaluation.missing import missing_gold
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import JudgedQuestion, MissingGold
from ragcli.types import Candidate, Chunk


def names_any(questions: Sequence[Question]) -> bool:
    """Whether the index has to be read for their gold."""
    return any(question.relevant or question.evidence or question.judged for question in questions)


class Gold:
    """`chunks` is the whole index, or empty where no question names any of it."""

    def __init__(self, questions: Sequence[Question], chunks: Sequence[Chunk]) -> None:
        self._chunks = chunks
        self._held = {chunk.id: chunk for chunk in chunks}
        self._missing = missing_gold(questions, chunks) if chunks else ()

    def judged(self, question: Question, candidates: Sequence[Candidate]) -> JudgedQuestion:
        return judged_question(question, candidates, gains(question, self._chunks), self._held)

    def missing(self, question: Question) -> tuple[MissingGold, ...]:
        return tuple(gap for gap in self._missing if gap.question_id == question.id)
