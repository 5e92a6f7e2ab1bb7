"""Whether everything works: each part is checked by itself, and a broken one does not hide the next.

Nothing is fetched and nothing is changed. A server in the settings is asked for one token.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ragcli.config import Config
from ragcli.doctor.encoders import check_bi_encoder, check_cross_encoder, check_order
from ragcli.doctor.finding import Finding, State
from ragcli.doctor.index import check_index
from ragcli.doctor.installation import check_packages, check_python
from ragcli.doctor.language_model import check_llm
from ragcli.doctor.places import check_disk
from ragcli.doctor.reach import check_network
from ragcli.doctor.server import check_server
from ragcli.models.locate import cache_folder

__all__ = ["Finding", "State", "examine"]


def examine(config: Config, environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """The findings one by one: the slow ones (models, index, LLM) come last."""
    yield check_python()
    yield check_packages()
    yield check_disk("disk (index)", Path(config.store.path).expanduser(), "store.path")
    yield check_disk("disk (models)", cache_folder(), "RAGCLI_CACHE_DIR")
    yield check_network(config, environ)
    yield check_server(config)
    bi_encoder, embedder = check_bi_encoder(config.embedding)
    yield bi_encoder
    cross_encoder, reranker = check_cross_encoder(config.reranking)
    yield cross_encoder
    if reranker is not None:
        yield check_order(reranker)
    yield check_index(config, embedder)
    yield check_llm(config.llm, environ)
