"""What a trained model adds, and how far to trust its probability."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from ragcli.encoders.calibration import Calibration
from ragcli.encoders.prior import NO_PRIOR, Prior
from ragcli.training.calibration import (
    expected_calibration_error,
    fit_platt,
    reliability,
)
from ragcli.training.gain import Gain, Start, choose_prior, measure_gain
from ragcli.training.ranking import RankingTask, ranking_tasks, with_prior
from tests.plane import Plane


def task(*gains: float, missed: int = 0) -> RankingTask:
    """Candidates whose similarities fall by 0.1 from 0.9, with these gains."""
    n = len(gains)
    ideal = tuple(gain for gain in gains if gain > 0) + (1.0,) * missed
    return RankingTask(
        "q", tuple(f"p{i}" for i in range(n)), tuple(0.9 - i / 10 for i in range(n)), gains, ideal
    )


class TestTheGain:
    def test_candidates_are_the_nearest_with_their_judgements(self) -> None:
        plane = Plane(q=0, r=0, a=50, b=10, c=80, d=30)
        corpus = {name: f"{name} text" for name in "abcd"}
        qrels = {"1": {"a": 2.0, "c": 1.0, "b": -1.0}, "2": {"d": 0.0}}
        (one,) = ranking_tasks({"1": "q", "2": "r", "3": "q"}, corpus, qrels, plane, depth=3)
        assert one.passages == ("b text", "d text", "a text")
        assert one.gains == (0.0, 0.0, 2.0)
        assert sorted(one.ideal) == [1.0, 2.0]
        assert one.similarities == pytest.approx([math.cos(math.radians(x)) for x in (10, 30, 50)], abs=1e-6)

    def test_the_prior_keeps_what_the_bi_encoder_knew(self) -> None:
        """Logits that say nothing lose to the base order; with the prior they leave it as it is."""
        tasks = {"s": [task(1.0, 0.0, 0.0)] * 8}
        rows = {"s": [[0.0, 0.5, 0.2]] * 8}
        assert choose_prior(tasks, rows) == Prior(6.0)  # 0.5 of logit against 0.1 of similarity: above 5
        gain = measure_gain(tasks, rows)
        assert gain.pure.mean < 0
        assert gain.prior.mean == 0.0

    def test_the_smaller_of_equal_weights_is_taken(self) -> None:
        assert choose_prior({"s": [task(0.0, 1.0)] * 4}, {"s": [[0.0, 9.0]] * 4}) == NO_PRIOR

    def test_it_is_measured_on_other_questions_than_the_weight_was_chosen_on(self) -> None:
        """Even questions want the prior, odd ones are hurt by it."""
        even, odd = task(1.0, 0.0), task(0.0, 1.0)
        gain = measure_gain({"s": [even, odd] * 5}, {"s": [[0.0, 0.3], [0.0, 0.3]] * 5})
        assert gain.chosen == Prior(4.0)
        assert gain.sets[0].questions == 5
        assert (gain.sets[0].cross_encoder, gain.sets[0].with_prior) == pytest.approx((1.0, 1 / math.log2(3)))

    def test_relevant_passages_that_were_not_retrieved_count(self) -> None:
        gain = measure_gain({"s": [task(0.0, 1.0, missed=1)] * 4}, {"s": [[0.0, 9.0]] * 4})
        assert gain.sets[0].cross_encoder == pytest.approx(1 / (1 + 1 / math.log2(3)))

    def test_it_counts_when_it_is_beyond_chance(self) -> None:
        def gain(questions: int) -> Gain:
            return measure_gain({"s": [task(0.0, 1.0)] * questions}, {"s": [[0.0, 9.0]] * questions})

        assert gain(6).prior.mean > 0
        assert not gain(6).is_shown  # three of three: one chance in four
        assert gain(20).is_shown

    def test_a_model_worse_than_the_one_it_started_from_has_none(self) -> None:
        tasks = {"s": [task(0.0, 0.0, 1.0)] * 20}
        worse, better = {"s": [[0.0, 9.0, 8.0]] * 20}, {"s": [[0.0, 1.0, 9.0]] * 20}
        assert measure_gain(tasks, worse, None).is_shown
        assert not measure_gain(tasks, worse, Start(better, NO_PRIOR)).is_shown
        assert measure_gain(tasks, better, Start(worse, NO_PRIOR)).is_shown

    def test_what_headings_count_is_kept_from_the_start(self) -> None:
        tasks, rows = {"s": [task(0.0, 1.0)] * 4}, {"s": [[0.0, 9.0]] * 4}
        assert measure_gain(tasks, rows, Start(rows, Prior(8.0, 20, 0.4))).chosen.headings == 0.4
        assert measure_gain(tasks, rows).chosen.headings == 0.0

    def test_nearer_headings_raise_a_candidate_of_a_task(self) -> None:
        """4 x 0.5 x (0.75 - 0.4 - 0.05) = 0.6 against a difference of 0.1 in similarity: 0.4."""
        both = replace(task(0.0, 1.0), similarities=(0.5, 0.4), heading_similarities=(None, 0.75))
        assert with_prior(both, [0.0, 0.0], Prior(4.0)) == pytest.approx([2.0, 1.6])
        assert with_prior(both, [0.0, 0.0], Prior(4.0, 0, 0.5)) == pytest.approx([2.0, 2.2])


class TestCalibration:
    def test_it_is_the_regression_of_scikit_learn(self) -> None:
        from sklearn.linear_model import LogisticRegression

        draw = np.random.default_rng(7)
        logits = draw.normal(-2, 4, 20_000)
        relevant = draw.uniform(size=20_000) < 1 / (1 + np.exp(-(0.7 * logits - 1.2)))
        expected = LogisticRegression(C=np.inf).fit(logits[:, None], relevant)
        found = fit_platt(list(logits), list(relevant))
        assert found.slope == pytest.approx(float(expected.coef_[0, 0]), abs=0.005)
        assert found.intercept == pytest.approx(float(expected.intercept_[0]), abs=0.01)

    def test_separable_data_do_not_make_it_certain(self) -> None:
        found = fit_platt([-9.0, -8.0, 8.0, 9.0], [False, False, True, True])
        targets = [0.25, 0.75]  # Platt's
        assert [found.probability(x) for x in (-8.5, 8.5)] == pytest.approx(targets, abs=0.02)

    def test_one_class_alone_has_no_slope(self) -> None:
        found = fit_platt([-1.0, 0.0, 1.0], [False] * 3)
        assert found.slope == pytest.approx(0.0, abs=1e-6)
        assert found.probability(0.0) == pytest.approx(1 / 5)

    def test_probabilities_are_finite_at_any_logit(self) -> None:
        steep = Calibration(2.0, 0.0)
        assert [steep.probability(x) for x in (-1e9, 0.0, 1e9)] == pytest.approx([0.0, 0.5, 1.0])

    def test_the_bins_add_up(self) -> None:
        draw = random.Random(7)
        chances = [0.0, 1.0, *(draw.random() for _ in range(500))]
        relevant = [draw.random() < chance for chance in chances]
        rows = reliability(chances, relevant)
        assert sum(row.count for row in rows) == 502
        assert sum(row.count * row.relevant_share for row in rows) == pytest.approx(sum(relevant))
        assert sum(row.count * row.mean_probability for row in rows) == pytest.approx(sum(chances))
        assert all(row.low <= row.mean_probability <= row.high for row in rows)
        assert expected_calibration_error(rows) < 0.1

    def test_the_error_is_the_mean_distance_weighted_by_count(self) -> None:
        rows = reliability([0.9, 0.9, 0.9, 0.1], [True, True, False, True])
        assert expected_calibration_error(rows) == pytest.approx(3 / 4 * (0.9 - 2 / 3) + 1 / 4 * 0.9)
