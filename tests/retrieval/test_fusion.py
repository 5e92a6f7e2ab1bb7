"""Reciprocal rank fusion: the formula by hand, and what holds for any two rankings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.retrieval.fusion import fuse, fused_order, reciprocal_ranks
from ragcli.types import Candidate
from tests.records import CHUNKS, base_candidates

NAMES = st.lists(st.sampled_from("abcdefghij"), unique=True)
K = st.floats(min_value=0, max_value=1000)


def test_the_formula_by_hand() -> None:
    scores = reciprocal_ranks([["a", "b", "c"], ["c", "a"]], 60)
    assert scores == {
        "a": pytest.approx(1 / 61 + 1 / 62),
        "b": pytest.approx(1 / 62),
        "c": pytest.approx(1 / 63 + 1 / 61),
    }


def test_a_small_k_trusts_the_first_ranks_more() -> None:
    """Rank 1 in one list against rank 3 in both: 1/61 < 2/63, and 1/1 > 2/3."""
    rankings = [["a", "x", "b"], ["y", "z", "b"]]
    flat = dict.fromkeys("abxyz", 0.0)
    assert fused_order(rankings, flat, 60)[0][0] == "b"
    assert fused_order(rankings, flat, 0)[0][0] == "a"


def test_ties_go_to_the_more_similar_and_then_by_name() -> None:
    rankings = [["a", "b"], ["b", "a"]]
    assert [name for name, _ in fused_order(rankings, {"a": 0.1, "b": 0.2}, 60)] == ["b", "a"]
    assert [name for name, _ in fused_order(rankings, {"a": 0.1, "b": 0.1}, 60)] == ["a", "b"]


@given(NAMES, NAMES, K)
def test_what_is_first_in_both_is_first(one: list[str], other: list[str], k: float) -> None:
    rankings = [["first", *one], ["first", *other]]
    similarities = {name: 0.5 for ranking in rankings for name in ranking}
    assert fused_order(rankings, similarities, k)[0][0] == "first"


@given(NAMES, NAMES, K)
def test_the_order_of_the_rankings_does_not_matter(one: list[str], other: list[str], k: float) -> None:
    similarities = {name: ord(name) / 1000 for name in {*one, *other}}
    assert fused_order([one, other], similarities, k) == fused_order([other, one], similarities, k)


@given(NAMES, NAMES, K)
def test_each_name_comes_once_and_none_is_lost(one: list[str], other: list[str], k: float) -> None:
    similarities = dict.fromkeys({*one, *other}, 0.5)
    names = [name for name, _ in fused_order([one, other], similarities, k)]
    assert len(names) == len(set(names))
    assert set(names) == {*one, *other}


@given(NAMES, K)
def test_with_an_empty_list_the_other_one_keeps_its_order(ranking: list[str], k: float) -> None:
    similarities = dict.fromkeys(ranking, 0.5)
    assert [name for name, _ in fused_order([ranking, []], similarities, k)] == ranking


class TestCandidates:
    def lexical(self, *places: int) -> list[Candidate]:
        return [
            replace(base_candidates()[place], base_rank=rank, lexical_rank=rank, bm25=10.0 - rank)
            for rank, place in enumerate(places, start=1)
        ]

    def test_they_carry_both_ranks_and_their_fused_score(self) -> None:
        dense = base_candidates()[:3]
        fused = fuse(dense, self.lexical(2, 3), k=60, n=10)
        assert [c.chunk.id for c in fused] == [CHUNKS[place].id for place in (2, 0, 1, 3)]
        assert [c.base_rank for c in fused] == [1, 2, 3, 4]
        assert [(c.dense_rank, c.lexical_rank, c.bm25) for c in fused] == [
            (3, 1, 9.0),
            (1, None, None),
            (2, None, None),
            (None, 2, 8.0),
        ]
        assert fused[0].fused == pytest.approx(1 / 63 + 1 / 61)
        assert fused[3].fused == pytest.approx(1 / 62)
        assert all(c.similarity == base_candidates()[CHUNKS.index(c.chunk)].similarity for c in fused)

    def test_the_best_n_are_kept(self) -> None:
        assert len(fuse(base_candidates(), self.lexical(3), k=60, n=2)) == 2
