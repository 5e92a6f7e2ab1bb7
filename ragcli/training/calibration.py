"""From logits to probabilities of relevance: Platt scaling, and the figure that shows how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragcli.encoders.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of the reliability figure: how sure the model was, and how often it was right."""

    low: float
    high: float
    count: int
    mean_probability: float
    relevant_share: float


def fit_platt(logits: Sequence[float], relevant: Sequence[bool], steps: int = 100) -> Calibration:
    """Maximum likelihood by Newton's method, with Platt's (1999) smoothed targets against overconfidence."""
    import numpy as np

    x = np.asarray(logits, dtype=np.float64)
    y = np.asarray(relevant, dtype=bool)
    positives, negatives = int(y.sum()), int((~y).sum())
    target = np.where(y, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    design = np.stack([x, np.ones_like(x)], axis=1)
    weights = np.zeros(2)
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (p - target)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(2)
        change = np.linalg.solve(hessian, gradient)
        weights -= change
        if float(np.abs(change).max()) < 1e-10:
            break
    return Calibration(float(weights[0]), float(weights[1]))


def reliability(chances: Sequence[float], relevant: Sequence[bool], bins: int = 10) -> tuple[Bin, ...]:
    """Equal-width bins; empty ones are left out."""
    rows: list[Bin] = []
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [
            (p, r)
            for p, r in zip(chances, relevant, strict=True)
            if low <= p < high or (high == 1.0 and p == 1.0)
        ]
        if inside:
            mean = sum(p for p, _ in inside) / len(inside)
            rows.append(Bin(low, high, len(inside), mean, sum(r for _, r in inside) / len(inside)))
    return tuple(rows)


def expected_calibration_error(rows: Sequence[Bin]) -> float:
    """Mean distance between probability and frequency, weighted by the bins' counts (Naeini et al. 2015)."""
    total = sum(row.count for row in rows)
    return sum(row.count * abs(row.mean_probability - row.relevant_share) for row in rows) / total
