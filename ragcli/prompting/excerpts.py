"""The sentences of each of the best passages that are about the question, with their neighbours."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

from ragcli.prompting.selection import ScoreTexts, Sentence, score_sentences
from ragcli.types import Candidate

_ITEM = re.compile(r"(?:[-*+•–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s")
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

    Sentences are taken by `score_texts`, best first, with the one before and the one after if these fit,
    until `tokens` are used up (headings are not counted) or the next score is outside `score_range` of the
    range from the best score to the worst. A text that ends in a colon is kept with what it introduces. The
    best sentence is taken whatever its length.
    """
    scored = score_sentences(question, candidates, score_texts)
    if not scored:
        return []
    sentences, scores = zip(*scored, strict=True)
    # The request to the server takes longer than everything else.
    count_once = cache(count_tokens)
    lowest = max(scores) - score_range * (max(scores) - min(scores))
    taken: set[int] = set()
    for index in sorted(range(len(sentences)), key=lambda i: (-scores[i], i)):
        if scores[index] < lowest:
            break
        needed = _needed(sentences, index)
        for group in (needed | _around(sentences, index), needed):
            cost = sum(count_once(sentences[i].text) for i in group - taken)
            if cost <= tokens or (not taken and group == needed):
                taken |= group
                tokens -= cost
                break
    chosen = [(candidate, _of(candidate, sentences, taken)) for candidate in candidates]
    return [(candidate, text) for candidate, text in chosen if text]


def _needed(sentences: Sequence[Sentence], index: int) -> set[int]:
    """The sentence with what is needed to read it: its lead-in, and what it introduces."""
    found = {index}
    before = index - 1
    while _follow(sentences, before, before + 1) and _ITEM.match(sentences[before].text):
        before -= 1
    follows_at_once = before == index - 1
    in_list = follows_at_once or _ITEM.match(sentences[index].text)
    if in_list and _follow(sentences, before, before + 1) and _introduces(sentences[before]):
        found.add(before)
    if _introduces(sentences[index]) and _follow(sentences, index, index + 1):
        found.add(index + 1)
    return found


def _around(sentences: Sequence[Sentence], index: int) -> set[int]:
    """The sentence before and the one after, and all items of a list that the sentence introduces."""
    found = {i for i in (index - 1, index + 1) if _follow(sentences, min(i, index), max(i, index))}
    item = index + 1
    while (
        _introduces(sentences[index])
        and _follow(sentences, item - 1, item)
        and _ITEM.match(sentences[item].text)
    ):
        found.add(item)
        item += 1
    return found


def _follow(sentences: Sequence[Sentence], first: int, second: int) -> bool:
    """Whether these two places are sentences of the same chunk."""
    return (
        first >= 0
        and second < len(sentences)
        and sentences[first].candidate.chunk.id == sentences[second].candidate.chunk.id
    )


def _introduces(sentence: Sentence) -> bool:
    return sentence.text.endswith((":", "："))


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
