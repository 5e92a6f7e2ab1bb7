"""Measures the known pair with an encoder. After replacing one that ragcli includes, write its values again:

make known-values
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ragcli.encoders import known_pair
from ragcli.encoders.known_pair import FILE, QUESTION, TEXTS, KnownValues, known
from ragcli.models.locate import EMBEDDED_BI_ENCODER, SHIPPED_CROSS_ENCODER

if TYPE_CHECKING:
    from ragcli.encoders.bi_encoder import BiEncoder
    from ragcli.encoders.reranking import Reranker


def similarities(embedder: BiEncoder) -> KnownValues:
    question = embedder.embed([QUESTION], query=True)[0]
    relevant, *irrelevant = (float(row @ question) for row in embedder.embed(TEXTS))
    return KnownValues(embedder.fingerprint, relevant, tuple(irrelevant))


def logits(reranker: Reranker) -> KnownValues:
    relevant, *irrelevant = reranker.logits(QUESTION, TEXTS)
    return KnownValues(reranker.fingerprint, relevant, tuple(irrelevant))


def write() -> None:
    """Measures both models as one question would use them, and writes the file."""
    from ragcli.config import EmbeddingConfig, RerankingConfig
    from ragcli.encoders.bi_encoder import load_bi_encoder
    from ragcli.encoders.reranking import load_reranker

    record = {
        EMBEDDED_BI_ENCODER: asdict(similarities(load_bi_encoder(EmbeddingConfig()))),
        SHIPPED_CROSS_ENCODER: asdict(logits(load_reranker(RerankingConfig()))),
    }
    file = Path(known_pair.__file__).with_name(FILE)
    file.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


__all__ = ["KnownValues", "known", "logits", "similarities", "write"]
