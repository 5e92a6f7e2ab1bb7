"""An index on a Chroma server: what is different from a folder. `test_store_same` holds what is the same."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chroma_server import chroma_server, free_port, own_database
from cli_helper import run
from gate import DROP, STALL, Gate, gate
from test_store_same import ALL, DIMENSION, chunk, found, opened, put, vectors

from ragcli import store
from ragcli.config import Config, StoreConfig
from ragcli.errors import ConfigError, ExitCode, NothingFoundError, StoreError, StoreServerError, UsageError
from ragcli.store import ServerStore
from ragcli.store.chunk_table import ChunkTable
from ragcli.store.server import connection, generations, lease
from ragcli.types import Chunk

KEY = "s3cret-of-the-server"


@pytest.fixture
def config(chroma_url: str) -> Config:
    return Config(store=own_database(chroma_url))


@pytest.fixture
def index(config: Config) -> ServerStore:
    return opened(config)


@pytest.fixture
def guarded(chroma_url: str) -> Iterator[Gate]:
    with gate(chroma_url) as standing:
        yield standing


def through(guarded: Gate, config: Config, **changes: Any) -> Config:
    """The same index, asked for through the gate."""
    changes = {"url": guarded.url, **changes}
    return config.model_copy(update={"store": config.store.model_copy(update=changes)})


class TestWhereThingsAre:
    def test_the_manifest_is_the_metadata_of_the_chunks(self, config: Config) -> None:
        index = opened(config)
        kept = index._table.chroma.metadata
        assert (kept["embedding_model"], kept["fingerprint"]) == ("all-MiniLM-L6-v2", "f" * 64)
        assert (kept["dimension"], kept["chunk_size"], kept["schema"]) == (DIMENSION, 200, 1)

    def test_only_collections_of_ragcli_are_listed(self, config: Config) -> None:
        connection.connect(config.store).create_collection("somebody.else.chunks", embedding_function=None)
        opened(config)
        assert store.collections(config) == ["default"]
        assert store.where(config) == config.store.url

    def test_a_search_leaves_the_shared_width_alone_and_a_writer_sets_it(self, config: Config) -> None:
        def width() -> int:
            client = connection.connect(config.store)
            chunks = client.get_collection("ragcli.default.chunks", embedding_function=None)
            return int(chunks.configuration_json["hnsw"]["ef_search"])

        index = opened(config)
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        before = width()
        changes = {"search_width": before + 111}
        wide = config.model_copy(update={"store": config.store.model_copy(update=changes)})
        assert len(found(opened(wide, create=False))) == 1
        assert width() == before
        put(opened(wide, create=False), "b.md", chunk("b.md", 0))
        assert width() == before + 111

    def test_a_manifest_of_another_schema_is_one_error(self, config: Config) -> None:
        collection = opened(config)._table.chroma
        collection.modify(metadata={**collection.metadata, "schema": 2, "ragcli": "9.0"})
        with pytest.raises(StoreError, match=r"9\.0"):
            opened(config)

    def test_what_a_killed_start_left_does_not_matter(self, config: Config) -> None:
        connection.connect(config.store).create_collection("ragcli.default.sources", embedding_function=None)
        with pytest.raises(NothingFoundError):
            opened(config, create=False)
        assert found(opened(config)) == []

    def test_an_index_built_again_elsewhere_is_noticed(self, config: Config) -> None:
        index = opened(config)
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        store.reset(config)
        time.sleep(1.1)  # What tells the two apart is the second of their creation.
        opened(config)
        with pytest.raises(StoreError, match="built again"):
            found(index)

    def test_missing_records_are_one_error(self, config: Config) -> None:
        opened(config)
        connection.connect(config.store).delete_collection("ragcli.default.sources")
        with pytest.raises(StoreError, match="missing") as caught:
            store.check(config)
        assert "ragcli reset" in caught.value.hint


class TestTheServer:
    def test_that_is_not_there_is_said_with_the_way_to_start_it(self) -> None:
        with pytest.raises(StoreServerError, match="No Chroma server answers at http://127") as caught:
            store.check(Config(store=StoreConfig(url=f"http://127.0.0.1:{free_port()}")))
        assert "chroma run" in caught.value.hint
        assert caught.value.exit_code == ExitCode.UNAVAILABLE

    @pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://"])
    def test_an_address_that_is_none_is_one_error(self, url: str) -> None:
        with pytest.raises(ConfigError, match=r"store\.url is not an http or https address"):
            store.check(Config(store=StoreConfig(url=url)))

    def test_that_is_something_else_is_told_apart(self, guarded: Gate, config: Config) -> None:
        guarded.faults["identity"] = [{"welcome": "to another page"}]
        with pytest.raises(StoreServerError, match="not a Chroma server"):
            store.check(through(guarded, config))

    @pytest.mark.parametrize("setting", ["tenant", "database"])
    def test_a_tenant_or_database_that_it_lacks_is_named(self, config: Config, setting: str) -> None:
        other = config.store.model_copy(update={setting: "nowhere"})
        with pytest.raises(StoreServerError, match="nowhere") as caught:
            store.check(config.model_copy(update={"store": other}))
        assert "store.tenant and store.database" in caught.value.hint

    @pytest.mark.parametrize("part", ["identity", "/collections/ragcli", "/query"])
    def test_that_is_too_slow_is_not_waited_for(self, guarded: Gate, config: Config, part: str) -> None:
        put(opened(config), "a.md", chunk("a.md", 0))
        guarded.faults[part] = [STALL]
        with pytest.raises(StoreServerError, match=r"within 1\.5 seconds") as caught:
            found(opened(through(guarded, config, timeout_seconds=1.5), create=False))
        assert "store.timeout_seconds" in caught.value.hint

    @pytest.mark.parametrize(
        ("fault", "message"), [(DROP, "No Chroma server answers"), (502, r"failed \(HTTP 502\)")]
    )
    def test_that_fails_in_between_is_one_error(
        self, guarded: Gate, config: Config, fault: Any, message: str
    ) -> None:
        put(opened(config), "a.md", chunk("a.md", 0))
        guarded.faults["/query"] = [fault]
        with pytest.raises(StoreServerError, match=message):
            found(opened(through(guarded, config), create=False))

    def test_that_comes_back_is_used_again(self, guarded: Gate, config: Config) -> None:
        put(opened(config), "a.md", chunk("a.md", 0))
        index = opened(through(guarded, config), create=False)
        guarded.faults["/query"] = [DROP]
        with pytest.raises(StoreServerError):
            found(index)
        assert found(index) == ["a.md-0-Some text."]


class TestTheKey:
    @pytest.mark.parametrize(
        ("header", "value"), [("X-Chroma-Token", KEY), ("Authorization", f"Bearer {KEY}"), ("X-Other", KEY)]
    )
    def test_is_sent_in_the_header_that_is_named(
        self, guarded: Gate, config: Config, monkeypatch: pytest.MonkeyPatch, header: str, value: str
    ) -> None:
        monkeypatch.setenv("CHROMA_KEY", KEY)
        guarded.wants = (header, value)
        put(opened(config), "a.md", chunk("a.md", 0))
        settings = through(guarded, config, api_key_env="CHROMA_KEY", api_key_header=header)
        assert found(opened(settings, create=False)) == ["a.md-0-Some text."]

    def test_that_is_wrong_is_refused_and_never_shown(
        self, guarded: Gate, config: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHROMA_KEY", KEY)
        guarded.wants = ("X-Chroma-Token", "another")
        with pytest.raises(StoreServerError, match="refused the key") as caught:
            store.check(through(guarded, config, api_key_env="CHROMA_KEY"))
        assert "CHROMA_KEY" in caught.value.hint
        assert KEY not in caught.value.message + caught.value.hint

    def test_that_is_needed_and_not_named_is_hinted_at(self, guarded: Gate, config: Config) -> None:
        guarded.wants = ("X-Chroma-Token", KEY)
        with pytest.raises(StoreServerError, match="refused the key") as caught:
            store.check(through(guarded, config))
        assert "store.api_key_env" in caught.value.hint

    def test_that_is_refused_later_is_the_same_error(self, guarded: Gate, config: Config) -> None:
        put(opened(config), "a.md", chunk("a.md", 0))
        guarded.faults["/query"] = [401]
        with pytest.raises(StoreServerError, match="refused the key"):
            found(opened(through(guarded, config), create=False))

    def test_of_an_unset_variable_is_missing(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CHROMA_KEY", raising=False)
        settings = config.store.model_copy(update={"api_key_env": "CHROMA_KEY"})
        with pytest.raises(StoreServerError, match="CHROMA_KEY is not set"):
            store.check(config.model_copy(update={"store": settings}))


def lock_of(config: Config) -> Any:
    return connection.connect(config.store).get_collection("ragcli.default.lock", embedding_function=None)


def run_out(config: Config) -> None:
    """As if the lease's time had passed."""
    lock = lock_of(config)
    lock.modify(metadata={**lock.metadata, "until": 1})


def in_child(work: Callable[[], None]) -> int:
    """Runs the work in a process of its own; 0, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            # A connection must not be shared with the parent.
            connection._client.cache_clear()
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class TestTwoWriters:
    def test_the_second_is_told_who_the_first_is(self, config: Config) -> None:
        index = opened(config)
        put(index, "a.md", chunk("a.md", 0))
        with index.writing():
            for change in (lambda: opened(config).remove("a.md"), lambda: store.reset(config)):
                with pytest.raises(StoreError, match=f"Another ragcli is writing.*process {os.getpid()}"):
                    change()
            assert found(opened(config, create=False)) == ["a.md-0-Some text."]
        assert opened(config).remove("a.md") == 1

    def test_the_lease_is_prolonged_while_its_holder_lives(
        self, config: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lease, "PROLONG_SECONDS", 0.1)
        with opened(config).writing():
            first = lock_of(config).metadata["until"]
            end = time.monotonic() + 30
            while lock_of(config).metadata["until"] == first and time.monotonic() < end:
                time.sleep(0.1)
            assert lock_of(config).metadata["until"] > first

    def test_the_lock_of_a_killed_one_ends_by_itself(self, config: Config) -> None:
        def die() -> None:
            with opened(config).writing():
                os.kill(os.getpid(), signal.SIGKILL)

        opened(config)
        assert in_child(die) == -signal.SIGKILL
        with pytest.raises(StoreError, match="Another ragcli") as caught:
            opened(config).remove("a.md")
        assert "its lock ends in" in caught.value.hint
        run_out(config)
        put(opened(config), "a.md", chunk("a.md", 0))

    def test_one_that_was_taken_for_dead_commits_nothing(self, config: Config) -> None:
        slow = opened(config)

        def too_late() -> None:
            with slow.writing():
                run_out(config)
                put(opened(config), "a.md", chunk("a.md", 0, "other"))
                put(slow, "a.md", chunk("a.md", 0, "late"))

        with pytest.raises(StoreError, match="another one took over"):
            too_late()
        assert found(opened(config)) == ["a.md-0-other"]
        put(slow, "a.md", chunk("a.md", 0, "again"))
        assert found(slow) == ["a.md-0-again"]
        assert slow._table.count() == 1

    def test_leave_no_lock_behind(self, config: Config) -> None:
        put(opened(config), "a.md", chunk("a.md", 0))
        names = {collection.name for collection in connection.connect(config.store).list_collections()}
        assert names == {"ragcli.default.chunks", "ragcli.default.sources"}


OLD = {"a.md": "old", "b.md": "old", "c.md": "old"}
NEW = {"a.md": "new", "b.md": "new", "d.md": "new"}
OWNERS: dict[str, Any] = {
    "begin": generations.ServerRecords,
    "_write_state": generations.ServerRecords,
    "commit": generations.ServerRecords,
    "retire": generations.ServerRecords,
    "forget": generations.ServerRecords,
    "add": ChunkTable,
    "_sweep": ServerStore,
}
MOMENTS = [
    ("begin", 1, "after"),
    ("add", 1, "after"),
    ("_write_state", 2, "before"),
    ("commit", 1, "after"),
    ("forget", 1, "before"),
    ("_write_state", 4, "after"),
    ("retire", 1, "after"),
    ("forget", 2, "before"),
]


def synchronise(config: Config, texts: dict[str, str]) -> None:
    """What an ingest does to the index, without reading and embedding: all in two chunks each."""
    index = opened(config)
    with index.writing():
        known = {info.source: info.sha256 for info in index.sources()}
        index.replace_all(
            [
                store.Update(name, "", "markdown", text, parts(name, text), vectors(1, 2))
                for name, text in texts.items()
                if known.get(name) != text
            ]
        )
        for name in known.keys() - texts.keys():
            index.remove(name)


def parts(name: str, text: str) -> tuple[Any, ...]:
    return chunk(name, 0, text), chunk(name, 1, text)


def seen(config: Config) -> dict[str, str]:
    """Each source with its text; fails where one is seen in part, twice, or in two versions."""
    index = opened(config, create=False)
    hits = [hit.chunk for hit in index.search(vectors(0), 1000, ALL)]
    texts = {hit.source: hit.text for hit in hits}
    expected = [part.id for name, text in texts.items() for part in parts(name, text)]
    assert sorted(hit.id for hit in hits) == sorted(expected)
    assert [info.source for info in index.sources()] == sorted(texts)
    assert all(index.chunks(name) == parts(name, text) for name, text in texts.items())
    return texts


class TestADeadWriter:
    """Each stage at which a writer can die, made by hand: what is seen, and what the next writer does."""

    def test_before_its_commit_the_old_chunks_are_seen(self, index: ServerStore) -> None:
        put(index, "a.md", chunk("a.md", 0, "old"))
        (generation,) = index._records.begin(["a.md"])
        self.add_without_commit(index, generation, chunk("a.md", 0, "new"))

        assert found(index) == ["a.md-0-old"]
        assert [part.text for part in index.chunks("a.md")] == ["old"]

    def test_after_its_commit_the_new_ones_are(self, index: ServerStore) -> None:
        put(index, "a.md", chunk("a.md", 0, "old"))
        (generation,) = index._records.begin(["a.md"])
        self.add_without_commit(index, generation, chunk("a.md", 0, "new"))
        index._records.commit([(generation, index.sources()[0])])

        assert found(index) == ["a.md-0-new"]

    def test_between_record_and_chunks_a_removed_source_is_gone(self, index: ServerStore) -> None:
        put(index, "a.md", chunk("a.md", 0))
        index._records.retire("a.md")
        assert found(index) == []

    def test_the_next_writer_deletes_what_it_left(self, index: ServerStore) -> None:
        (generation,) = index._records.begin(["a.md"])
        self.add_without_commit(index, generation, chunk("a.md", 0, "half"))
        put(index, "b.md", chunk("b.md", 0))

        assert index._records.hidden().generations == ()
        assert index._table.count() == index.count() == 1

    @staticmethod
    def add_without_commit(index: ServerStore, generation: int, part: Chunk) -> None:
        update = store.Update("a.md", "", "markdown", "", (part,), vectors(0))
        index._table.add([(generation, update)])


class TestAKilledWriter:
    @pytest.mark.parametrize(("function", "call", "when"), MOMENTS)
    def test_leaves_each_source_whole_and_the_next_one_completes_it(
        self, config: Config, function: str, call: int, when: str
    ) -> None:
        synchronise(config, OLD)

        def die() -> None:
            owner, calls = OWNERS[function], 0
            original = getattr(owner, function)

            def patched(*args: Any, **kwargs: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls == call and when == "before":
                    os.kill(os.getpid(), signal.SIGKILL)
                result = original(*args, **kwargs)
                if calls == call:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            setattr(owner, function, patched)
            synchronise(config, NEW)

        assert in_child(die) == -signal.SIGKILL
        assert all(text in (OLD.get(name), NEW.get(name)) for name, text in seen(config).items())
        run_out(config)
        synchronise(config, NEW)
        assert seen(config) == NEW
        index = opened(config)
        assert index._table.count() == 2 * len(NEW)
        assert index._records.hidden().generations == ()

    def test_of_a_first_ingest_leaves_no_index(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        def die() -> None:
            monkeypatch.setattr(
                generations.ServerRecords, "create", lambda _: os.kill(os.getpid(), signal.SIGKILL)
            )
            opened(config)

        assert in_child(die) == -signal.SIGKILL
        with pytest.raises(NothingFoundError):
            store.check(config)
        run_out(config)
        synchronise(config, NEW)
        assert seen(config) == NEW


def test_a_search_during_writes_sees_each_source_whole(config: Config) -> None:
    synchronise(config, OLD)

    def write() -> None:
        for _ in range(2):
            synchronise(config, NEW)
            synchronise(config, OLD)

    child = os.fork()
    if child == 0:
        connection._client.cache_clear()
        write()
        os._exit(0)
    looks = 0
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        index = opened(config, create=False)
        by_source: dict[str, list[str]] = {}
        for hit in index.search(vectors(0), 1000, ALL):
            by_source.setdefault(hit.chunk.source, []).append(hit.chunk.text)
        assert all(texts in (["old"] * 2, ["new"] * 2) for texts in by_source.values()), by_source
        looks += 1
    assert looks


def test_the_data_outlive_the_server(tmp_path: Path) -> None:
    with chroma_server(tmp_path / "data") as url:
        config = Config(store=StoreConfig(url=url))
        put(opened(config), "a.md", chunk("a.md", 0))
    with pytest.raises(StoreServerError):
        store.check(config)
    with chroma_server(tmp_path / "data", port=int(url.rpartition(":")[2])):
        assert found(opened(config, create=False)) == ["a.md-0-Some text."]


def test_the_state_is_readable(config: Config) -> None:
    index = opened(config)
    put(index, "a.md", chunk("a.md", 0))
    collection = connection.connect(config.store).get_collection("ragcli.default.sources")
    state = collection.get(ids=["state"])
    assert (state["metadatas"][0]["next"], json.loads(state["documents"][0])) == (2, [])


def test_hybrid_retrieval_is_refused_in_words(config: Config) -> None:
    index = opened(config)
    put(index, "a.md", chunk("a.md", 0))
    for ask in (index.index_words, lambda: index.search_words("text", vectors(0)[0], 5, ALL)):
        with pytest.raises(UsageError, match="needs an index in a folder") as caught:
            ask()
        assert "--retrieval dense" in caught.value.hint


@pytest.mark.parametrize(
    "address", ["http://[bad", "http://[::1]bad", "http://host:x", "http://a..b", "host:8000"]
)
def test_a_malformed_address_is_a_wrong_setting(address: str, tmp_path: Path) -> None:
    for args in (("search", "anything"), ("list",), ("ingest", str(tmp_path))):
        outcome = run(*args, environ={"RAGCLI_STORE_URL": address, "HOME": str(tmp_path)})
        assert (outcome.status, outcome.stdout) == (2, "")
        assert "store.url is not an http or https address" in outcome.stderr


def test_a_redirect_is_not_followed(guarded: Gate, config: Config, tmp_path: Path) -> None:
    """Neither by the first request, which is ours, nor by those of Chroma's client."""
    guarded.faults["/"] = [(307, {"Location": f"{config.store.url}/api/v2/auth/identity"})] * 9
    outcome = run("list", environ={"RAGCLI_STORE_URL": guarded.url, "HOME": str(tmp_path)})
    assert outcome.status == ExitCode.UNAVAILABLE
    assert len(guarded.requests) == 1
    assert connection.connect(config.store)._server._session.follow_redirects is False
