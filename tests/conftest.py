"""The real models and a Chroma server, once for all tests; and a sign that an attacker's code has run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chroma_server import chroma_server
from hypothesis import HealthCheck, settings

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.encoders.bi_encoder import BiEncoder, load_bi_encoder
from ragcli.encoders.reranking import CrossEncoderReranker, load_reranker

# A busy machine is slow, which is no fault of what is tested.
settings.register_profile("ragcli", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ragcli")


@pytest.fixture(scope="session")
def embedder() -> BiEncoder:
    """The embedded bi-encoder."""
    return load_bi_encoder(EmbeddingConfig())


@pytest.fixture(scope="session")
def reranker() -> CrossEncoderReranker:
    """The cross-encoder that the package includes."""
    return load_reranker(RerankingConfig())


@pytest.fixture(scope="session")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Chroma server; `own_database` gives each test a database on it."""
    with chroma_server(tmp_path_factory.mktemp("chroma") / "data") as url:
        yield url


@pytest.fixture
def sprung(tmp_path: Path) -> Path:
    """A folder that exists as soon as any code of the attacker has run."""
    return tmp_path / "sprung"
