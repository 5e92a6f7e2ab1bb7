"""Searching through Chroma's core alone: the same answers as Chroma's, or Chroma itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from records import Encoder

from ragcli import store
from ragcli.config import Config, StoreConfig
from ragcli.store import Store, Update
from ragcli.store.folder import chroma_core, versions
from ragcli.store.folder.chroma_core import open_reader
from ragcli.types import Candidate, Chunk, Filters

CHUNKS = 40
QUERIES = np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)


def chunk(number: int) -> Chunk:
    """Names and texts that JSON would escape, pages in every other one."""
    return Chunk(
        id=f"c{number}",
        source=f"é/{number % 4}.md",
        index=number,
        title='A "title"',
        headings=("One",),
        text=f"Text № {number}.",
        start=0,
        end=9,
        line_start=1,
        line_end=1,
        page_start=number if number % 2 else None,
        page_end=number if number % 2 else None,
        tokens=3,
    )


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    made = Config(store=StoreConfig(path=str(tmp_path_factory.mktemp("core") / "index")))
    rows = np.random.default_rng(0).normal(size=(CHUNKS, 8)).astype(np.float32)
    with opened(made, create=True) as index:
        for place in range(4):
            chunks = tuple(chunk(number) for number in range(place, CHUNKS, 4))
            update = Update(f"é/{place}.md", "T", "markdown", "a" * 64, chunks, rows[place::4])
            index.replace_all([update])
    return made


def opened(config: Config, *, create: bool = False) -> Store:
    return store.open_store(config, Encoder("m", "f" * 64, 8), create=create)


def folder(config: Config) -> Path:
    return versions.current(Path(config.store.path) / config.collection) / "chroma"


def answers(config: Config, filters: Filters) -> tuple[tuple[Candidate, ...], ...]:
    with opened(config) as index:
        return index.search_many(QUERIES, 10, filters)


def test_finds_for_more_questions_than_sqlite_has_variables(config: Config) -> None:
    # 1,000 questions with 50 candidates each, as an evaluation has: a statement takes 32,766.
    vectors = np.random.default_rng(1).normal(size=(1000, 8)).astype(np.float32)
    with opened(config) as index:
        found = index.search_many(vectors, 50, Filters())
        assert [len(each) for each in found] == [min(50, CHUNKS)] * 1000
        assert found[-1] == index.search(vectors[-1], 50, Filters())


@pytest.mark.parametrize(
    "filters",
    [Filters(), Filters(sources=("é/1.md",)), Filters(where=(("format", "markdown"), ("page_start", 7)))],
)
def test_finds_what_chroma_finds(config: Config, filters: Filters, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_reader(folder(config), "chunks") is not None
    by_the_core = answers(config, filters)
    monkeypatch.setattr("ragcli.store.folder.chunks.open_reader", lambda *_: None)
    assert by_the_core == answers(config, filters)
    assert all(by_the_core)


def test_reads_the_chunks_of_a_source_as_chroma_does(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(config) as index:
        by_the_core = index.chunks("é/2.md")
    monkeypatch.setattr("ragcli.store.folder.chunks.open_reader", lambda *_: None)
    with opened(config) as index:
        assert by_the_core == index.chunks("é/2.md")
    assert len(by_the_core) == CHUNKS // 4


def test_another_version_is_left_to_chroma(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chroma_core, "_KNOWN", "chromadb-9.*.dist-info")
    assert open_reader(folder(config), "chunks") is None
    assert all(answers(config, Filters()))


def test_a_core_of_another_shape_is_left_to_chroma(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    import chromadb_rust_bindings

    monkeypatch.delattr(chromadb_rust_bindings, "SqliteDBConfig")
    assert open_reader(folder(config), "chunks") is None


def test_what_is_no_index_is_left_to_chroma(tmp_path: Path) -> None:
    assert open_reader(tmp_path, "chunks") is None
    (tmp_path / "chroma.sqlite3").write_bytes(b"no database" * 100)
    assert open_reader(tmp_path, "chunks") is None


def test_sees_what_was_written_since(tmp_path: Path) -> None:
    config = Config(store=StoreConfig(path=str(tmp_path / "index")))
    rows = np.eye(8, dtype=np.float32)
    with opened(config, create=True) as writer, opened(config) as reader:
        for number in range(3):
            update = Update(f"{number}.md", "T", "markdown", "a" * 64, (chunk(number),), rows[:1])
            writer.replace_all([update])
            assert len(reader.search(rows[0], 5, Filters())) == number + 1
