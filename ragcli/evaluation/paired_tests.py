"""Paired comparisons: a confidence interval and a test for the difference between two arms. Seeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import NormalDist, fmean, stdev


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of (after - before) over questions, its 95 % bootstrap interval and a two-sided randomisation
    p-value.
    """

    mean: float
    low: float
    high: float
    p_value: float
    won: int
    lost: int
    tied: int


def paired_difference(
    before: Sequence[float], after: Sequence[float], *, seed: int = 7, resamples: int = 10_000
) -> Difference:
    """Percentile bootstrap over questions (Sakai 2006) and a sign-flip randomisation test (Smucker et al.
    2007).

    With fewer than about ten questions the interval is too narrow: use the p-value. Raises ValueError for no
    questions, or arms of different lengths.
    """
    import numpy as np

    if len(before) != len(after) or not len(after):
        raise ValueError(f"{len(before)} and {len(after)} questions cannot be compared")
    deltas = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    draw = np.random.default_rng(seed)
    n = len(deltas)
    mean = float(deltas.mean())
    boots = np.empty(resamples)
    extreme = 0
    for start in range(0, resamples, 500):
        size = min(500, resamples - start)
        boots[start : start + size] = deltas[draw.integers(0, n, (size, n))].mean(axis=1)
        flips = draw.integers(0, 2, (size, n)) * 2 - 1
        extreme += int((np.abs((flips * deltas).mean(axis=1)) >= abs(mean) - 1e-12).sum())
    low, high = float(np.percentile(boots, 2.5)), float(np.percentile(boots, 97.5))
    won, lost = int((deltas > 1e-9).sum()), int((deltas < -1e-9).sum())
    return Difference(mean, low, high, (extreme + 1) / (resamples + 1), won, lost, n - won - lost)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, in the order given: Holm (1979), step-down, none above 1."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for step, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - step) * p_values[place]))
        corrected[place] = highest
    return corrected


def questions_needed(differences: Sequence[float], power: float = 0.8) -> int | None:
    """How many questions a two-sided 5 % test needs to detect a mean difference as large as this one.

    n = ((z_0.975 + z_power) x standard deviation / mean)^2, the normal approximation for paired samples. None
    for fewer than two questions or a mean of zero: no number of questions is enough.
    """
    if len(differences) < 2 or abs(fmean(differences)) < 1e-12:
        return None
    z = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(power)
    return max(2, ceil((z * stdev(differences) / fmean(differences)) ** 2))
