"""Candidates meet judgements: questions of a file over an index, or of a judged collection. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragcli.errors import UsageError
from ragcli.evaluation.missing import described, missing_gold
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import JudgedPassage, JudgedQuestion
from ragcli.evaluation.relevance import relevant_chunks
from ragcli.types import Candidate, Chunk


def judge(
    questions: Sequence[Question], found: Sequence[Sequence[Candidate]], chunks: Sequence[Chunk]
) -> tuple[JudgedQuestion, ...]:
    """Every question with its candidates; `chunks` is the whole index. A relevant chunk has the gain 1.

    Raises UsageError if no question names a passage of the index.
    """
    judged = tuple(
        _judged(question, candidates, relevant_chunks(question, chunks))
        for question, candidates in zip(questions, found, strict=True)
    )
    if not any(question.ideal for question in judged):
        first = next(iter(missing_gold(questions, chunks)), None)
        raise UsageError(
            "None of the questions names a passage in the index."
            + (f" The first: {described(first)}." if first else ""),
            hint="Give each question 'relevant' (a path, see ragcli list) or 'evidence' (a verbatim phrase).",
        )
    return judged


def _judged(question: Question, candidates: Sequence[Candidate], relevant: frozenset[str]) -> JudgedQuestion:
    return JudgedQuestion(
        id=question.id,
        text=question.text,
        candidates=tuple(
            JudgedPassage(
                id=candidate.chunk.id,
                source=candidate.chunk.source,
                location=candidate.chunk.location,
                text=candidate.chunk.text,
                similarity=candidate.similarity,
                gain=float(candidate.chunk.id in relevant),
            )
            for candidate in candidates
        ),
        ideal=(1.0,) * len(relevant) if question.answerable else (),
        answers=question.answers,
        answerable=question.answerable,
        grade=question.grade,
    )


def judge_by_qrels(
    query: str,
    text: str,
    candidates: Sequence[tuple[str, float]],
    corpus: Mapping[str, str],
    grades: Mapping[str, float],
) -> JudgedQuestion:
    """`candidates` are (document id, similarity), nearest first. Grades of 0 or less have no gain."""
    return JudgedQuestion(
        id=query,
        text=text,
        candidates=tuple(
            JudgedPassage(name, name, "", corpus[name], similarity, max(0.0, grades.get(name, 0.0)))
            for name, similarity in candidates
        ),
        ideal=tuple(grade for grade in grades.values() if grade > 0),
    )


def passage_text(passage: JudgedPassage) -> str:
    """What the encoders read: the same as `types.Chunk.passage`."""
    return f"{passage.location}: {passage.text}" if passage.location else passage.text
