"""Which gold of the questions is not in the index, and why. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath

from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import MissingGold
from ragcli.evaluation.relevance import flat, holds, names_source, relevant_chunks
from ragcli.text.names import nfc
from ragcli.types import Chunk

LONGEST_SHOWN = 60
"""In characters: evidence may be as long as a passage."""


def missing_gold(questions: Sequence[Question], chunks: Sequence[Chunk]) -> tuple[MissingGold, ...]:
    """Every name that matches nothing in the index, and everything that leaves a question without gold."""
    sources = tuple(dict.fromkeys(chunk.source for chunk in chunks))
    return tuple(
        gap for question in questions if question.answerable for gap in _of(question, chunks, sources)
    )


def described(gap: MissingGold) -> str:
    """ "q3: leave.md: no such document in the index (did you mean docs/leave.pdf?)"."""
    shown = gap.gold if len(gap.gold) <= LONGEST_SHOWN else gap.gold[: LONGEST_SHOWN - 1] + "…"
    parts = [gap.question_id, *([shown] if shown else []), gap.reason]
    return ": ".join(parts) + (f" (did you mean {gap.nearest}?)" if gap.nearest else "")


def _of(question: Question, chunks: Sequence[Chunk], sources: Sequence[str]) -> Iterator[MissingGold]:
    names, phrases = (tuple(filter(flat, given)) for given in (question.relevant, question.evidence))
    if not names and not phrases:
        yield MissingGold(question.id, "", "it has neither 'relevant' nor 'evidence'")
    for name in names:
        named = Question(question.id, question.text, relevant=(name,))
        if not relevant_chunks(named, chunks):
            yield _of_name(question.id, name, chunks, sources)
    if phrases and not relevant_chunks(question, chunks):
        for phrase in phrases:
            yield _of_phrase(question.id, phrase, chunks, among_named=bool(names))


def _of_name(question_id: str, name: str, chunks: Sequence[Chunk], sources: Sequence[str]) -> MissingGold:
    path, _, heading = name.partition("#")
    within = [chunk for chunk in chunks if names_source(path, chunk.source)]
    if not within:
        return MissingGold(question_id, name, "no such document in the index", _nearest_source(path, sources))
    headings = dict.fromkeys(part for chunk in within for part in (chunk.title, *chunk.headings))
    return MissingGold(
        question_id, name, f"no such heading in {within[0].source}", _nearest(heading, headings)
    )


def _of_phrase(question_id: str, phrase: str, chunks: Sequence[Chunk], *, among_named: bool) -> MissingGold:
    if not among_named:
        return MissingGold(question_id, phrase, "in no passage of the index")
    elsewhere = next((chunk.source for chunk in chunks if holds(flat(chunk.text), flat(phrase))), "")
    return MissingGold(question_id, phrase, "in no passage of its relevant documents", elsewhere)


def _nearest_source(path: str, sources: Sequence[str]) -> str:
    """By the whole path, else by the file's name: the folder is the most common mistake."""
    by_name = {nfc(PurePosixPath(source).name).casefold(): source for source in reversed(sources)}
    close = difflib.get_close_matches(nfc(PurePosixPath(path).name).casefold(), by_name, 1)
    return by_name[close[0]] if close else _nearest(path, sources)


def _nearest(name: str, known: Collection[str]) -> str:
    by_plain = {flat(one): one for one in known if one}
    close = difflib.get_close_matches(flat(name), by_plain, 1)
    return by_plain[close[0]] if close else ""
