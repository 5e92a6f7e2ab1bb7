"""The index, in a folder and on a Chroma server: what is put in is found, whole sources change at once, and
it knows what built it. What only one of the two does is in `test_store` and `test_store_server`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from chroma_server import own_database
from records import Encoder

from ragcli import store
from ragcli.config import ChunkingConfig, Config, StoreConfig
from ragcli.errors import IndexMismatchError, NothingFoundError, UsageError
from ragcli.store import Index, Update
from ragcli.types import Chunk, Filters

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALL = Filters()
DIMENSION = 8


@pytest.fixture(params=["folder", "server"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    if request.param == "folder":
        return Config(store=StoreConfig(path=str(tmp_path / "index")))
    return Config(store=own_database(request.getfixturevalue("chroma_url")))


@pytest.fixture
def index(config: Config) -> Index:
    return opened(config)


def opened(config: Config, *, create: bool = True) -> Index:
    return store.open_store(config, Encoder("all-MiniLM-L6-v2", "f" * 64, DIMENSION), create=create)


def chunk(source: str, index: int, text: str = "Some text.", page: int | None = None) -> Chunk:
    return Chunk(
        id=f"{source}-{index}-{text}",
        source=source,
        index=index,
        title="A title",
        headings=("One", "Two > three"),
        text=text,
        start=10 * index,
        end=10 * index + len(text),
        line_start=index + 1,
        line_end=index + 2,
        page_start=page,
        page_end=page,
        tokens=3,
        format="markdown",
    )


def vectors(*seeds: int) -> NDArray[np.float32]:
    rows = np.stack([np.random.default_rng(seed).normal(size=DIMENSION) for seed in seeds])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def put(index: Index, source: str, *chunks: Chunk, seed: int = 0, format: str = "markdown") -> None:
    rows = vectors(*range(seed, seed + len(chunks)))
    index.replace_all([Update(source, "A title", format, "a" * 64, chunks, rows)])


def found(index: Index, filters: Filters = ALL, n: int = 10) -> list[str]:
    return [candidate.chunk.id for candidate in index.search(vectors(0), n, filters)]


class TestSearch:
    def test_gives_back_each_chunk_as_it_was(self, index: Index) -> None:
        chunks = [chunk("a.md", 0), chunk("a.md", 1, 'Ünïcode, 北京 and "quotes"', page=3)]
        put(index, "a.md", *chunks)

        assert {candidate.chunk for candidate in index.search(vectors(0), 10, ALL)} == set(chunks)
        assert index.chunks("a.md") == tuple(chunks)

    def test_orders_by_cosine(self, index: Index) -> None:
        put(index, "a.md", *(chunk("a.md", i) for i in range(5)), seed=1)
        query = vectors(3)

        hits = index.search(query, 5, ALL)

        rows = vectors(1, 2, 3, 4, 5)
        expected = sorted((float(query[0] @ row) for row in rows), reverse=True)
        assert [hit.similarity for hit in hits] == pytest.approx(expected, abs=1e-5)
        assert [hit.base_rank for hit in hits] == [1, 2, 3, 4, 5]
        assert hits[0].chunk.index == 2

    def test_ties_go_by_chunk_id(self, index: Index) -> None:
        same = np.repeat(vectors(0), 3, axis=0)
        chunks = [chunk("a.md", i, text) for i, text in enumerate(["c", "a", "b"])]
        named = tuple(replace(part, id=part.text) for part in chunks)
        index.replace_all([Update("a.md", "", "text", "", named, same)])

        assert found(index) == ["a", "b", "c"]

    def test_n_bounds_it(self, index: Index) -> None:
        put(index, "a.md", *(chunk("a.md", i) for i in range(9)))
        assert len(found(index, n=4)) == 4

    def test_of_an_empty_index_finds_nothing(self, index: Index) -> None:
        assert found(index) == []


class TestFilters:
    @pytest.fixture(autouse=True)
    def _sources(self, index: Index) -> None:
        put(index, "notes/a.md", chunk("notes/a.md", 0))
        put(index, "notes/deep/b.md", chunk("notes/deep/b.md", 0))
        put(index, "report.pdf", chunk("report.pdf", 0, page=1), chunk("report.pdf", 1, page=2), format="pdf")

    @pytest.mark.parametrize(
        ("globs", "sources"),
        [
            (("notes/a.md",), {"notes/a.md"}),
            (("./notes/a.md",), {"notes/a.md"}),
            (("*.md",), {"notes/a.md", "notes/deep/b.md"}),
            (("notes",), {"notes/a.md", "notes/deep/b.md"}),
            (("notes/deep/", "*.pdf"), {"notes/deep/b.md", "report.pdf"}),
            (("*",), {"notes/a.md", "notes/deep/b.md", "report.pdf"}),
            (("NOTES",), set()),
            (("note",), set()),
        ],
    )
    def test_sources_are_globs_or_folders(
        self, index: Index, globs: tuple[str, ...], sources: set[str]
    ) -> None:
        hits = index.search(vectors(0), 10, Filters(sources=globs))
        assert {hit.chunk.source for hit in hits} == sources

    def test_where_is_an_equality_on_metadata(self, index: Index) -> None:
        hits = index.search(vectors(0), 10, Filters(where=(("format", "pdf"), ("page_start", 2))))
        assert [(hit.chunk.source, hit.chunk.index) for hit in hits] == [("report.pdf", 1)]

    def test_where_finds_what_documents_say_of_themselves(self, index: Index) -> None:
        own = (("author", "Ada"), ("year", 2024), ("draft", False), ("source", "no/name.md"))
        put(index, "own.md", replace(chunk("own.md", 0), metadata=own))

        for key, value in own[:3]:
            (hit,) = index.search(vectors(0), 10, Filters(where=((key, value),)))
            assert (hit.chunk.source, dict(hit.chunk.metadata)) == ("own.md", dict(own[:3]))
        # What ragcli itself knows of a chunk is not to be taken over by a document.
        assert found(index, Filters(where=(("source", "no/name.md"),))) == []

    def test_a_known_key_with_another_value_finds_nothing(self, index: Index) -> None:
        put(index, "own.md", replace(chunk("own.md", 0), metadata=(("author", "Ada"),)))

        assert found(index, Filters(where=(("author", "Bob"),))) == []
        with pytest.raises(UsageError) as caught:
            found(index, Filters(where=(("athor", "Ada"),)))
        assert caught.value.hint.endswith("tokens, author.")

    def test_chunks_of_a_format_without_lines_and_pages_have_none(self, index: Index) -> None:
        bare = replace(chunk("a.docx", 0), line_start=None, line_end=None)
        put(index, "a.docx", bare)
        assert index.chunks("a.docx") == (bare,)

    def test_both_must_hold(self, index: Index) -> None:
        assert found(index, Filters(sources=("*.md",), where=(("format", "pdf"),))) == []

    def test_an_unknown_key_is_an_error_that_names_the_known_ones(self, index: Index) -> None:
        with pytest.raises(UsageError, match="author") as caught:
            found(index, Filters(where=(("author", "me"),)))
        assert "format" in caught.value.hint


class TestChanges:
    def test_what_the_doctor_asks(self, index: Index) -> None:
        assert (index.stored(), index.sample()) == (0, None)
        put(index, "a.md", chunk("a.md", 0))
        assert (index.stored(), index.sample()) == (1, (chunk("a.md", 0), DIMENSION))

    def test_a_replaced_source_has_its_new_chunks_only(self, index: Index) -> None:
        put(index, "a.md", chunk("a.md", 0, "old"), chunk("a.md", 1, "old"))
        put(index, "b.md", chunk("b.md", 0))
        put(index, "a.md", chunk("a.md", 0, "new"))

        assert set(found(index)) == {"a.md-0-new", "b.md-0-Some text."}
        assert index.count() == 2

    def test_the_same_chunk_again_is_not_a_duplicate(self, index: Index) -> None:
        put(index, "a.md", chunk("a.md", 0))
        put(index, "a.md", chunk("a.md", 0))
        assert len(found(index)) == 1

    def test_a_removed_source_is_gone(self, index: Index) -> None:
        put(index, "a.md", chunk("a.md", 0), chunk("a.md", 1))

        assert index.remove("a.md") == 2
        assert index.remove("a.md") == 0
        assert found(index) == []
        assert index.chunks("a.md") == ()
        assert index.sources() == ()

    def test_sources_are_listed_by_name(self, index: Index) -> None:
        put(index, "b.md", chunk("b.md", 0))
        put(index, "a.pdf", chunk("a.pdf", 0), chunk("a.pdf", 1), format="pdf")

        infos = index.sources()
        assert [(info.source, info.format, info.chunks) for info in infos] == [
            ("a.pdf", "pdf", 2),
            ("b.md", "markdown", 1),
        ]
        assert infos[0].ingested_at.endswith("+00:00")

    def test_more_chunks_than_chroma_takes_in_one_call(self, index: Index) -> None:
        many = 620
        chunks = tuple(chunk("big.txt", i) for i in range(many))
        rows: NDArray[np.float32] = np.resize(vectors(*range(6)), (many, DIMENSION))
        index.replace_all([Update("big.txt", "", "text", "", chunks, rows)])
        assert [part.index for part in index.chunks("big.txt")] == list(range(many))
        assert index.count() == many

    def test_more_sources_than_are_written_at_once(self, index: Index) -> None:
        names = [f"{number:03}.md" for number in range(260)]
        updates = [store.Update(name, "", "markdown", "", (chunk(name, 0),), vectors(0)) for name in names]
        index.replace_all(updates)
        index.replace_all(updates[:255])
        assert [info.source for info in index.sources()] == names
        assert index.stored() == index.count() == len(names)

    def test_a_reopened_index_holds_it_all(self, index: Index, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        assert found(opened(config, create=False)) == ["a.md-0-Some text."]

    def test_the_width_of_the_search_may_change(self, index: Index, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        wide = config.model_copy(update={"store": config.store.model_copy(update={"search_width": 500})})
        assert len(found(opened(wide, create=False))) == 1


class TestWhereDocumentsCameFrom:
    def test_is_kept_and_may_change(self, index: Index, config: Config) -> None:
        rows = vectors(1)
        for name, base in (("a.md", "/srv/notes"), ("/srv/b.md", "")):
            index.replace_all([Update(name, "T", "markdown", "a" * 64, (chunk(name, 0),), rows, base=base)])
        index.rebase({"a.md": "/home/notes"})
        with opened(config, create=False) as again:
            assert {info.source: info.base for info in again.sources()} == {
                "a.md": "/home/notes",
                "/srv/b.md": "",
            }
            assert [info.chunks for info in again.sources()] == [1, 1]


class TestWhatBuiltIt:
    def test_other_weights_stop_with_both_names_and_the_repair(self, index: Index, config: Config) -> None:
        for create in (False, True):
            with pytest.raises(IndexMismatchError, match=r"all-MiniLM-L6-v2.*bge-small") as caught:
                store.open_store(config, Encoder("bge-small", "e" * 64, DIMENSION), create=create)
            assert "ragcli reset --collection default && ragcli ingest" in caught.value.hint

    def test_other_chunking_stops_an_ingest_and_not_a_question(self, index: Index, config: Config) -> None:
        other = config.model_copy(update={"chunking": ChunkingConfig(size=100)})
        opened(other, create=False)
        with pytest.raises(IndexMismatchError, match=r"chunking\.size"):
            opened(other)


class TestCheck:
    """What a question asks before anything heavy is imported."""

    def test_no_index(self, config: Config) -> None:
        with pytest.raises(NothingFoundError, match="no index") as caught:
            store.check(config)
        assert caught.value.hint == "Run: ragcli ingest PATH..."

    def test_an_empty_index(self, index: Index, config: Config) -> None:
        with pytest.raises(NothingFoundError, match="empty"):
            store.check(config)

    def test_another_bi_encoder(self, index: Index, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        store.check(config)
        store.check(config, fingerprint="f" * 64)
        with pytest.raises(IndexMismatchError, match=r"f{12}.*e{12}"):
            store.check(config, fingerprint="e" * 64)
        embedding = config.embedding.model_copy(update={"model": "bge-small"})
        with pytest.raises(IndexMismatchError, match="bge-small"):
            store.check(config.model_copy(update={"embedding": embedding}))


class TestCollections:
    def test_are_apart(self, index: Index, config: Config) -> None:
        other = config.model_copy(update={"collection": "other"})
        put(index, "a.md", chunk("a.md", 0))
        put(opened(other), "b.md", chunk("b.md", 0))

        assert store.collections(config) == ["default", "other"]
        assert found(index) == ["a.md-0-Some text."]

    def test_a_reset_deletes_one_with_all_its_files(self, index: Index, config: Config) -> None:
        other = config.model_copy(update={"collection": "other"})
        put(opened(other), "b.md", chunk("b.md", 0))
        index.close()

        store.reset(config)

        assert store.collections(config) == ["other"]
        assert found(opened(other, create=False)) == ["b.md-0-Some text."]

    def test_a_reset_one_can_be_built_again(self, index: Index, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        store.reset(config)
        fresh = opened(config)
        assert fresh.count() == 0
        assert found(fresh) == []

    def test_a_reset_of_nothing_says_so(self, config: Config) -> None:
        with pytest.raises(NothingFoundError):
            store.reset(config)

    def test_the_hint_names_the_collections_that_exist(self, index: Index, config: Config) -> None:
        with pytest.raises(NothingFoundError) as caught:
            opened(config.model_copy(update={"collection": "defualt"}), create=False)
        assert "default" in caught.value.hint

    @pytest.mark.parametrize("name", ["", "..", "a/b", "-a", "a.", "x" * 65, "a b"])
    def test_a_name_that_is_no_file_name_is_refused(self, config: Config, name: str) -> None:
        with pytest.raises(UsageError, match="name of a collection"):
            opened(config.model_copy(update={"collection": name}))
