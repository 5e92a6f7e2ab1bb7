"""Paired comparisons: a test of the difference between two arms, and the interval that agrees. Seeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

SURE = 0.05
"""The p-value below which a difference is called one; there its 95 % interval is without 0."""

POWER = 0.8
_REACH = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(POWER)
LARGEST = 1.0
"""All measures lie between 0 and 1: no difference between two means can be larger."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of (after - before) over questions, its 95 % interval and a two-sided randomisation p-value.

    The two agree: the interval is without 0 exactly where the p-value is below 0.05. `deviation` is the
    standard deviation of the differences, 0 for a single question.
    """

    mean: float
    low: float
    high: float
    p_value: float
    won: int
    lost: int
    tied: int
    deviation: float = 0.0

    @property
    def questions(self) -> int:
        return self.won + self.lost + self.tied

    @property
    def unbounded(self) -> bool:
        """Whether no difference can be excluded: fewer than six questions differ."""
        return self.low <= -LARGEST and self.high >= LARGEST

    @property
    def sure(self) -> bool:
        return self.p_value < SURE


def paired_difference(
    before: Sequence[float],
    after: Sequence[float],
    *,
    comparisons: int = 1,
    seed: int = 7,
    resamples: int = 10_000,
) -> Difference:
    """A sign-flip randomisation test of the mean (Smucker et al. 2007, "A comparison of statistical
    significance tests for information retrieval evaluation"), and the interval of all shifts that this test
    does not reject (Garthwaite 1996, "Confidence intervals from randomization tests").

    Of several `comparisons` each gets its share of the 5 % (Bonferroni): their p-values are multiplied and
    their intervals widened, so that all hold together. With fewer than six questions that differ nothing can
    be rejected, and the interval may be all that is possible. Raises ValueError for no questions, or arms of
    different lengths.
    """
    import numpy as np

    if len(before) != len(after) or not len(after):
        raise ValueError(f"{len(before)} and {len(after)} questions cannot be compared")
    deltas = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    draw = np.random.default_rng(seed)
    n = len(deltas)
    mean = float(deltas.mean())
    flipped, balance = np.empty(resamples), np.empty(resamples)
    for start in range(0, resamples, 500):
        size = min(500, resamples - start)
        signs = draw.integers(0, 2, (size, n)) * 2 - 1
        flipped[start : start + size] = (signs * deltas).mean(axis=1)
        balance[start : start + size] = signs.mean(axis=1)
    extreme = int((np.abs(flipped) >= abs(mean) - 1e-12).sum())
    p_value = min(1.0, comparisons * (extreme + 1) / (resamples + 1))
    # Shifted by s, a draw is as extreme as the sample while |flipped - s balance| >= |mean - s|: between the
    # two shifts at which both are equal. A draw that flips all signs or none is, whatever the shift.
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(balance > -1, (mean + flipped) / (1 + balance), -np.inf)
        other = np.where(balance < 1, (mean - flipped) / (1 - balance), np.inf)
    highs = np.sort(np.where(np.abs(balance) < 1, np.maximum(one, other), np.inf))
    lows = np.sort(np.where(np.abs(balance) < 1, np.minimum(one, other), -np.inf))
    # The last draw that keeps a shift from being rejected: a p-value below 0.05 has fewer.
    last = ceil(SURE / comparisons * (resamples + 1)) - 1
    low, high = _limits(float(lows[last - 1]), float(highs[-last]), mean) if last else (-LARGEST, LARGEST)
    won, lost = int((deltas > 1e-9).sum()), int((deltas < -1e-9).sum())
    if not (won or lost):
        low = high = 0.0
    deviation = float(deltas.std(ddof=1)) if n > 1 else 0.0
    return Difference(mean, low, high, p_value, won, lost, n - won - lost, deviation)


def _limits(low: float, high: float, mean: float) -> tuple[float, float]:
    """Rounding must not part them from the p-value, nor leave the mean outside."""
    low, high = (0.0 if abs(limit) < 1e-12 else limit for limit in (low, high))
    return max(-LARGEST, min(low, mean)), min(LARGEST, max(high, mean))


def questions_needed(mean: float, deviation: float) -> int | None:
    """How many questions a two-sided 5 % test needs to detect a mean difference as large as this one.

    n = ((z_0.975 + z_power) x standard deviation / mean)^2, the normal approximation for paired samples. None
    for a mean of zero: no number of questions is enough.
    """
    if abs(mean) < 1e-12:
        return None
    return max(2, ceil((_REACH * deviation / mean) ** 2))


def smallest_difference(questions: int, deviation: float) -> float:
    """The mean difference that a two-sided 5 % test of so many questions shows with POWER.

    (z_0.975 + z_power) x standard deviation of the differences / sqrt(questions): the minimum detectable
    effect (Bloom 1995, "Minimum detectable effects").
    """
    return _REACH * deviation / sqrt(questions)
