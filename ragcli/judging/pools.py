"""Per question the best passages of every arm, pooled and shuffled, and what a judge said of them. Pure.

The judge sees question and passage. Which arm brought it, and at what rank, stands in `Pool.arms` alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ragcli.evaluation.arms import BASE_KINDS
from ragcli.evaluation.metrics import ndcg
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import RetrievalName
from ragcli.evaluation.relevance import flat, holds
from ragcli.text.sentences import split_sentences
from ragcli.types import Candidate, Chunk, Comparison

DEPTH = 5
"""How many passages of each arm are judged."""

RELEVANT, PARTLY, NOT = 1.0, 0.5, 0.0
_LONGEST_PHRASE = 300
"""In characters."""


@dataclass(frozen=True, slots=True)
class PooledPassage:
    """`phrase` is a verbatim part of it that no other passage of its document holds."""

    id: str
    source: str
    phrase: str


@dataclass(frozen=True, slots=True)
class Pool:
    """`arms` lists each arm's best passages by id, best first; its first two are what a verdict is about.

    `passages` are in the order in which they are judged. `decisions` holds the gains of those that were
    judged, None for one that was skipped. `seconds` is how long all that took.
    """

    question: Question
    arms: Mapping[str, tuple[str, ...]]
    passages: tuple[PooledPassage, ...]
    decisions: Mapping[str, float | None] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def is_done(self) -> bool:
        return len(self.decisions) == len(self.passages)

    def decided(self, passage: str, gain: float | None, seconds: float) -> Pool:
        return replace(self, decisions={**self.decisions, passage: gain}, seconds=self.seconds + seconds)

    def undecided(self, passage: str) -> Pool:
        return replace(self, decisions={k: gain for k, gain in self.decisions.items() if k != passage})

    @property
    def judged(self) -> dict[str, float]:
        """Without the skipped ones."""
        return {name: gain for name, gain in self.decisions.items() if gain is not None}

    @property
    def values(self) -> dict[str, float] | None:
        """nDCG@5 of each arm among the pooled passages; None where none of them is relevant, or some are
        still to be judged. A skipped passage counts as not relevant.
        """
        judged = self.judged
        ideal = [gain for gain in judged.values() if gain > 0]
        if not self.is_done or not ideal:
            return None
        return {
            arm: ndcg([judged.get(passage, 0.0) for passage in best], ideal, DEPTH)
            for arm, best in self.arms.items()
        }


def arms_of(comparison: Comparison, method: RetrievalName, *, has_prior: bool) -> dict[str, list[Candidate]]:
    """The orders of one retrieval, by name. Without a prior the cross-encoder alone is the reranked order."""
    before = "" if method == "dense" else f"{method}, "
    arms: dict[str, Sequence[Candidate]] = {
        BASE_KINDS[method]: comparison.base_order,
        f"{before}reranked": comparison.reranked_order,
    }
    if has_prior:
        arms[f"{before}cross-encoder alone"] = _by_logit(comparison.reranked_order)
    return {name: list(order[:DEPTH]) for name, order in arms.items()}


def _by_logit(candidates: Sequence[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda one: (-(one.logit or 0.0), one.base_rank))


def pool(
    question: Question, arms: Mapping[str, Sequence[Candidate]], chunks: Iterable[Chunk], seed: int
) -> Pool:
    """`chunks` are those of the documents that the arms' passages are from."""
    by_source: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        by_source.setdefault(chunk.source, []).append(chunk)
    found = {one.chunk.id: one.chunk for order in arms.values() for one in order}
    passages = [
        PooledPassage(one.id, one.source, own_phrase(one, by_source[one.source])) for one in found.values()
    ]
    # By id first, so that the draw does not depend on which arm came first.
    passages.sort(key=lambda passage: passage.id)
    random.Random(f"{seed} {question.id}").shuffle(passages)
    return Pool(
        question,
        {name: tuple(one.chunk.id for one in order) for name, order in arms.items()},
        tuple(passages),
    )


def own_phrase(chunk: Chunk, chunks: Sequence[Chunk]) -> str:
    """The longest sentence of the chunk that no other of `chunks` holds, else its whole text."""
    sentences = [chunk.text[start:end] for start, end in split_sentences(chunk.text)]
    others = [flat(other.text) for other in chunks if other.id != chunk.id]
    for sentence in sorted(sentences, key=lambda text: (len(text) > _LONGEST_PHRASE, -len(text))):
        if not any(holds(other, flat(sentence)) for other in others):
            return " ".join(sentence.split())
    return " ".join(chunk.text.split())


def expected_spread(pools: Sequence[Pool]) -> float:
    """Root mean square of the difference between the first two arms, if one passage of each pool, any of
    them, were the relevant one: what can be said before anything was judged. At the upper end, as a rule.
    """
    squares = [
        (_gain(base, passage.id) - _gain(other, passage.id)) ** 2
        for pool in pools
        for base, other in [list(pool.arms.values())[:2]]
        for passage in pool.passages
    ]
    return (sum(squares) / len(squares)) ** 0.5 if squares else 0.0


def _gain(order: Sequence[str], passage: str) -> float:
    return ndcg([float(one == passage) for one in order], [1.0], DEPTH)
