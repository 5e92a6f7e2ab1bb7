"""What a question costs: the LLM's tokens at the prices of the settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragcli.evaluation.costs import cost
from ragcli.evaluation.records import Run
from tests.evaluation_records import random_run, small_run


def priced(run: Run, **prices: float | None) -> Run:
    return replace(run, settings={"config": {"llm": {"price_in": None, "price_out": None, **prices}}})


def test_by_hand() -> None:
    """Each prompt has 120 tokens, answers have the words of "It is the subject." and "The subject."."""
    found = cost(priced(random_run(5, answers=True), price_in=0.5, price_out=2.0))
    assert found is not None
    assert found.before == pytest.approx(1000 * (120 * 0.5 + 4 * 2) / 1e6)
    assert found.after == pytest.approx(1000 * (120 * 0.5 + 2 * 2) / 1e6)


def test_one_price_is_enough() -> None:
    found = cost(priced(random_run(5, answers=True), price_out=2.0))
    assert found is not None
    assert found.after == pytest.approx(1000 * 2 * 2 / 1e6)


def test_without_prices_or_answers_nothing_is_said() -> None:
    assert cost(priced(random_run(5, answers=True))) is None
    assert cost(random_run(5, answers=True)) is None
    assert cost(priced(random_run(5), price_in=1.0)) is None


def test_questions_whose_answer_failed_are_left_out() -> None:
    run = priced(small_run(), price_in=1.0)
    answered = [found for found in run.answers if found.base and found.reranked]
    assert len(answered) == 3
    found = cost(run)
    assert found is not None
    assert found.before == pytest.approx(1000 * 120 / 1e6)
