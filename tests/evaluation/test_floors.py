"""What a reranker must beat: the same candidates in orders that cost nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from statistics import fmean

import pytest

from ragcli.evaluation.arms import value
from ragcli.evaluation.floors import bm25_orders, expected_ndcg
from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.summary import summarise
from tests.evaluation_records import MERCURY, NOTICE, random_run, small_run


def test_the_expected_value_is_the_mean_over_orders() -> None:
    draw = random.Random(3)
    order = (0, 1, 2, 3)
    found = fmean(value(MAIN, NOTICE, draw.sample(order, 4)) for _ in range(4000))
    assert expected_ndcg(NOTICE, order) == pytest.approx(found, abs=0.01)


def test_of_many_candidates_ten_ranks_count() -> None:
    question = random_run(1, 40).questions[0]
    order = range(40)
    draw = random.Random(3)
    found = fmean(value(MAIN, question, draw.sample(order, 40)) for _ in range(4000))
    assert expected_ndcg(question, tuple(order)) == pytest.approx(found, abs=0.01)


def test_bm25_ranks_what_shares_words_first_and_keeps_the_order_of_the_rest() -> None:
    """Only the passages of Mercury and Venus speak of going round the Sun; stems count ("takes", "take")."""
    (order,) = bm25_orders([MERCURY], [(0, 1, 2, 3)])
    assert order[0] == 3
    assert sorted(order) == [0, 1, 2, 3]
    stranger = replace(MERCURY, text="Who?")
    assert list(bm25_orders([stranger], [(2, 0, 1, 3)])) == [(2, 0, 1, 3)]


def test_they_are_measured_and_the_order_in_use_is_held_against_them() -> None:
    summary = summarise(random_run(60, 20))
    at_random, by_words = summary.floors
    assert (at_random.name, by_words.name) == ("in random order", "by BM25")
    for floor in summary.floors:
        assert floor.difference.mean == pytest.approx(summary.arms[1].means[MAIN] - floor.mean)
    assert at_random.difference.sure


def test_candidates_without_a_text_have_no_words_to_rank_by() -> None:
    run = small_run()
    questions = tuple(
        replace(q, candidates=tuple(replace(c, text="", location="") for c in q.candidates))
        for q in run.questions
    )
    assert [floor.name for floor in summarise(replace(run, questions=questions)).floors] == [
        "in random order"
    ]
