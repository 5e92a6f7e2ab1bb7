"""Ranking metrics, one tiny function each. A ranking is the gains of the ranked documents, best first.

`gains` has the judged relevance of each retrieved document in rank order (0 if unjudged). `ideal` has
the positive judgements of the whole question, retrieved or not, in any order. A question without a positive
judgement has no value in any of these measures: leave it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2


def dcg(gains: Sequence[float], depth: int) -> float:
    """Discounted cumulative gain with linear gains: sum of gain / log2(rank + 1).

    Järvelin and Kekäläinen (2002), "Cumulated gain-based evaluation of IR techniques"; as trec_eval has it.
    """
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains[:depth], start=1))


def ndcg(gains: Sequence[float], ideal: Sequence[float], depth: int = 10) -> float:
    """DCG divided by the best DCG that any ranking could have."""
    best = dcg(sorted(ideal, reverse=True), depth)
    return dcg(gains, depth) / best if best else 0.0


def reciprocal_rank(gains: Sequence[float], depth: int = 10) -> float:
    """1 / rank of the first relevant document within `depth`, else 0. Voorhees (1999), TREC-8 question
    answering.
    """
    return next((1 / rank for rank, gain in enumerate(gains[:depth], start=1) if gain > 0), 0.0)


def recall(gains: Sequence[float], ideal: Sequence[float], depth: int) -> float:
    """Share of the relevant documents that are within `depth`."""
    relevant = sum(1 for gain in ideal if gain > 0)
    return sum(1 for gain in gains[:depth] if gain > 0) / relevant if relevant else 0.0


def hit(gains: Sequence[float], depth: int) -> float:
    """1 if any relevant document is within `depth`, else 0."""
    return float(any(gain > 0 for gain in gains[:depth]))


def average_precision(gains: Sequence[float], ideal: Sequence[float]) -> float:
    """Mean of the precision at each relevant document's rank; those not retrieved count 0.

    Buckley and Voorhees (2000), "Evaluating evaluation measure stability".
    """
    relevant = sum(1 for gain in ideal if gain > 0)
    found = 0
    total = 0.0
    for rank, gain in enumerate(gains, start=1):
        if gain > 0:
            found += 1
            total += found / rank
    return total / relevant if relevant else 0.0


def judged(flags: Sequence[bool], depth: int = 10) -> float:
    """Share of the first `depth` documents that somebody judged (judged@10); 1 where there are none.

    The other measures take what nobody judged for irrelevant.
    """
    first = flags[:depth]
    return sum(first) / len(first) if first else 1.0
