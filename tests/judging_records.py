"""Sessions by hand: three questions with pools of three, and many of one kind for verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragcli.evaluation.provenance import PERSON
from ragcli.evaluation.questions import Question
from ragcli.judging.always_valid import Bets
from ragcli.judging.pool_file import Plan
from ragcli.judging.pools import Pool, PooledPassage

A, B, C = "a" * 32, "b" * 32, "c" * 32
PLAN = Plan(PERSON, seed=7, effect=0.1, bets=Bets(3, 0.4))


def pool(
    name: str,
    decisions: Mapping[str, float | None] | None = None,
    base: Sequence[str] = (A, B),
    reranked: Sequence[str] = (C, A),
    seconds: float = 0.0,
) -> Pool:
    passages = tuple(PooledPassage(one, f"{one[0]}.md", f"The phrase of {one[0]}.") for one in (B, C, A))
    arms = {"bi-encoder": tuple(base), "reranked": tuple(reranked)}
    return Pool(Question(name, f"What is {name}?"), arms, passages, decisions or {}, seconds)


def gained(name: str) -> Pool:
    """Only the second arm found the one relevant passage, at its top: nDCG@5 0 and 1."""
    return pool(name, {A: 0.0, B: 0.0, C: 1.0}, seconds=30.0)


def lost(name: str) -> Pool:
    return pool(name, {A: 0.0, B: 0.0, C: 1.0}, base=(C, A), reranked=(A, B), seconds=30.0)


def same(name: str) -> Pool:
    return pool(name, {A: 1.0, B: 0.0, C: 0.0}, base=(A, B), reranked=(A, C), seconds=30.0)


def irrelevant(name: str) -> Pool:
    return pool(name, {A: 0.0, B: 0.0, C: None}, seconds=30.0)
