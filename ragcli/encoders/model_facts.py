"""What a cross-encoder's own ragcli.json says about its scores: their prior and their calibration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ragcli.encoders.calibration import UNCALIBRATED, Calibration
from ragcli.encoders.prior import NO_PRIOR, Prior
from ragcli.errors import ModelError
from ragcli.models.locate import read_json

FILE = "ragcli.json"


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """A model without this file has no prior, and its logits are treated as log-odds."""

    prior: Prior = NO_PRIOR
    calibration: Calibration = UNCALIBRATED


def read_score_settings(folder: Path) -> ScoreSettings:
    """For the model in this folder. Raises ModelError if the file cannot be used."""
    own = read_json(folder / FILE)
    scale = own.get("calibration")
    scale = scale if isinstance(scale, dict) else {}
    return ScoreSettings(
        Prior(
            _number(own, "prior_weight", 0.0),
            int(_number(own, "prior_words", 0)),
            _number(own, "prior_headings", 0.0),
        ),
        Calibration(_number(scale, "slope", 1.0), _number(scale, "intercept", 0.0)),
    )


def _number(settings: dict[str, object], key: str, default: float) -> float:
    value = settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ModelError(f"{key} of the model is not a number: {value!r}", hint="Fetch the model again.")
    return float(value)
