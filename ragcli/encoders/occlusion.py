"""What each word contributes to a score: the score of the whole text, less the score without that word.

Occlusion comes from pictures (Zeiler and Fergus 2014, arXiv:1311.2901); for words it is called erasure (Li,
Monroe and Jurafsky 2016, arXiv:1612.08220). It only asks for scores, so it reads any model that ragcli runs.
What it cannot show: two words that say the same stand in for each other, and leaving out one of them changes
little. That is why a word that is repeated is left out everywhere at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.encoders.reranking import Reranker

# A word as a reader sees it: with its apostrophe, and not the model's word pieces.
_WORD = re.compile(r"\w+(?:['’]\w+)*")

Score = Callable[[Sequence[str], Sequence[str]], tuple[Sequence[float], Sequence[float]]]
"""Gets variants of the question and of the passage, the whole text first in each. Returns the score of each
question with the whole passage, and of each passage with the whole question."""


@dataclass(frozen=True, slots=True)
class WordChange:
    """`change` is what the score loses without the word: above 0, the word raised it."""

    start: int
    end: int
    change: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One model's view of a pair: its score, and what each word contributes, in reading order."""

    score: float
    question: tuple[WordChange, ...]
    passage: tuple[WordChange, ...]


@dataclass(frozen=True, slots=True)
class Occlusion:
    """Two readings of one pair: the cross-encoder's (logits) and the bi-encoder's (cosine similarities)."""

    question: str
    passage: str
    cross_encoder: Reading
    bi_encoder: Reading


def occlude(question: str, passage: str, *, reranker: Reranker, bi_encoder: BiEncoder) -> Occlusion:
    """How both models read the pair. Raises ModelError or ServerError, as scoring does."""

    def logits(questions: Sequence[str], passages: Sequence[str]) -> tuple[list[float], list[float]]:
        lists = [(question, passages), *((variant, [passage]) for variant in questions)]
        of_passages, *of_questions = reranker.logits_of_lists(lists)
        return [logit for (logit,) in of_questions], of_passages

    def similarities(questions: Sequence[str], passages: Sequence[str]) -> tuple[list[float], list[float]]:
        asked, found = bi_encoder.embed(questions, query=True), bi_encoder.embed(passages)
        return (asked @ found[0]).tolist(), (found @ asked[0]).tolist()

    return Occlusion(
        question, passage, read(question, passage, logits), read(question, passage, similarities)
    )


def read(question: str, passage: str, score: Score) -> Reading:
    """What each word contributes to the score of this pair. One call of `score`."""
    words, rest = _words(question), _words(passage)
    questions, passages = score(
        [question, *(_without(question, spans) for spans in words)],
        [passage, *(_without(passage, spans) for spans in rest)],
    )
    return Reading(float(questions[0]), _changes(words, questions), _changes(rest, passages))


def _words(text: str) -> list[list[tuple[int, int]]]:
    """The spans of each distinct word, in the order of their first places."""
    found: dict[str, list[tuple[int, int]]] = {}
    for match in _WORD.finditer(text):
        found.setdefault(match[0].casefold(), []).append(match.span())
    return list(found.values())


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    kept, position = [], 0
    for start, end in spans:
        kept.append(text[position:start])
        position = end
    return "".join([*kept, text[position:]])


def _changes(words: Sequence[Sequence[tuple[int, int]]], scores: Sequence[float]) -> tuple[WordChange, ...]:
    whole = scores[0]
    changes = [
        WordChange(start, end, float(whole - without))
        for spans, without in zip(words, scores[1:], strict=True)
        for start, end in spans
    ]
    return tuple(sorted(changes, key=lambda change: change.start))
