"""The sentences of each of the best passages that are about the question, with their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from ragcli.prompting.selection import ScoreTexts, Sentence, follow, introduced, needed, score_sentences
from ragcli.types import Candidate

GAP = " … "
"""Marks where sentences of the passage were left out."""


def choose_excerpts(
    question: str,
    candidates: Sequence[Candidate],
    tokens: int,
    score_range: float,
    *,
    score_texts: ScoreTexts,
    count_tokens: Callable[[str], int],
) -> list[tuple[Candidate, str]]:
    """Excerpts in the candidates' order, each in reading order; a candidate without one is left out.

    Sentences are taken by `score_texts`, best first, until `tokens` are used up (headings are not counted) or
    the next score is outside `score_range` of the range from the best score to the worst. What is left of
    the tokens goes to the one before and the one after, in the same order: the answer is missing more often
    because its passage is not there than because its neighbours are not (bench/answers.md). A text that ends
    in a colon is kept with what it introduces. The best sentence is taken whatever its length.
    """
    scored = score_sentences(question, candidates, score_texts)
    if not scored:
        return []
    sentences, scores = zip(*scored, strict=True)
    # The request to the server takes longer than everything else.
    count_once = cache(count_tokens)
    lowest = max(scores) - score_range * (max(scores) - min(scores))
    liked = sorted((i for i, score in enumerate(scores) if score >= lowest), key=lambda i: (-scores[i], i))
    least = [needed(sentences, index) for index in liked]
    taken: set[int] = set()
    for group in least + [few | _around(sentences, i) for few, i in zip(least, liked, strict=True)]:
        cost = sum(count_once(sentences[i].text) for i in group - taken)
        if cost <= tokens or not taken:
            taken |= group
            tokens -= cost
    chosen = [(candidate, _of(candidate, sentences, taken)) for candidate in candidates]
    return [(candidate, text) for candidate, text in chosen if text]


def _around(sentences: Sequence[Sentence], index: int) -> set[int]:
    """The sentence before and the one after, and all items of a list that the sentence introduces."""
    near = {i for i in (index - 1, index + 1) if follow(sentences, min(i, index), max(i, index))}
    return near | introduced(sentences, index)


def _of(candidate: Candidate, sentences: Sequence[Sentence], taken: set[int]) -> str:
    """The taken sentences of the candidate; the text between two consecutive ones does not change."""
    chunk = candidate.chunk
    text, end = "", -1
    for index in sorted(i for i in taken if sentences[i].candidate.chunk.id == chunk.id):
        sentence = sentences[index]
        between = chunk.text[end - chunk.start : sentence.start - chunk.start] if text else ""
        text += (between if not between.strip() else GAP) + sentence.text
        end = sentence.end
    return text
