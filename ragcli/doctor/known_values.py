"""What the encoders that ragcli brings make of one known pair, kept in known_values.json beside this file.

Other weights give other values. After replacing either model, write the file anew:

    make known-values
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ragcli.models import EMBEDDED_BI_ENCODER, SHIPPED_CROSS_ENCODER

if TYPE_CHECKING:
    from ragcli.embedding import BiEncoder
    from ragcli.reranking import Reranker

FILE = "known_values.json"
QUESTION = "How many days of notice does an employee have to give?"
RELEVANT = "Notice period: An employee who leaves gives notice in writing, thirty days before the last day."
IRRELEVANT = (
    "Volcanoes: Lava of low viscosity flows for many kilometres before it cools.",
    "Notice board: The notice board in the hall shows the lunch menu of the day.",
)


@dataclass(frozen=True, slots=True)
class KnownValues:
    """Cosines, or logits, of the question with RELEVANT and IRRELEVANT, by the model of `fingerprint`."""

    fingerprint: str
    relevant: float
    irrelevant: tuple[float, ...]

    def differs(self, other: KnownValues) -> float:
        """The largest difference between the two's values."""
        pairs = zip((self.relevant, *self.irrelevant), (other.relevant, *other.irrelevant), strict=True)
        return max(abs(mine - theirs) for mine, theirs in pairs)


def similarities(embedder: BiEncoder) -> KnownValues:
    question = embedder.embed([QUESTION], query=True)[0]
    relevant, *irrelevant = (float(row @ question) for row in embedder.embed([RELEVANT, *IRRELEVANT]))
    return KnownValues(embedder.fingerprint, relevant, tuple(irrelevant))


def logits(reranker: Reranker) -> KnownValues:
    relevant, *irrelevant = reranker.logits(QUESTION, [RELEVANT, *IRRELEVANT])
    return KnownValues(reranker.fingerprint, relevant, tuple(irrelevant))


def known(model: str) -> KnownValues | None:
    """By the model's name; None for a model that ragcli does not bring."""
    record: Mapping[str, Mapping[str, object]] = json.loads(
        files("ragcli.doctor").joinpath(FILE).read_text(encoding="utf-8")
    )
    if model not in record:
        return None
    values = {**record[model]}
    return KnownValues(**{**values, "irrelevant": tuple(values["irrelevant"])})  # type: ignore[arg-type]


def write() -> None:
    """Measures both models as one question would use them, and writes the file."""
    from ragcli.config import EmbeddingConfig, RerankingConfig
    from ragcli.embedding import load_bi_encoder
    from ragcli.reranking import load_reranker

    record = {
        EMBEDDED_BI_ENCODER: asdict(similarities(load_bi_encoder(EmbeddingConfig()))),
        SHIPPED_CROSS_ENCODER: asdict(logits(load_reranker(RerankingConfig()))),
    }
    Path(__file__).with_name(FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
