"""What a question costs besides its work: files and requests are looked at once, and an index that changed
under an open pipeline is noticed all the same.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chroma_server import own_database
from gate import gate
from records import Encoder

from ragcli import store
from ragcli.config import Config, StoreConfig
from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.errors import IndexMismatchError, NothingFoundError
from ragcli.models import locate
from ragcli.pipeline import Pipeline, open_pipeline
from ragcli.store import Update
from ragcli.store.server import connection

QUESTION = "What do pythons do?"

_listening: list[Counter[str]] = []


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if _listening and event == "open" and isinstance(arguments[0], str | os.PathLike):
        _listening[-1][Path(arguments[0]).name] += 1


sys.addaudithook(_listen)


@contextmanager
def opened_files() -> Iterator[Counter[str]]:
    """How often Python opens a file, by the file's name."""
    _listening.append(Counter())
    try:
        yield _listening[-1]
    finally:
        _listening.pop()


@pytest.fixture(params=["folder", "server"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """An index of one document."""
    if request.param == "folder":
        config = Config(store=StoreConfig(path=str(tmp_path / "index")))
    else:
        config = Config(store=own_database(request.getfixturevalue("chroma_url")))
    return filled(config, tmp_path)


def filled(config: Config, folder: Path) -> Config:
    (folder / "python.md").write_text("# Python\n\nPythons squeeze their prey.\n", encoding="utf-8")
    with open_pipeline(config) as rag:
        rag.ingest([folder / "python.md"])
    return config


def found(rag: Pipeline) -> int:
    return len(rag.search(QUESTION).candidates)


def test_a_question_reads_the_manifest_once_and_each_other_file_at_its_first(tmp_path: Path) -> None:
    config = filled(Config(store=StoreConfig(path=str(tmp_path / "index"))), tmp_path)
    locate._sha256.cache_clear()
    with open_pipeline(config) as rag:
        with opened_files() as first:
            assert found(rag) == 1
        with opened_files() as second:
            assert found(rag) == 1
    assert first["manifest.json"] == 1
    # A hash of each encoder's weights is looked up, and the version's own files are hashed.
    assert (first["fingerprints.json"], first["seal.json"]) == (2, 1)
    # What Chroma's core writes on stderr goes to a temporary file, which has no name but its folder's.
    aside = {Path(tempfile.gettempdir()).name}
    assert {name: count for name, count in second.items() if name not in aside} == {
        "manifest.json": 1,
        "current-version": 1,
    }


def test_a_question_to_a_server_costs_four_requests(chroma_url: str, tmp_path: Path) -> None:
    own = own_database(chroma_url)
    filled(Config(store=own), tmp_path)
    with gate(chroma_url) as guarded:
        config = Config(store=own.model_copy(update={"url": guarded.url}))
        connection._client.cache_clear()
        with open_pipeline(config) as rag:
            assert found(rag) == 1
            # Connecting takes four, looking whether there is anything to search three, and warming up one.
            assert len(guarded.requests) == 4 + 3 + 1 + 3
            for _ in range(2):
                guarded.requests.clear()
                assert found(rag) == 1
                # The manifest, the records, the search, and whether the records are still the same.
                assert len(guarded.requests) == 4


def test_an_index_that_was_emptied_under_an_open_pipeline_says_so(config: Config) -> None:
    with open_pipeline(config) as rag:
        assert found(rag) == 1
        with store.open_store(config, create=False) as index:
            (info,) = index.sources()
            index.remove(info.source)
        with pytest.raises(NothingFoundError, match="The collection default is empty"):
            found(rag)


@pytest.mark.parametrize("name", ["another", "all-MiniLM-L6-v2"])
def test_an_index_that_another_model_built_again_is_refused(
    config: Config, embedder: BiEncoder, name: str
) -> None:
    with open_pipeline(config) as rag:
        (candidate,) = rag.search(QUESTION).candidates
        store.reset(config)
        update = Update("a.md", "", "text", "a" * 64, (candidate.chunk,), embedder.embed([QUESTION]))
        other = config.model_copy(update={"embedding": config.embedding.model_copy(update={"model": name})})
        with store.open_store(other, Encoder(name, "e" * 64, embedder.dimension), create=True) as index:
            index.replace_all([update])
        with pytest.raises(IndexMismatchError, match="was built with the bi-encoder"):
            found(rag)
