"""The candidates for a question: the bi-encoder's nearest chunks, alone or fused with those of BM25."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from ragcli.config import RetrievalConfig
from ragcli.retrieval import fusion
from ragcli.store import Index
from ragcli.types import Candidate, Filters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]


def retrieve(
    index: Index, question: str, vector: Vectors, config: RetrievalConfig, filters: Filters
) -> tuple[Candidate, ...]:
    """`config.candidates` chunks in base order. `vector` is the question's, float32 (dimension,)."""
    dense = index.search(vector, config.candidates, filters)
    if config.method == "dense":
        return dense
    return with_words(index, question, vector, dense, config, filters)


def with_words(
    index: Index,
    question: str,
    vector: Vectors,
    dense: Sequence[Candidate],
    config: RetrievalConfig,
    filters: Filters,
) -> tuple[Candidate, ...]:
    """The nearest chunks fused with as many that BM25 finds: `config.candidates` in all."""
    lexical = index.search_words(question, vector, config.candidates, filters)
    return fusion.fuse(dense, lexical, k=config.rrf_k, n=config.candidates)
