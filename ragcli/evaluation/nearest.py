"""The passage that a phrase of gold was probably copied from, and why it does not count. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ragcli.evaluation.relevance import flat
from ragcli.text.sentences import split_sentences
from ragcli.types import Chunk

NEAR = 0.5
"""The share of a phrase's words, rare ones counting more, that a passage must hold to be named."""

IN_NONE = "in no passage of the index"
NOT_WORD_FOR_WORD = "in no passage word for word"
OTHER_MARKS = "the passage has these words with other punctuation or markup between them"
ACROSS_TWO = "it runs from one passage into the next; quote from one of them"
LEFT_OUT = "words are left out with an ellipsis; give each part as a phrase of its own"

_WORD = re.compile(r"\w+")
_ELLIPSIS = re.compile(r"\s*(?:\[\s*)?(?:\.{3,}|…)(?:\s*\])?\s*")


@dataclass(frozen=True, slots=True)
class Nearest:
    """`words` is the sentence of `chunk` that has most in common with the phrase. Without a chunk nothing is
    near.
    """

    reason: str
    chunk: Chunk | None = None
    words: str = ""


def nearest_passage(phrase: str, chunks: Sequence[Chunk]) -> Nearest:
    """For a phrase that no passage holds."""
    plain = _plain(phrase)
    if not plain:
        return Nearest(IN_NONE)
    texts = [_plain(chunk.text) for chunk in chunks]
    for chunk, text in zip(chunks, texts, strict=True):
        if _within(plain, text):
            return _at(OTHER_MARKS, chunk, plain)
    for (one, first), (other, second) in pairwise(zip(chunks, texts, strict=True)):
        if one.source == other.source and _within(plain, f"{first} {second}"):
            return _at(ACROSS_TWO, one, plain)
    parts = [part for part in map(_plain, _ELLIPSIS.split(phrase)) if part]
    for chunk, text in zip(chunks, texts, strict=True):
        if len(parts) > 1 and all(_within(part, text) for part in parts):
            return _at(LEFT_OUT, chunk, plain)
    best = _most_shared(plain, texts)
    return Nearest(IN_NONE) if best is None else _at(NOT_WORD_FOR_WORD, chunks[best], plain)


def _plain(text: str) -> str:
    """Its words alone, a space between two."""
    return " ".join(_WORD.findall(flat(text)))


def _within(phrase: str, text: str) -> bool:
    """By whole words."""
    return f" {phrase} " in f" {text} "


def _most_shared(phrase: str, texts: Sequence[str]) -> int | None:
    """The place of the text with the largest weighted share of the phrase's words; None below NEAR."""
    wanted = set(phrase.split())
    held = [wanted.intersection(text.split()) for text in texts]
    counts = Counter(word for words in held for word in words)
    weights = {word: math.log(1 + len(texts) / (1 + counts[word])) for word in wanted}
    total = sum(weights.values())
    shares = [sum(weights[word] for word in sorted(words)) / total for words in held]
    best = max(range(len(shares)), key=shares.__getitem__, default=None)
    return best if best is not None and shares[best] >= NEAR else None


def _at(reason: str, chunk: Chunk, phrase: str) -> Nearest:
    wanted = set(phrase.split())
    sentences = [chunk.text[start:end] for start, end in split_sentences(chunk.text)]
    words = max(sentences, key=lambda one: len(wanted.intersection(_plain(one).split())), default="")
    return Nearest(reason, chunk, " ".join(words.split()))
