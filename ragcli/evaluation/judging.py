"""Candidates meet judgements: questions of a file over an index, or of a judged collection. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragcli.errors import UsageError
from ragcli.evaluation.beir import JudgedCollection
from ragcli.evaluation.missing import described, missing_gold
from ragcli.evaluation.overlap import word_overlap
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import JudgedPassage, JudgedQuestion
from ragcli.evaluation.relevance import relevant_chunks
from ragcli.types import Candidate, Chunk


def judge(
    questions: Sequence[Question], found: Sequence[Sequence[Candidate]], chunks: Sequence[Chunk]
) -> tuple[JudgedQuestion, ...]:
    """Every question with its candidates; `chunks` is the whole index. A relevant chunk has the gain 1, or
    the one that a judge gave it.

    Raises UsageError if no question names a passage of the index.
    """
    held = {chunk.id: chunk for chunk in chunks}
    judged = tuple(
        judged_question(question, candidates, gains(question, chunks), held)
        for question, candidates in zip(questions, found, strict=True)
    )
    if not any(question.ideal for question in judged):
        raise _nothing_relevant(questions, chunks)
    return judged


def _nothing_relevant(questions: Sequence[Question], chunks: Sequence[Chunk]) -> UsageError:
    first = next(iter(missing_gold(questions, chunks)), None)
    if first is None and (waiting := sum(question.left > 0 for question in questions)):
        return UsageError(
            f"No question that was judged whole has a relevant passage; not judged yet: {waiting}.",
            hint="ragcli judge FILE goes on with them.",
        )
    if first is None and any(question.judged_by for question in questions):
        return UsageError(
            "None of the questions had a relevant passage among those judged.",
            hint="Judge questions that the documents in the index answer.",
        )
    return UsageError(
        "None of the questions names a passage in the index."
        + (f" The first: {described(first)}." if first else ""),
        hint="Give each question 'relevant' (a path, see ragcli list) or 'evidence' (a verbatim phrase).",
    )


def gains(question: Question, chunks: Sequence[Chunk]) -> Mapping[str, float]:
    """By chunk, in the order of the index; those that were judged not relevant have 0. A judge's word counts
    before what evidence finds, as a neighbour may hold that too.
    """
    found, judged = relevant_chunks(question, chunks), dict(question.judged)
    return {c.id: judged.get(c.id, 1.0) for c in chunks if c.id in found or c.id in judged}


def judged_question(
    question: Question,
    candidates: Sequence[Candidate],
    gains: Mapping[str, float],
    chunks: Mapping[str, Chunk],
) -> JudgedQuestion:
    """With its `gains` by chunk; `chunks` has all those that have one, by id."""
    relevant = {name: gain for name, gain in gains.items() if gain > 0} if question.answerable else {}
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
                gain=gains.get(candidate.chunk.id, 0.0),
                judged=not question.judged or candidate.chunk.id in gains,
            )
            for candidate in candidates
        ),
        ideal=tuple(relevant.values()),
        answers=question.answers,
        answerable=question.answerable,
        grade=question.grade,
        gold=tuple(relevant),
        sources=tuple(dict.fromkeys(chunks[name].source for name in relevant)),
        overlap=_most_overlap(question.text, [chunks[name].passage for name in relevant]),
        judged_by=question.judged_by,
        left=question.left,
        fields=question.fields,
    )


def judge_by_qrels(
    query: str,
    text: str,
    candidates: Sequence[tuple[str, float]],
    collection: JudgedCollection,
) -> JudgedQuestion:
    """`candidates` are (document id, similarity), nearest first. Grades of 0 or less have no gain."""
    corpus, titles, grades = collection.corpus, collection.titles, collection.qrels[query]
    relevant = {name: grade for name, grade in grades.items() if grade > 0}
    return JudgedQuestion(
        id=query,
        text=text,
        candidates=tuple(
            JudgedPassage(
                id=name,
                source=name,
                location=titles.get(name, ""),
                text=corpus[name].removeprefix(f"{titles[name]}: ") if name in titles else corpus[name],
                similarity=similarity,
                gain=max(0.0, grades.get(name, 0.0)),
                judged=name in grades,
            )
            for name, similarity in candidates
        ),
        ideal=tuple(relevant.values()),
        gold=tuple(relevant),
        sources=tuple(relevant),
        overlap=_most_overlap(text, [corpus[name] for name in relevant if name in corpus]),
    )


def _most_overlap(question: str, passages: Sequence[str]) -> float | None:
    shares = (word_overlap(question, passage) for passage in passages)
    return max((share for share in shares if share is not None), default=None)


def passage_text(passage: JudgedPassage) -> str:
    """What the encoders read: the same as `types.Chunk.passage`."""
    return f"{passage.location}: {passage.text}" if passage.location else passage.text
