"""The interval holds its level under the stopping rule in use; one for a fixed number does not."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import ceil, log, sqrt
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from ragcli.judging.always_valid import (
    Bets,
    exclusions,
    interval,
    questions_needed,
    smallest_effect,
)

QUESTIONS = 60
Draw = Callable[[random.Random], float]


def first(looks: list[bool]) -> int | None:
    """After how many questions it was so for the first time."""
    return looks.index(True) + 1 if True in looks else None


def reordered(draw: random.Random) -> float:
    """Half the questions change; one relevant passage moves among the first five ranks, or out of them."""
    gains = (1.0, 0.631, 0.5, 0.431, 0.387, 0.0)
    return draw.choice(gains) - draw.choice(gains) if draw.random() < 0.5 else 0.0


def skewed(draw: random.Random) -> float:
    """Rarely a great gain, often a small loss; the mean is 0."""
    return 0.9 if draw.random() < 0.1 else -0.1


def all_or_nothing(draw: random.Random) -> float:
    return draw.choice((-1.0, 1.0))


@pytest.mark.parametrize("differences", [reordered, skewed, all_or_nothing])
def test_looking_after_every_question_finds_a_difference_that_is_not_there_in_at_most_5_percent(
    differences: Draw,
) -> None:
    draw, bets = random.Random(7), Bets(QUESTIONS, 0.35)
    sittings = [[differences(draw) for _ in range(QUESTIONS)] for _ in range(1000)]
    found = sum(any(exclusions(sitting, 0.0, bets)) for sitting in sittings)
    assert found / len(sittings) <= 0.05


@pytest.mark.parametrize("effect", [-0.3, 0.1])
def test_the_true_mean_is_missed_at_no_moment_in_95_percent_where_there_is_a_difference(
    effect: float,
) -> None:
    draw, bets = random.Random(8), Bets(QUESTIONS, 0.35)
    missed = 0
    for _ in range(1000):
        # A share of the questions gains or loses all: the mean is that share.
        sitting = [
            (effect > 0) - (effect < 0) if draw.random() < abs(effect) else 0 for _ in range(QUESTIONS)
        ]
        missed += any(exclusions(sitting, effect, bets))
    assert missed / 1000 <= 0.05


def test_an_interval_for_a_fixed_number_of_questions_fools_whoever_looks_early() -> None:
    """Why this one is used: the same sittings, the usual mean +- 1.96 standard errors."""
    draw = random.Random(7)
    fooled = 0
    for _ in range(300):
        sitting = [reordered(draw) for _ in range(QUESTIONS)]
        looks = (sitting[:number] for number in range(10, QUESTIONS + 1))
        fooled += any(abs(fmean(seen)) > 1.96 * stdev(seen) / sqrt(len(seen)) for seen in looks)
    assert fooled / 300 > 0.15


def test_a_wrong_guess_of_the_spread_costs_no_validity() -> None:
    draw = random.Random(9)
    sittings = [[reordered(draw) for _ in range(QUESTIONS)] for _ in range(500)]
    for spread in (0.01, 1.0):
        bets = Bets(QUESTIONS, spread)
        assert sum(any(exclusions(one, 0.0, bets)) for one in sittings) / 500 <= 0.05


def test_the_planned_number_finds_the_effect_as_promised_and_about_half_of_it_on_average() -> None:
    draw, spread = random.Random(10), sqrt(0.2)
    planned = questions_needed(0.1, spread)
    bets, stops = Bets(planned, spread), []
    for _ in range(400):
        sitting = [draw.choices((1.0, -1.0, 0.0), (0.15, 0.05, 0.8))[0] for _ in range(planned)]
        stops.append(first(exclusions(sitting, 0.0, bets)))
    found = [stop for stop in stops if stop is not None]
    assert len(found) / len(stops) >= 0.8
    assert fmean(found) < 0.6 * planned


def test_the_numbers_are_those_of_the_normal_approximation() -> None:
    reach = sqrt(2 * log(2 / 0.05)) + norm.ppf(0.8)
    assert questions_needed(0.1, 0.3) == 114 == ceil((reach * 0.3 / 0.1) ** 2)
    assert smallest_effect(114, 0.3) == pytest.approx(reach * 0.3 / sqrt(114))
    assert smallest_effect(1, 0.3) == 1.0


@given(st.floats(0.02, 0.9), st.floats(0.01, 1.0))
def test_they_are_each_others_inverse_where_few_questions_let_nobody_bet_much_too(
    effect: float, spread: float
) -> None:
    needed = questions_needed(effect, spread)
    assert smallest_effect(needed, spread) <= effect
    assert needed == 1 or smallest_effect(needed - 1, spread) > effect


@pytest.mark.parametrize("questions", [20, 40, 150])
def test_the_smallest_effect_is_found_about_as_often_as_promised(questions: int) -> None:
    """Differences as of a reranker: none in most questions, and few sizes."""
    draw, spread = random.Random(11), 0.25
    effect = smallest_effect(questions, spread)
    bets, found = Bets(questions, spread), 0
    for _ in range(400):
        sitting = [max(-1.0, min(1.0, effect + draw.choice((0.25, -0.25)))) for _ in range(questions)]
        found += any(exclusions(sitting, 0.0, bets))
    assert found / 400 >= 0.7


def test_one_bet_by_hand() -> None:
    """One question, all of a spread of 1: the stake is sqrt(2 log 40), more than 0.9 of what there is."""
    found = interval([1.0], Bets(1, 1.0))
    assert (found.low, found.high) == (-1.0, 1.0)
    # The capital against 0 grows by 0.9 of the stake with each such question: 1.9^6 > 40 > 1.9^5.
    assert first(exclusions([1.0] * 10, 0.0, Bets(10, 1.0))) == 6


@given(st.lists(st.floats(-1, 1), max_size=30), st.floats(0.01, 1))
def test_it_holds_the_mean_that_was_seen_and_agrees_with_what_it_leaves_out(
    differences: list[float], spread: float
) -> None:
    bets = Bets(20, spread)
    found = interval(differences, bets)
    mean = fmean(differences) if differences else 0.0
    assert -1 <= found.low <= mean + 1e-12
    assert mean - 1e-12 <= found.high <= 1
    if differences and abs(mean) > 1e-6:
        assert found.excludes(0.0) == exclusions(differences, 0.0, bets)[-1]


def test_nothing_was_seen_and_nothing_is_known() -> None:
    found = interval([], Bets(20, 0.3))
    assert (found.low, found.high) == (-1.0, 1.0)
