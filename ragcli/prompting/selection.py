"""Chooses the sentences of the best passages that a small LLM reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragcli.text.sentences import split_sentences
from ragcli.types import Candidate

ScoreTexts = Callable[[str, Sequence[str]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a candidate's chunk; `start` and `end` are offsets into the document's text."""

    candidate: Candidate
    start: int
    end: int

    @property
    def text(self) -> str:
        offset = self.candidate.chunk.start
        return self.candidate.chunk.text[self.start - offset : self.end - offset]


def choose_sentences(
    question: str,
    candidates: Sequence[Candidate],
    count: int,
    score_range: float,
    score_texts: ScoreTexts,
) -> list[tuple[Candidate, str]]:
    """The `count` sentences with the best `score_texts`, best first, joined per candidate.

    Those outside `score_range` of the range from the best score to the worst are left out: a small LLM quotes
    a sentence that is unrelated to the question as readily as any other.

    A candidate has the rank of its best sentence; one without a chosen sentence is left out. A sentence that
    overlapping chunks share is scored once, for the higher ranked chunk. Each is scored with its title, like
    passages. Ties go to the higher ranked.
    """
    scored = score_sentences(question, candidates, score_texts)
    if not scored:
        return []
    sentences, scores = zip(*scored, strict=True)
    lowest = max(scores) - score_range * (max(scores) - min(scores))
    chosen: dict[str, tuple[Candidate, list[str]]] = {}
    for index in sorted(range(len(sentences)), key=lambda i: (-scores[i], i))[:count]:
        if scores[index] < lowest:
            break
        sentence = sentences[index]
        _, texts = chosen.setdefault(sentence.candidate.chunk.id, (sentence.candidate, []))
        texts.append(sentence.text)
    return [(candidate, " ".join(texts)) for candidate, texts in chosen.values()]


def score_sentences(
    question: str,
    candidates: Sequence[Candidate],
    score_texts: ScoreTexts,
) -> list[tuple[Sentence, float]]:
    """Each sentence of the candidates, in reading order, with its score from `score_texts`."""
    sentences = _sentences(candidates)
    scores = score_texts(question, [_scored_text(sentence) for sentence in sentences]) if sentences else []
    return list(zip(sentences, scores, strict=True))


def _sentences(candidates: Sequence[Candidate]) -> list[Sentence]:
    """In the candidates' order and in reading order within each, without repetitions."""
    found: dict[tuple[str, str], Sentence] = {}
    for candidate in candidates:
        chunk = candidate.chunk
        for start, end in split_sentences(chunk.text):
            sentence = Sentence(candidate, chunk.start + start, chunk.start + end)
            found.setdefault((chunk.source, " ".join(sentence.text.split())), sentence)
    return list(found.values())


def _scored_text(sentence: Sentence) -> str:
    location = sentence.candidate.chunk.location
    return f"{location}: {sentence.text}" if location else sentence.text
