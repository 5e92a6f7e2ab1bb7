"""The interval and the p-value of a paired comparison."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ragcli.evaluation.paired_tests import holm, paired_difference, questions_needed


def example(n: int, shift: float, seed: int = 1) -> tuple[list[float], list[float]]:
    draw = np.random.default_rng(seed)
    before = draw.uniform(0, 1, n)
    return list(before), list(before + draw.normal(shift, 0.2, n))


def test_the_mean_and_the_counts() -> None:
    found = paired_difference([0.5, 0.5, 0.5, 0.5], [1.0, 0.25, 0.5, 0.75])
    assert found.mean == pytest.approx(0.125)
    assert (found.won, found.lost, found.tied) == (2, 1, 1)


def test_the_p_value_is_the_share_of_sign_flips_that_are_as_extreme() -> None:
    """Eight differences: all 256 flips can be enumerated."""
    before, after = example(8, 0.1)
    deltas = np.array(after) - np.array(before)
    flips = [abs(float(np.dot(signs, deltas))) / 8 for signs in product((-1, 1), repeat=8)]
    exact = sum(flip >= abs(deltas.mean()) - 1e-12 for flip in flips) / len(flips)

    assert paired_difference(before, after).p_value == pytest.approx(exact, abs=0.02)


def test_the_p_value_is_that_of_scipy() -> None:
    before, after = example(40, 0.05)
    expected = stats.permutation_test(
        (before, after),
        lambda x, y, axis: (y - x).mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9999,
        random_state=3,
    )
    assert paired_difference(before, after).p_value == pytest.approx(expected.pvalue, abs=0.02)


def test_the_interval_is_that_of_scipy() -> None:
    before, after = example(60, 0.05)
    deltas = np.array(after) - np.array(before)
    expected = stats.bootstrap((deltas,), np.mean, method="percentile", random_state=3).confidence_interval
    found = paired_difference(before, after)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.004)
    assert found.low < found.mean < found.high


def test_without_a_difference_one_comparison_in_twenty_looks_like_one() -> None:
    draw = np.random.default_rng(5)
    trials = 300
    alarms = outside = 0
    for trial in range(trials):
        deltas = draw.normal(0, 0.2, 30)
        found = paired_difference([0.0] * 30, list(deltas), seed=trial, resamples=500)
        alarms += found.p_value < 0.05
        outside += not found.low <= 0 <= found.high
    # Three standard deviations of a binomial(300, 0.05) around 15; the percentile interval is a bit narrow.
    assert 4 <= alarms <= 26
    assert 4 <= outside <= 34


def test_no_difference_at_all_is_certainly_none() -> None:
    found = paired_difference([0.3, 0.6], [0.3, 0.6])
    assert (found.mean, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_turned_around_it_is_the_same_difference() -> None:
    before, after = example(30, 0.1)
    one, other = paired_difference(before, after), paired_difference(after, before)
    assert (one.mean, one.won, one.lost) == pytest.approx((-other.mean, other.lost, other.won))
    assert one.p_value == other.p_value


def test_the_seed_decides() -> None:
    before, after = example(30, 0.02)
    assert paired_difference(before, after) == paired_difference(before, after)
    assert paired_difference(before, after) != paired_difference(before, after, seed=8)


def test_a_p_value_is_never_zero() -> None:
    found = paired_difference([0.0] * 60, [1.0] * 60, resamples=999)
    assert found.p_value == pytest.approx(1 / 1000)


@pytest.mark.parametrize(("before", "after"), [([], []), ([0.1], [0.1, 0.2])])
def test_what_cannot_be_compared_is_refused(before: list[float], after: list[float]) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        paired_difference(before, after)


class TestHolm:
    def test_by_hand(self) -> None:
        """Three tests: 3 x 0.01, 2 x 0.03, and 0.04 which may not fall below its predecessor."""
        assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])

    def test_nothing_exceeds_one(self) -> None:
        assert holm([0.6, 0.9]) == [1.0, 1.0]

    def test_without_tests_there_is_nothing(self) -> None:
        assert holm([]) == []

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
    def test_it_lies_between_the_value_and_bonferroni_and_keeps_the_order(self, values: list[float]) -> None:
        corrected = holm(values)
        assert all(
            p <= c <= min(1.0, len(values) * p) or c == 1.0 for p, c in zip(values, corrected, strict=True)
        )
        ranked = sorted(range(len(values)), key=lambda place: values[place])
        assert [corrected[place] for place in ranked] == sorted(corrected)


class TestQuestionsNeeded:
    def test_by_hand(self) -> None:
        """Mean 0.1, standard deviation 0.2: ((1.960 + 0.842) x 2)^2 = 31.4."""
        spread = 0.2 / np.std([-1, 1], ddof=1)
        assert questions_needed([0.1 - spread, 0.1 + spread]) == 32

    def test_as_many_find_the_difference_in_four_cases_of_five(self) -> None:
        draw = np.random.default_rng(5)
        sample = draw.normal(0.1, 0.3, 400)
        needed = questions_needed(list(sample))
        assert needed is not None
        found = [
            stats.ttest_1samp(draw.normal(sample.mean(), sample.std(ddof=1), needed), 0).pvalue < 0.05
            for _ in range(600)
        ]
        assert np.mean(found) == pytest.approx(0.8, abs=0.06)

    def test_no_difference_takes_no_number_of_questions(self) -> None:
        assert questions_needed([0.1, -0.1]) is None
        assert questions_needed([0.4]) is None
