"""Fuse two rankings of the same chunks into one, by reciprocal rank. Pure.

Cormack, Clarke and Büttcher (2009), "Reciprocal rank fusion outperforms Condorcet and individual rank
learning methods": only ranks count, so cosines and BM25 scores need no common scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ragcli.types import Candidate


def reciprocal_ranks(rankings: Sequence[Sequence[str]], k: float) -> dict[str, float]:
    """For each name: the sum of 1 / (k + rank) over the rankings that contain it. Ranks start at 1."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + rank)
    return scores


def fused_order(
    rankings: Sequence[Sequence[str]], similarities: Mapping[str, float], k: float
) -> list[tuple[str, float]]:
    """(name, fused score) of everything in any ranking, best first; ties by similarity, then by name."""
    scores = reciprocal_ranks(rankings, k)
    return sorted(scores.items(), key=lambda item: (-item[1], -similarities[item[0]], item[0]))


def fuse(
    dense: Sequence[Candidate], lexical: Sequence[Candidate], *, k: float, n: int
) -> tuple[Candidate, ...]:
    """The n best of both, in fused order. The base rank is the fused one; the other two are kept with it."""
    found = {candidate.chunk.id: candidate for candidate in (*lexical, *dense)}
    rankings = [[candidate.chunk.id for candidate in ranking] for ranking in (dense, lexical)]
    dense_ranks, lexical_ranks = ({name: rank for rank, name in enumerate(r, start=1)} for r in rankings)
    scores = {candidate.chunk.id: candidate.bm25 for candidate in lexical}
    order = fused_order(rankings, {name: c.similarity for name, c in found.items()}, k)
    return tuple(
        replace(
            found[name],
            base_rank=rank,
            dense_rank=dense_ranks.get(name),
            lexical_rank=lexical_ranks.get(name),
            bm25=scores.get(name),
            fused=fused,
        )
        for rank, (name, fused) in enumerate(order[:n], start=1)
    )
