"""An index in a folder: its versions, its files, its lock. `test_store_same` holds what a server does too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_store_same import DIMENSION, chunk, found, opened, put, vectors

from ragcli import store
from ragcli.config import Config, StoreConfig
from ragcli.errors import RagcliError, StoreError
from ragcli.store import Store
from ragcli.store.folder import versions
from ragcli.store.folder.generations import Records
from ragcli.types import Chunk


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(store=StoreConfig(path=str(tmp_path / "index")))


@pytest.fixture
def index(config: Config) -> Store:
    return opened(config)


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
        assert index._table(place, writing=True).count() == index.count() == 1

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
            index._table(draft, writing=True).add([(generation, update)])
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
        monkeypatch.setattr("ragcli.store.folder.collection._CHECKPOINT_SECONDS", 0.0)
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
            index.replace_all([store.Update("b.md", "", "text", "", (chunk("b.md", 0),), wrong)])
        assert found(index) == found(opened(config, create=False)) == ["a.md-0-Some text."]
        folder = Path(config.store.path) / "default"
        assert list(folder.glob("v-*")) == [versions.current(folder)]

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
        with pytest.raises(StoreError, match="deleted or built again"):
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
        assert index._table(place).chroma.metadata == kept

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
    def test_what_a_killed_reset_left_does_not_matter(self, index: Store, config: Config) -> None:
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        (Path(config.store.path) / "default" / "manifest.json").unlink()

        assert store.collections(config) == []
        assert found(opened(config)) == []


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
