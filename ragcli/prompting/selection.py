"""Chooses the sentences of the best passages that a small LLM reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragcli.prompting.support import content_words
from ragcli.text.sentences import split_sentences
from ragcli.types import Candidate

_ITEM = re.compile(r"(?:[-*+•–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s")
LEAST_WORDS = 2
"""A sentence with fewer content words and no figure is a link, a heading or an operator: it says nothing."""

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
    """The `count` sentences with the best `score_texts`, best first, as paragraphs of their candidate.

    Those outside `score_range` of the range from the best score to the worst are left out: a small LLM quotes
    a sentence that is unrelated to the question as readily as any other. A sentence that ends in a colon goes
    with what it introduces; one that says nothing by itself is chosen only if there is nothing else.

    A candidate has the rank of its best sentence; one without a chosen sentence is left out. A sentence that
    overlapping chunks share is scored once, for the higher ranked chunk. Each is scored with its title, like
    passages. Ties go to the higher ranked.
    """
    scored = score_sentences(question, candidates, score_texts)
    if not scored:
        return []
    sentences, scores = zip(*scored, strict=True)
    speaking = [i for i in range(len(sentences)) if _speaks(sentences, i)] or list(range(len(sentences)))
    highest = max(scores[i] for i in speaking)
    lowest = highest - score_range * (highest - min(scores))
    chosen: dict[str, tuple[Candidate, list[str]]] = {}
    taken: set[int] = set()
    for index in sorted(speaking, key=lambda i: (-scores[i], i))[:count]:
        if scores[index] < lowest:
            break
        sentence = sentences[index]
        group = (needed(sentences, index) | introduced(sentences, index)) - taken
        taken |= group
        _, texts = chosen.setdefault(sentence.candidate.chunk.id, (sentence.candidate, []))
        texts += ["\n".join(sentences[i].text for i in sorted(group))] if group else []
    return [(candidate, "\n\n".join(texts)) for candidate, texts in chosen.values()]


def score_sentences(
    question: str,
    candidates: Sequence[Candidate],
    score_texts: ScoreTexts,
) -> list[tuple[Sentence, float]]:
    """Each sentence of the candidates, in reading order, with its score from `score_texts`."""
    sentences = _sentences(candidates)
    scores = score_texts(question, [_scored_text(sentence) for sentence in sentences]) if sentences else []
    return list(zip(sentences, scores, strict=True))


def needed(sentences: Sequence[Sentence], index: int) -> set[int]:
    """The places of a sentence and of what it cannot be read without: its lead-in, and what it introduces."""
    found = {index}
    before = index - 1
    while follow(sentences, before, before + 1) and _ITEM.match(sentences[before].text):
        before -= 1
    follows_at_once = before == index - 1
    in_list = follows_at_once or _ITEM.match(sentences[index].text)
    if in_list and follow(sentences, before, before + 1) and introduces(sentences[before].text):
        found.add(before)
    if introduces(sentences[index].text) and follow(sentences, index, index + 1):
        found.add(index + 1)
    return found


def introduced(sentences: Sequence[Sentence], index: int) -> set[int]:
    """The places of all items of a list that the sentence introduces."""
    found: set[int] = set()
    item = index + 1
    while (
        introduces(sentences[index].text)
        and follow(sentences, item - 1, item)
        and _ITEM.match(sentences[item].text)
    ):
        found.add(item)
        item += 1
    return found


def follow(sentences: Sequence[Sentence], first: int, second: int) -> bool:
    """Whether these two places hold sentences of one chunk."""
    return (
        first >= 0
        and second < len(sentences)
        and sentences[first].candidate.chunk.id == sentences[second].candidate.chunk.id
    )


def introduces(text: str) -> bool:
    return text.endswith((":", "："))


def _speaks(sentences: Sequence[Sentence], index: int) -> bool:
    text = sentences[index].text
    if introduces(text) and not follow(sentences, index, index + 1):
        return False
    return len(content_words(text)) >= LEAST_WORDS or any(character.isdigit() for character in text)


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
