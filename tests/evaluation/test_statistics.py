"""The interval and the p-value of a paired comparison."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ragcli.evaluation.paired_tests import paired_difference, questions_needed, smallest_difference


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


def test_the_interval_holds_the_shifts_that_enumerating_all_flips_does_not_reject() -> None:
    before, after = example(10, 0.15)
    deltas = np.array(after) - np.array(before)
    signs = np.array(list(product((-1, 1), repeat=10)))

    def p_value(shift: float) -> float:
        flips = np.abs((signs * (deltas - shift)).mean(axis=1))
        return float((flips >= abs(deltas.mean() - shift) - 1e-12).mean())

    shifts = np.linspace(-0.5, 0.8, 2601)
    kept = [shift for shift in shifts if p_value(shift) >= 0.05]
    found = paired_difference(before, after)
    assert (found.low, found.high) == pytest.approx((kept[0], kept[-1]), abs=0.01)


def test_on_many_questions_the_interval_is_students() -> None:
    before, after = example(60, 0.05)
    deltas = np.array(after) - np.array(before)
    expected = stats.t.interval(0.95, 59, deltas.mean(), stats.sem(deltas))
    found = paired_difference(before, after)
    assert (found.low, found.high) == pytest.approx(expected, abs=0.004)
    assert found.low < found.mean < found.high


@given(
    st.lists(st.sampled_from([-0.5, -0.1, 0.0, 0.0, 0.2, 0.37]), min_size=1, max_size=30),
    st.integers(1, 8),
    st.sampled_from([19, 99, 400]),
)
def test_interval_and_p_value_agree(deltas: list[float], comparisons: int, resamples: int) -> None:
    found = paired_difference([0.0] * len(deltas), deltas, comparisons=comparisons, resamples=resamples)
    assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)
    assert -1 <= found.low <= found.mean <= found.high <= 1


def test_five_questions_can_show_nothing() -> None:
    found = paired_difference([0.0] * 5, [0.5] * 5)
    assert (found.low, found.high, found.sure) == (-1.0, 1.0, False)


def test_several_comparisons_share_the_five_per_cent() -> None:
    before, after = example(40, 0.08)
    one, of_three = paired_difference(before, after), paired_difference(before, after, comparisons=3)
    assert of_three.p_value == pytest.approx(3 * one.p_value)
    assert of_three.low < one.low < one.high < of_three.high
    deltas = np.array(after) - np.array(before)
    expected = stats.t.interval(1 - 0.05 / 3, 39, deltas.mean(), stats.sem(deltas))
    assert (of_three.low, of_three.high) == pytest.approx(expected, abs=0.01)


def test_without_a_difference_one_comparison_in_twenty_looks_like_one() -> None:
    draw = np.random.default_rng(5)
    trials = 300
    alarms = outside = 0
    for trial in range(trials):
        deltas = draw.normal(0, 0.2, 30)
        found = paired_difference([0.0] * 30, list(deltas), seed=trial, resamples=500)
        alarms += found.p_value < 0.05
        outside += not found.low <= 0 <= found.high
    # Three standard deviations of a binomial(300, 0.05) around 15.
    assert 4 <= alarms <= 26
    assert outside == alarms


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


class TestQuestionsNeeded:
    def test_by_hand(self) -> None:
        """((1.960 + 0.842) x 0.2 / 0.1)^2 = 31.4."""
        assert questions_needed(0.1, 0.2) == 32

    def test_as_many_find_the_difference_in_four_cases_of_five(self) -> None:
        draw = np.random.default_rng(5)
        sample = draw.normal(0.1, 0.3, 400)
        needed = questions_needed(sample.mean(), sample.std(ddof=1))
        assert needed is not None
        found = [
            stats.ttest_1samp(draw.normal(sample.mean(), sample.std(ddof=1), needed), 0).pvalue < 0.05
            for _ in range(600)
        ]
        assert np.mean(found) == pytest.approx(0.8, abs=0.06)

    def test_no_difference_takes_no_number_of_questions(self) -> None:
        assert questions_needed(0.0, 0.1) is None


class TestTheSmallestDifference:
    def test_by_hand(self) -> None:
        """(1.960 + 0.842) x 0.2 / 10 = 0.056."""
        assert smallest_difference(100, 0.2) == pytest.approx(0.056, abs=0.0005)

    def test_it_is_what_so_many_questions_show_in_four_cases_of_five(self) -> None:
        draw = np.random.default_rng(5)
        least = smallest_difference(50, 0.3)
        found = [
            paired_difference([0.0] * 50, list(draw.normal(least, 0.3, 50)), resamples=400).sure
            for _ in range(500)
        ]
        assert np.mean(found) == pytest.approx(0.8, abs=0.06)

    def test_that_many_questions_are_needed_for_it(self) -> None:
        needed = questions_needed(0.1, 0.14)
        assert needed is not None
        assert smallest_difference(needed, 0.14) <= 0.1 < smallest_difference(needed - 1, 0.14)
