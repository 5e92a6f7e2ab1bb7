"""Made-up vectors whose similarities can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Plane:
    """Texts as directions in a plane, by their angle in degrees: the similarity is the angle's cosine."""

    def __init__(self, **angles: float) -> None:
        self.angles = angles

    def __call__(self, texts: Sequence[str]) -> Any:
        angles = np.radians([self.angles[text.split(" ")[0]] for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
