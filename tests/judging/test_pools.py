"""The best passages of every arm are pooled, shuffled by the seed alone, and measured within the pool."""

from __future__ import annotations

from dataclasses import replace
from math import log2, sqrt

import pytest
import records
from judging_records import A, B, C, gained, irrelevant, pool

from ragcli.evaluation.questions import Question
from ragcli.evaluation.relevance import relevant_chunks
from ragcli.judging.pools import arms_of, expected_spread, own_phrase
from ragcli.judging.pools import pool as pooled
from ragcli.types import Chunk

QUESTION = Question("q", records.QUESTION)
GOD, ELEMENT, PLANET, REPORT = (chunk.id for chunk in records.CHUNKS)
ARMS = arms_of(records.comparison(answers=False), "dense", has_prior=True)


class TestArms:
    def test_each_order_of_a_retrieval_is_one(self) -> None:
        assert {name: [one.chunk.id for one in order] for name, order in ARMS.items()} == {
            "bi-encoder": [GOD, ELEMENT, PLANET, REPORT],
            "reranked": [PLANET, REPORT, GOD, ELEMENT],
            "cross-encoder alone": [PLANET, REPORT, GOD, ELEMENT],
        }

    def test_without_a_prior_the_cross_encoder_alone_is_the_reranked_order(self) -> None:
        found = arms_of(records.comparison(answers=False), "hybrid", has_prior=False)
        assert list(found) == ["hybrid", "hybrid, reranked"]

    def test_five_of_each(self) -> None:
        many = tuple(replace(records.base_candidates()[0], base_rank=rank) for rank in range(1, 9))
        comparison = replace(records.comparison(answers=False), base_order=many)
        assert len(arms_of(comparison, "dense", has_prior=False)["bi-encoder"]) == 5


class TestPooling:
    def test_each_passage_once(self) -> None:
        found = pooled(QUESTION, ARMS, records.CHUNKS, seed=7)
        assert sorted(one.id for one in found.passages) == sorted({GOD, ELEMENT, PLANET, REPORT})

    def test_the_order_says_nothing_of_arms_and_ranks(self) -> None:
        swapped = dict(reversed([(name, order[::-1]) for name, order in ARMS.items()]))
        one, other = (pooled(QUESTION, arms, records.CHUNKS, seed=7) for arms in (ARMS, swapped))
        assert one.passages == other.passages

    def test_it_is_drawn_for_each_question_and_seed(self) -> None:
        orders = {
            tuple(one.id for one in pooled(replace(QUESTION, id=name), ARMS, records.CHUNKS, seed).passages)
            for name in "abcdefgh"
            for seed in (7, 8)
        }
        assert len(orders) > 8


class TestThePhraseOfAPassage:
    def chunk(self, name: str, text: str) -> Chunk:
        return replace(records.CHUNKS[0], id=name, text=text)

    def test_is_its_longest_sentence_that_no_other_holds(self) -> None:
        one = self.chunk("1", "All bats can fly through the night. Some do not.\nVampires drink.")
        other = self.chunk("2", "All bats can fly through the night.")
        assert own_phrase(one, [one]) == "All bats can fly through the night."
        assert own_phrase(one, [one, other]) == "Vampires drink."

    def test_is_its_text_where_others_hold_every_sentence(self) -> None:
        one = self.chunk("1", "Some do.\nVampires drink.")
        others = [self.chunk("2", "Some do."), self.chunk("3", "Vampires drink.")]
        assert own_phrase(one, [one, *others]) == "Some do. Vampires drink."

    def test_leads_an_evaluation_to_this_passage_alone(self) -> None:
        for chunk in records.CHUNKS:
            phrase = own_phrase(chunk, records.CHUNKS)
            found = relevant_chunks(Question("q", "?", (), (chunk.source,), (phrase,)), records.CHUNKS)
            assert found == {chunk.id}


class TestMeasures:
    def test_ndcg_is_that_of_the_pool(self) -> None:
        judged = pool("q", {A: 0.5, B: 0.0, C: 1.0}, base=(A, B), reranked=(C, A))
        assert judged.values == {
            "bi-encoder": 0.5 / (1 + 0.5 / log2(3)),
            "reranked": pytest.approx(1.0),
        }

    def test_a_question_without_a_relevant_passage_has_none(self) -> None:
        assert irrelevant("q").values is None

    def test_nor_has_one_that_is_not_judged_whole(self) -> None:
        assert gained("q").undecided(A).values is None

    def test_a_skipped_passage_counts_as_not_relevant_and_is_not_judged(self) -> None:
        judged = pool("q", {A: 1.0, B: None, C: None})
        assert judged.values == {"bi-encoder": 1.0, "reranked": 1 / log2(3)}
        assert judged.judged == {A: 1.0}

    def test_the_spread_to_expect_by_hand(self) -> None:
        """A at rank 1 and 2, B at 2 and nowhere, C nowhere and at 1; each may be the relevant one."""
        second = 1 / log2(3)
        squares = ((1 - second) ** 2, second**2, 1.0)
        assert expected_spread([pool("q"), pool("r")]) == pytest.approx(sqrt(sum(squares) / 3))
