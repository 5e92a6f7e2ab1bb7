"""Which gold of the questions is not in the index, and why. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from ragcli.evaluation.nearest import nearest_passage
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import MissingGold
from ragcli.evaluation.relevance import flat, holds, names_source, relevant_chunks
from ragcli.text.names import nfc
from ragcli.types import Chunk

LONGEST_SHOWN, LONGEST_PASSAGE = 60, 100
"""In characters: evidence may be as long as a passage."""


def missing_gold(
    questions: Sequence[Question], chunks: Sequence[Chunk], *, every_phrase: bool = False
) -> tuple[MissingGold, ...]:
    """Every name that matches nothing in the index, and everything that leaves a question without gold.

    One phrase of several is enough for a question to be measured; `every_phrase` reports the others too. A
    question that is still to be judged misses nothing yet.
    """
    sources = tuple(dict.fromkeys(chunk.source for chunk in chunks))
    return tuple(
        gap
        for question in questions
        if question.answerable and not question.left
        for gap in _of(question, chunks, sources, every_phrase)
    )


def described(gap: MissingGold) -> str:
    """ "q3: leave.md: no such document in the index (did you mean docs/leave.pdf?)"."""
    parts = [gap.question_id, *([shortened(gap.gold)] if gap.gold else []), gap.reason]
    return ": ".join(parts) + (f" ({guess(gap)})" if gap.nearest else "")


def guess(gap: MissingGold) -> str:
    """What may be meant, or the nearest passage: "did you mean docs/leave.pdf?"; "" where nothing is near."""
    if gap.passage:
        return f'nearest: {gap.nearest}, "{shortened(gap.passage, LONGEST_PASSAGE)}"'
    return f"did you mean {gap.nearest}?" if gap.nearest else ""


def shortened(text: str, length: int = LONGEST_SHOWN) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _of(
    question: Question, chunks: Sequence[Chunk], sources: Sequence[str], every_phrase: bool
) -> Iterator[MissingGold]:
    names, phrases = (tuple(filter(flat, given)) for given in (question.relevant, question.evidence))
    if not names and not phrases:
        yield from _of_judged(question, chunks)
    for name in names:
        named = Question(question.id, question.text, relevant=(name,))
        if not relevant_chunks(named, chunks):
            yield _of_name(question, name, chunks, sources)
    if every_phrase or not relevant_chunks(question, chunks):
        for phrase in phrases:
            if not relevant_chunks(replace(question, evidence=(phrase,)), chunks):
                yield _of_phrase(question, phrase, chunks)


def _of_judged(question: Question, chunks: Sequence[Chunk]) -> Iterator[MissingGold]:
    """Of a question that names nothing; none where a judge saw its passages, and some that are relevant are
    there or none is.
    """
    if not question.judged and not question.judged_by:
        yield MissingGold(question.id, "", "it has neither 'relevant' nor 'evidence'")
    good = {name for name, gain in question.judged if gain > 0}
    if good and not any(chunk.id in good for chunk in chunks):
        reason = "the passages that were judged relevant are not in the index any more"
        yield MissingGold(question.id, "", reason, key="judged")


def _of_name(question: Question, name: str, chunks: Sequence[Chunk], sources: Sequence[str]) -> MissingGold:
    def missing(reason: str, nearest: str) -> MissingGold:
        return MissingGold(question.id, name, reason, nearest, key="relevant")

    path, _, heading = name.partition("#")
    within = [chunk for chunk in chunks if names_source(path, chunk.source)]
    if within:
        headings = dict.fromkeys(part for chunk in within for part in (chunk.title, *chunk.headings))
        return missing(f"no such heading in {within[0].source}", _nearest(heading, headings))
    in_folder = {source for source in sources if _is_in(path, source)}
    if in_folder:
        held = f"{len(in_folder)} document{'' if len(in_folder) == 1 else 's'}"
        meant = _holder(question, [chunk for chunk in chunks if chunk.source in in_folder])
        return missing(f"a folder ({held} in the index), where a document is wanted", meant)
    return missing("no such document in the index", _nearest_source(path, sources))


def _of_phrase(question: Question, phrase: str, chunks: Sequence[Chunk]) -> MissingGold:
    if question.relevant and (elsewhere := _holder(replace(question, evidence=(phrase,)), chunks)):
        reason = "in no passage of its relevant documents"
        return MissingGold(question.id, phrase, reason, elsewhere, key="evidence")
    found = nearest_passage(phrase, chunks)
    nearest = found.chunk.source if found.chunk else ""
    return MissingGold(question.id, phrase, found.reason, nearest, key="evidence", passage=found.words)


def _holder(question: Question, chunks: Sequence[Chunk]) -> str:
    """The first document that holds one of the question's phrases; "" where none does."""
    phrases = [phrase for phrase in map(flat, question.evidence) if phrase]
    return next((chunk.source for chunk in chunks if any(holds(flat(chunk.text), p) for p in phrases)), "")


def _is_in(folder: str, source: str) -> bool:
    """Whether the folder, named from anywhere on the way to it, holds the document."""
    parts, of_source = PurePosixPath(nfc(folder)).parts, PurePosixPath(nfc(source)).parts[:-1]
    ends = range(len(parts), len(of_source) + 1)
    return bool(parts) and any(of_source[end - len(parts) : end] == parts for end in ends)


def _nearest_source(path: str, sources: Sequence[str]) -> str:
    """By the whole path, else by the file's name: the folder is the most common mistake."""
    by_name = {nfc(PurePosixPath(source).name).casefold(): source for source in reversed(sources)}
    close = difflib.get_close_matches(nfc(PurePosixPath(path).name).casefold(), by_name, 1)
    return by_name[close[0]] if close else _nearest(path, sources)


def _nearest(name: str, known: Collection[str]) -> str:
    by_plain = {flat(one): one for one in known if one}
    close = difflib.get_close_matches(flat(name), by_plain, 1)
    return by_plain[close[0]] if close else ""
