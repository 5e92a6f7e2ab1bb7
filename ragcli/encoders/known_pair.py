"""The scores of one known pair by the encoders that ragcli includes; known_values.json has them.

Other weights give other values, and so do other ways of running the same weights: a server that leaves out
a part of the model returns wrong scores without an error. So a served encoder with a known name must return
the values of that name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

FILE = "known_values.json"
QUESTION = "How many days of notice does an employee have to give?"
RELEVANT = "Notice period: An employee who leaves gives notice in writing, thirty days before the last day."
IRRELEVANT = (
    "Volcanoes: Lava of low viscosity flows for many kilometres before it cools.",
    "Notice board: The notice board in the hall shows the lunch menu of the day.",
)
TEXTS = (RELEVANT, *IRRELEVANT)

# The name of the embedded bi-encoder on servers.
_OTHER_NAMES = {"sentence-transformers/all-MiniLM-L6-v2": "all-MiniLM-L6-v2"}


@dataclass(frozen=True, slots=True)
class KnownValues:
    """Cosines or logits of the question with RELEVANT and IRRELEVANT, by the model of this `fingerprint`."""

    fingerprint: str
    relevant: float
    irrelevant: tuple[float, ...]

    @property
    def all(self) -> tuple[float, ...]:
        return (self.relevant, *self.irrelevant)

    def differs(self, other: KnownValues) -> float:
        """The largest difference between the values of the two."""
        return max(abs(mine - theirs) for mine, theirs in zip(self.all, other.all, strict=True))


def known(model: str) -> KnownValues | None:
    """By the model's name; None for a model that ragcli does not include."""
    record: Mapping[str, Mapping[str, object]] = json.loads(
        files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    )
    model = _OTHER_NAMES.get(model, model)
    if model not in record:
        return None
    values = {**record[model]}
    return KnownValues(**{**values, "irrelevant": tuple(values["irrelevant"])})  # type: ignore[arg-type]
