"""The real models, loaded once for all tests."""

from __future__ import annotations

import pytest

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.embedding import BiEncoder, load_bi_encoder
from ragcli.reranking import CrossEncoderReranker, load_reranker


@pytest.fixture(scope="session")
def embedder() -> BiEncoder:
    """The embedded bi-encoder."""
    return load_bi_encoder(EmbeddingConfig())


@pytest.fixture(scope="session")
def reranker() -> CrossEncoderReranker:
    """The cross-encoder that is shipped with the package."""
    return load_reranker(RerankingConfig())
