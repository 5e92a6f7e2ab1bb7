"""The index: what is put in is found, whole sources change at once, and it knows what built it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ragcli import store
from ragcli.config import ChunkingConfig, Config, StoreConfig
from ragcli.errors import IndexMismatchError, NothingFoundError, RagcliError, StoreError, UsageError
from ragcli.store import Store, versions
from ragcli.store.records import Records
from ragcli.types import Chunk, Filters

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALL = Filters()
DIMENSION = 8


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(store=StoreConfig(path=str(tmp_path / "index")))


@pytest.fixture
def index(config: Config) -> Store:
    return opened(config)


def opened(config: Config, *, create: bool = True) -> Store:
    return store.open_store(
        config, create=create, embedder_name="all-MiniLM-L6-v2", fingerprint="f" * 64, dimension=DIMENSION
    )


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
    )


def vectors(*seeds: int) -> NDArray[np.float32]:
    rows = np.stack([np.random.default_rng(seed).normal(size=DIMENSION) for seed in seeds])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def put(index: Store, source: str, *chunks: Chunk, seed: int = 0, format: str = "markdown") -> None:
    rows = vectors(*range(seed, seed + len(chunks)))
    index.replace(source, chunks, rows, title="A title", format=format, sha256="a" * 64)


def found(index: Store, filters: Filters = ALL, n: int = 10) -> list[str]:
    return [candidate.chunk.id for candidate in index.search(vectors(0), n, filters)]


class TestSearch:
    def test_gives_back_each_chunk_as_it_was(self, index: Store) -> None:
        chunks = [chunk("a.md", 0), chunk("a.md", 1, 'Ünïcode, 北京 and "quotes"', page=3)]
        put(index, "a.md", *chunks)

        assert {candidate.chunk for candidate in index.search(vectors(0), 10, ALL)} == set(chunks)
        assert index.chunks("a.md") == tuple(chunks)

    def test_orders_by_cosine(self, index: Store) -> None:
        put(index, "a.md", *(chunk("a.md", i) for i in range(5)), seed=1)
        query = vectors(3)

        hits = index.search(query, 5, ALL)

        rows = vectors(1, 2, 3, 4, 5)
        expected = sorted((float(query[0] @ row) for row in rows), reverse=True)
        assert [hit.similarity for hit in hits] == pytest.approx(expected, abs=1e-5)
        assert [hit.base_rank for hit in hits] == [1, 2, 3, 4, 5]
        assert hits[0].chunk.index == 2

    def test_ties_go_by_chunk_id(self, index: Store) -> None:
        same = np.repeat(vectors(0), 3, axis=0)
        chunks = [chunk("a.md", i, text) for i, text in enumerate(["c", "a", "b"])]
        chunks = [replace(part, id=part.text) for part in chunks]
        index.replace("a.md", chunks, same, title="", format="text", sha256="")

        assert found(index) == ["a", "b", "c"]

    def test_n_bounds_it(self, index: Store) -> None:
        put(index, "a.md", *(chunk("a.md", i) for i in range(9)))
        assert len(found(index, n=4)) == 4

    def test_of_an_empty_index_finds_nothing(self, index: Store) -> None:
        assert found(index) == []


class TestFilters:
    @pytest.fixture(autouse=True)
    def _sources(self, index: Store) -> None:
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
        self, index: Store, globs: tuple[str, ...], sources: set[str]
    ) -> None:
        hits = index.search(vectors(0), 10, Filters(sources=globs))
        assert {hit.chunk.source for hit in hits} == sources

    def test_where_is_an_equality_on_metadata(self, index: Store) -> None:
        hits = index.search(vectors(0), 10, Filters(where=(("format", "pdf"), ("page_start", 2))))
        assert [(hit.chunk.source, hit.chunk.index) for hit in hits] == [("report.pdf", 1)]

    def test_both_must_hold(self, index: Store) -> None:
        assert found(index, Filters(sources=("*.md",), where=(("format", "pdf"),))) == []

    def test_an_unknown_key_is_an_error_that_names_the_known_ones(self, index: Store) -> None:
        with pytest.raises(UsageError, match="author") as caught:
            found(index, Filters(where=(("author", "me"),)))
        assert "format" in caught.value.hint


class TestChanges:
    def test_a_replaced_source_has_its_new_chunks_only(self, index: Store) -> None:
        put(index, "a.md", chunk("a.md", 0, "old"), chunk("a.md", 1, "old"))
        put(index, "b.md", chunk("b.md", 0))
        put(index, "a.md", chunk("a.md", 0, "new"))

        assert set(found(index)) == {"a.md-0-new", "b.md-0-Some text."}
        assert index.count() == 2

    def test_the_same_chunk_again_is_not_a_duplicate(self, index: Store) -> None:
        put(index, "a.md", chunk("a.md", 0))
        put(index, "a.md", chunk("a.md", 0))
        assert len(found(index)) == 1

    def test_a_removed_source_is_gone(self, index: Store) -> None:
        put(index, "a.md", chunk("a.md", 0), chunk("a.md", 1))

        assert index.remove("a.md") == 2
        assert index.remove("a.md") == 0
        assert found(index) == []
        assert index.chunks("a.md") == ()
        assert index.sources() == ()

    def test_sources_are_listed_by_name(self, index: Store) -> None:
        put(index, "b.md", chunk("b.md", 0))
        put(index, "a.pdf", chunk("a.pdf", 0), chunk("a.pdf", 1), format="pdf")

        infos = index.sources()
        assert [(info.source, info.format, info.chunks) for info in infos] == [
            ("a.pdf", "pdf", 2),
            ("b.md", "markdown", 1),
        ]
        assert infos[0].ingested_at.endswith("+00:00")

    def test_more_chunks_than_chroma_takes_in_one_call(self, index: Store) -> None:
        chunks = [chunk("big.txt", i) for i in range(6000)]
        rows = np.repeat(vectors(*range(6)), 1000, axis=0)
        index.replace("big.txt", chunks, rows, title="", format="text", sha256="")
        assert index.count() == len(index.chunks("big.txt")) == 6000

    def test_a_reopened_index_holds_it_all(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        assert found(opened(config, create=False)) == ["a.md-0-Some text."]

    def test_the_width_of_the_search_may_change(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        wide = config.model_copy(update={"store": StoreConfig(path=config.store.path, search_width=500)})
        assert len(found(opened(wide, create=False))) == 1


class TestAnInterruptedWriter:
    """Each stage at which a writing can stop, made by hand: what is seen, and what the next writer does."""

    def test_before_its_commit_the_old_chunks_are_seen(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0, "old"))
        with index.writing():
            self.add_without_commit(index, chunk("a.md", 0, "new"))
            assert found(index) == ["a.md-0-old"]

        assert found(opened(config, create=False)) == ["a.md-0-old"]
        assert [part.text for part in index.chunks("a.md")] == ["old"]

    def test_after_its_commit_the_new_ones_are(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0, "old"))
        with index.writing():
            generation = self.add_without_commit(index, chunk("a.md", 0, "new"))
            with index._change() as draft:
                Records(draft / "sources.sqlite3").commit([(generation, index.sources()[0])])

        assert found(index) == found(opened(config, create=False)) == ["a.md-0-new"]

    def test_between_record_and_chunks_a_removed_source_is_gone(self, index: Store) -> None:
        put(index, "a.md", chunk("a.md", 0))
        with index.writing(), index._change() as draft:
            Records(draft / "sources.sqlite3").retire("a.md")
        assert found(index) == []

    def test_the_next_writer_deletes_what_it_left(self, index: Store, config: Config) -> None:
        with index.writing():
            self.add_without_commit(index, chunk("a.md", 0, "half"))
        put(index, "b.md", chunk("b.md", 0))

        place = versions.current(Path(config.store.path) / "default")
        assert Records(place / "sources.sqlite3").stale() == []
        assert index._chroma._at(place / "chroma", for_reading=False).count() == index.count() == 1

    def test_what_a_killed_one_left_is_not_seen_and_is_cleared_away(
        self, index: Store, config: Config
    ) -> None:
        put(index, "a.md", chunk("a.md", 0))
        folder = Path(config.store.path) / "default"
        for name in ("draft", "v-dead", "old-dead"):
            (folder / name / "chroma").mkdir(parents=True)
        (folder / "current-version.draft").write_text("v-de")

        assert found(opened(config, create=False)) == ["a.md-0-Some text."]
        put(index, "b.md", chunk("b.md", 0))

        place = versions.current(folder)
        assert {path.name for path in folder.iterdir()} == {"manifest.json", "current-version", place.name}

    @staticmethod
    def add_without_commit(index: Store, part: Chunk) -> int:
        with index._change() as draft:
            (generation,) = Records(draft / "sources.sqlite3").begin(1)
            update = store.Update("a.md", "", "markdown", "", (part,), vectors(0))
            index._chroma.add(draft / "chroma", [(generation, update)])
        return generation


class TestVersions:
    def test_a_reader_sees_one_version_until_a_writer_is_done(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        reader = opened(config, create=False)
        with index.writing():
            put(index, "b.md", chunk("b.md", 0))
            index.remove("a.md")
            assert found(reader) == ["a.md-0-Some text."]
            assert found(index) == ["b.md-0-Some text."]
        assert found(reader) == ["b.md-0-Some text."]

    def test_a_long_writing_publishes_on_its_way(
        self, index: Store, config: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ragcli.store.collection._CHECKPOINT_SECONDS", 0.0)
        reader = opened(config, create=False)
        with index.writing():
            for name in ("a.md", "b.md"):
                put(index, name, chunk(name, 0))
                # The second comes after a pause, so that publishing takes a small part of the time.
                index._next_checkpoint = 0.0
                assert f"{name}-0-Some text." in found(reader)

    def test_a_writing_that_fails_leaves_the_index_as_it_was(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        wrong = np.ones((1, DIMENSION + 1), dtype=np.float32)
        with pytest.raises(StoreError, match="dimension"):
            index.replace("b.md", [chunk("b.md", 0)], wrong, title="", format="text", sha256="")
        assert found(index) == found(opened(config, create=False)) == ["a.md-0-Some text."]
        assert not (Path(config.store.path) / "default" / "draft").exists()

    def test_an_index_without_versions_is_read_and_gets_them(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        folder = Path(config.store.path) / "default"
        place = versions.current(folder)
        for path in place.iterdir():
            path.rename(folder / path.name)
        place.rmdir()
        (folder / "current-version").unlink()

        assert found(opened(config, create=False)) == ["a.md-0-Some text."]
        put(opened(config), "b.md", chunk("b.md", 0))
        assert set(found(opened(config, create=False))) == {"a.md-0-Some text.", "b.md-0-Some text."}
        assert {path.name for path in folder.iterdir() if path.is_dir()} == {versions.current(folder).name}

    def test_a_writer_whose_index_was_deleted_meanwhile_is_told_so(
        self, index: Store, config: Config
    ) -> None:
        put(index, "a.md", chunk("a.md", 0))
        store.reset(config)
        with pytest.raises(StoreError, match="deleted or built anew"):
            put(index, "a.md", chunk("a.md", 0))
        put(opened(config), "b.md", chunk("b.md", 0))
        assert found(opened(config, create=False)) == ["b.md-0-Some text."]

    def test_the_second_of_two_that_create_one_keeps_what_the_first_wrote(
        self, config: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The second looked when there was none, and got the lock when the first was done."""
        looks = iter([None])
        read_manifest = store.read_manifest

        def first_look_finds_nothing(folder: Path) -> store.Manifest | None:
            return next(looks, None) or read_manifest(folder)

        put(opened(config), "a.md", chunk("a.md", 0))
        monkeypatch.setattr("ragcli.store.read_manifest", first_look_finds_nothing)
        put(opened(config), "b.md", chunk("b.md", 0))
        assert set(found(opened(config, create=False))) == {"a.md-0-Some text.", "b.md-0-Some text."}


class TestWhatBuiltIt:
    def test_is_written_where_a_person_can_read_it(self, index: Store, config: Config) -> None:
        kept = json.loads((Path(config.store.path) / "default" / "manifest.json").read_text())
        assert kept["embedding_model"] == "all-MiniLM-L6-v2"
        assert (kept["fingerprint"], kept["dimension"], kept["distance"]) == ("f" * 64, DIMENSION, "cosine")
        assert (kept["chunk_size"], kept["chunk_overlap"]) == (200, 30)
        place = versions.current(Path(config.store.path) / "default")
        assert index._chroma._at(place / "chroma").metadata == kept

    def test_other_weights_stop_with_both_names_and_the_repair(self, index: Store, config: Config) -> None:
        for create in (False, True):
            with pytest.raises(IndexMismatchError, match=r"all-MiniLM-L6-v2.*bge-small") as caught:
                store.open_store(
                    config,
                    create=create,
                    embedder_name="bge-small",
                    fingerprint="e" * 64,
                    dimension=DIMENSION,
                )
            assert "ragcli reset --collection default && ragcli ingest" in caught.value.hint

    def test_other_chunking_stops_an_ingest_and_not_a_question(self, index: Store, config: Config) -> None:
        other = config.model_copy(update={"chunking": ChunkingConfig(size=100)})
        opened(other, create=False)
        with pytest.raises(IndexMismatchError, match=r"chunking\.size"):
            opened(other)

    def test_a_damaged_manifest_is_one_error(self, index: Store, config: Config) -> None:
        (Path(config.store.path) / "default" / "manifest.json").write_text('{"schema": 1')
        with pytest.raises(StoreError, match="cannot be read"):
            opened(config)

    def test_a_manifest_of_another_schema_is_one_error(self, index: Store, config: Config) -> None:
        (Path(config.store.path) / "default" / "manifest.json").write_text('{"schema": 2, "ragcli": "9.0"}')
        with pytest.raises(StoreError, match=r"9\.0"):
            opened(config)

    def test_damaged_data_are_one_error(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        place = versions.current(Path(config.store.path) / "default")
        (place / "chroma" / "chroma.sqlite3").write_bytes(b"not a database" * 99)
        with pytest.raises(StoreError, match="cannot use the index"):
            found(opened(config, create=False))


class TestCheck:
    """What a question asks before anything heavy is imported."""

    def test_no_index(self, config: Config) -> None:
        with pytest.raises(NothingFoundError, match="no index") as caught:
            store.check(config)
        assert caught.value.hint == "Run: ragcli ingest PATH..."

    def test_an_empty_index(self, index: Store, config: Config) -> None:
        with pytest.raises(NothingFoundError, match="empty"):
            store.check(config)

    def test_another_bi_encoder(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        store.check(config)
        store.check(config, fingerprint="f" * 64)
        with pytest.raises(IndexMismatchError, match=r"f{12}.*e{12}"):
            store.check(config, fingerprint="e" * 64)
        embedding = config.embedding.model_copy(update={"model": "bge-small"})
        with pytest.raises(IndexMismatchError, match="bge-small"):
            store.check(config.model_copy(update={"embedding": embedding}))

    def test_needs_no_chroma_and_neither_does_a_listing(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        code = (
            "import sys; from ragcli import store; from ragcli.config import Config, StoreConfig; "
            "config = Config(store=StoreConfig(path=sys.argv[1])); store.check(config); "
            "print(len(store.open_store(config, create=False).sources())); "
            "print({'chromadb', 'torch', 'numpy'} & sys.modules.keys())"
        )
        command = [sys.executable, "-c", code, config.store.path]
        outcome = subprocess.run(command, capture_output=True, text=True, check=True)
        assert outcome.stdout.split("\n")[:2] == ["1", "set()"]


class TestCollections:
    def test_are_apart(self, index: Store, config: Config) -> None:
        other = config.model_copy(update={"collection": "other"})
        put(index, "a.md", chunk("a.md", 0))
        put(opened(other), "b.md", chunk("b.md", 0))

        assert store.collections(config) == ["default", "other"]
        assert found(index) == ["a.md-0-Some text."]

    def test_a_reset_deletes_one_with_all_its_files(self, index: Store, config: Config) -> None:
        other = config.model_copy(update={"collection": "other"})
        put(opened(other), "b.md", chunk("b.md", 0))
        index.close()

        store.reset(config)

        assert store.collections(config) == ["other"]
        assert not (Path(config.store.path) / "default").exists()
        assert found(opened(other, create=False)) == ["b.md-0-Some text."]

    def test_a_reset_one_can_be_built_again(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        store.reset(config)
        fresh = opened(config)
        assert fresh.count() == 0
        assert found(fresh) == []

    def test_what_a_killed_reset_left_does_not_matter(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        (Path(config.store.path) / "default" / "manifest.json").unlink()

        assert store.collections(config) == []
        assert found(opened(config)) == []

    def test_a_reset_of_nothing_says_so(self, config: Config) -> None:
        with pytest.raises(NothingFoundError):
            store.reset(config)

    def test_the_hint_names_the_collections_that_exist(self, index: Store, config: Config) -> None:
        with pytest.raises(NothingFoundError) as caught:
            opened(config.model_copy(update={"collection": "defualt"}), create=False)
        assert "default" in caught.value.hint

    @pytest.mark.parametrize("name", ["", "..", "a/b", "-a", "a.", "x" * 65, "a b"])
    def test_a_name_that_is_no_file_name_is_refused(self, config: Config, name: str) -> None:
        with pytest.raises(UsageError, match="name of a collection"):
            opened(config.model_copy(update={"collection": name}))


class TestTwoWriters:
    HOLD = (
        "import sys, time; from ragcli import store; from ragcli.config import Config, StoreConfig\n"
        "index = store.open_store(Config(store=StoreConfig(path=sys.argv[1])), create=False)\n"
        "with index.writing():\n    print('holding', flush=True); time.sleep(60)\n"
    )

    def test_the_second_is_told_at_once_and_a_killed_one_holds_nothing(
        self, index: Store, config: Config
    ) -> None:
        put(index, "a.md", chunk("a.md", 0))
        command = [sys.executable, "-c", self.HOLD, config.store.path]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "holding\n"
            for change in (lambda: index.remove("a.md"), lambda: store.reset(config)):
                with pytest.raises(StoreError, match="Another ragcli is writing"):
                    change()
            assert found(index) == ["a.md-0-Some text."]
            holder.kill()

        assert index.remove("a.md") == 1

    def test_one_may_hold_the_lock_over_many_changes(self, index: Store) -> None:
        with index.writing():
            put(index, "a.md", chunk("a.md", 0))
            index.remove("a.md")


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RagcliError, match="cannot be written"):
        opened(Config(store=StoreConfig(path=str(tmp_path / "file" / "index"))))
