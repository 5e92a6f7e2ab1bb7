"""A cross-encoder's logit as a probability. Pure; fitted by `training.calibration`."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns a logit into a probability: sigmoid(slope x logit + intercept)."""

    slope: float = 1.0
    intercept: float = 0.0

    def probability(self, logit: float) -> float:
        """The probability, 0 to 1, that a passage with this logit is relevant."""
        x = self.slope * logit + self.intercept
        return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


UNCALIBRATED = Calibration()
