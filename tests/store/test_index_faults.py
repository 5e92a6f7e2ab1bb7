"""The index under faults: a full disk, a folder that may not be written, others who read and write it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_helper import run as run_command
from test_store_same import chunk, found, opened, put, vectors

from ragcli import store
from ragcli.batch import runner
from ragcli.config import Config, IngestConfig, LLMConfig, PromptingConfig, StoreConfig
from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.errors import NothingFoundError, StoreError
from ragcli.evaluation.questions import Question
from ragcli.ingestion.ingest import ingest
from ragcli.pipeline import open_pipeline
from ragcli.servers.retrying import Backoff
from ragcli.store import Update
from ragcli.store.folder.chroma_core import open_reader
from ragcli.types import Filters

EARLIER = ["a.md-0-Some text."]


def mounted(folder: Path, *arguments: str) -> Iterator[Path]:
    """A mount at `folder`; skips where that is not allowed."""
    folder.mkdir(exist_ok=True)
    if shutil.which("mount") is None or os.name == "nt":
        pytest.skip("there is no mount command")
    outcome = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, text=True)
    if outcome.returncode:
        pytest.skip(f"mounting is not allowed here: {outcome.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    yield from mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=4m", "tmpfs")


class TestAFullDisk:
    # Free bytes: nothing at all, then enough to fail later and later on the way to a new version.
    FREE = (0, 20_000, 250_000, 330_000, 400_000, 500_000, 700_000)

    @pytest.mark.parametrize("free", FREE)
    def test_keeps_the_earlier_index_answering_and_a_later_try_completes(
        self, small_disk: Path, free: int
    ) -> None:
        config = Config(store=StoreConfig(path=str(small_disk / "index")))
        index = opened(config)
        put(index, "a.md", chunk("a.md", 0))
        fill(small_disk, leaving=free)

        with pytest.raises(StoreError, match=r"No space|is full|disk|full") as caught:
            put(index, "b.md", *(chunk("b.md", number, "x" * 2000) for number in range(400)))

        assert "room" in caught.value.hint
        assert found(index) == found(opened(config, create=False)) == EARLIER
        (small_disk / "filler").unlink()
        put(index, "b.md", chunk("b.md", 0))
        assert set(found(index)) == {*EARLIER, "b.md-0-Some text."}
        assert set(found(opened(config, create=False))) == {*EARLIER, "b.md-0-Some text."}

    def test_leaves_no_half_of_a_first_index(self, small_disk: Path) -> None:
        config = Config(store=StoreConfig(path=str(small_disk / "index")))
        fill(small_disk, leaving=20_000)
        with pytest.raises(StoreError):
            opened(config)
        (small_disk / "filler").unlink()
        put(opened(config), "a.md", chunk("a.md", 0))
        assert found(opened(config, create=False)) == EARLIER


def fill(disk: Path, *, leaving: int) -> None:
    status = os.statvfs(disk)
    with (disk / "filler").open("wb") as file:
        file.write(bytes(max(0, status.f_bavail * status.f_frsize - leaving)))


class TestAReadOnlyFolder:
    @pytest.fixture
    def config(self, tmp_path: Path) -> Iterator[Config]:
        """An index with one source, where nothing may be written."""
        original = tmp_path / "original"
        index = opened(Config(store=StoreConfig(path=str(original))))
        put(index, "a.md", chunk("a.md", 0))
        index.close()
        if os.geteuid() == 0:
            # Permissions do not stop root.
            for place in mounted(tmp_path / "index", "--bind", "-o", "ro", str(original)):
                yield Config(store=StoreConfig(path=str(place)))
            return
        subprocess.run(["chmod", "-R", "a-w", str(original)], check=True)
        yield Config(store=StoreConfig(path=str(original)))
        subprocess.run(["chmod", "-R", "u+w", str(original)], check=True)

    def test_is_searched_again_and_again(self, config: Config) -> None:
        assert found(opened(config, create=False)) == EARLIER
        index = opened(config, create=False)
        for _ in range(3):
            assert found(index) == EARLIER
            index.close()
        assert [part.text for part in index.chunks("a.md")] == ["Some text."]
        store.check(config)

    def test_is_not_written_and_says_so(self, config: Config) -> None:
        index = opened(config)
        changes: list[Callable[[], Any]] = [
            lambda: put(index, "b.md", chunk("b.md", 0)),
            lambda: index.remove("a.md"),
            lambda: store.reset(config),
        ]
        for change in changes:
            with pytest.raises(StoreError, match=r"cannot be written: .*(Read-only|Permission)") as caught:
                change()
            assert "permissions" in caught.value.hint

    def test_is_one_line_for_who_ingests(
        self, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "note.md").write_text("A note.")
        environ = {"RAGCLI_STORE_PATH": config.store.path, "RAGCLI_COLLECTION": "new"}
        outcome = run_command("ingest", "note.md", "--quiet", environ=environ)
        assert outcome.status == 1
        assert outcome.stdout == ""
        error, hint = outcome.stderr.splitlines()
        assert error.startswith("error: The index at")
        assert hint.startswith("hint: ")


class TestReadersBesideAWriter:
    """More chunks than Chroma keeps in memory, so that it rewrites its graph while others read."""

    def test_find_whole_versions_and_never_an_error(self, tmp_path: Path) -> None:
        config = Config(store=StoreConfig(path=str(tmp_path / "index")))
        opened(config).close()
        self.write(config, "first", groups=1)
        done = threading.Event()
        problems: list[str] = []
        looks = [0]

        def look(*, reopen: bool) -> None:
            index = opened(config, create=False)
            while not done.is_set():
                try:
                    hits = index.search(vectors(0), 3000, Filters())
                    problem = partial_source([hit.chunk.id for hit in hits])
                except Exception as error:  # noqa: BLE001 - whatever it is, a reader must not see it
                    problem = repr(error)
                if problem:
                    problems.append(problem)
                looks[0] += 1
                if reopen:
                    index.close()

        readers = [threading.Thread(target=look, kwargs={"reopen": reopen}) for reopen in (True, False)]
        for reader in readers:
            reader.start()
        try:
            self.write(config, "second", groups=3)
            self.write(config, "third", groups=3)
        finally:
            done.set()
            for reader in readers:
                reader.join()
        assert problems == []
        assert looks[0] >= 6
        index = opened(config, create=False)
        assert index.count() == 1200
        assert len(found(index, n=3000)) == 1200

    @staticmethod
    def write(config: Config, edition: str, *, groups: int) -> None:
        with opened(config) as index, index.writing():
            for group in range(groups):
                name = f"{group}.md"
                parts = tuple(chunk(name, number, edition) for number in range(400))
                index.replace_all([Update(name, "", "text", "", parts, vectors(*range(400)))])
                index._next_checkpoint = 0.0


class TestReadersBesideAReset:
    def test_find_the_index_or_that_there_is_none(self, tmp_path: Path) -> None:
        """Never that it is damaged."""
        config = Config(store=StoreConfig(path=str(tmp_path / "index")))
        done = threading.Event()
        problems: list[str] = []

        def look() -> None:
            while not done.is_set():
                try:
                    with store.open_store(config, create=False) as index:
                        hits = [hit.chunk.id for hit in index.search(vectors(0), 10, Filters())]
                    if hits not in ([], EARLIER):
                        problems.append(f"found {hits}")
                except NothingFoundError:
                    pass
                except Exception as error:  # noqa: BLE001 - whatever it is, a reader must not see it
                    problems.append(repr(error))

        readers = [threading.Thread(target=look) for _ in range(2)]
        for reader in readers:
            reader.start()
        try:
            for _ in range(20):
                with opened(config) as index:
                    put(index, "a.md", chunk("a.md", 0))
                store.reset(config)
        finally:
            done.set()
            for reader in readers:
                reader.join()
        assert problems == []


def partial_source(ids: list[str]) -> str:
    """What is wrong with these ids ("0.md-17-first"): each source has 400 chunks of one edition."""
    if len(ids) != len(set(ids)):
        return "a chunk came twice"
    editions: dict[str, dict[str, int]] = {}
    for name in ids:
        source, _, edition = name.rsplit("-", 2)
        counts = editions.setdefault(source, {})
        counts[edition] = counts.get(edition, 0) + 1
    wrong = {source: counts for source, counts in editions.items() if list(counts.values()) != [400]}
    return str(wrong) if wrong else ""


class TestTwoIngestsAtOnce:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            for number in range(8):
                (tmp_path / name / f"{number}.md").write_text(
                    f"# {name} {number}\n\nNote {number} of {name}.\n"
                )
        return tmp_path

    def test_the_second_is_refused_or_waits_and_nothing_is_lost(
        self, folder: Path, embedder: BiEncoder
    ) -> None:
        """Both begin without an index, at the same moment."""
        barrier = threading.Barrier(2)
        ended: dict[str, str] = {}

        def work(name: str) -> None:
            barrier.wait()
            try:
                ingest([Path(name)], config=Config(), embedder=embedder)
                ended[name] = "done"
            except StoreError as error:
                ended[name] = error.message

        threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        refused = "Another ragcli is writing to the collection default."
        assert set(ended.values()) in ({"done"}, {"done", refused}, {"done", _AGAIN})
        self.assert_whole({name for name, end in ended.items() if end == "done"})
        for name in ("one", "two"):
            ingest([Path(name)], config=Config(), embedder=embedder)
        self.assert_whole({"one", "two"})

    @pytest.mark.long
    def test_in_processes_of_their_own(self, folder: Path) -> None:
        command = [sys.executable, "-m", "ragcli", "ingest", "--quiet"]
        for _ in range(5):
            shutil.rmtree(folder / ".ragcli", ignore_errors=True)
            both = {
                name: subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True)
                for name in ("one", "two")
            }
            errors = {name: process.communicate()[1] for name, process in both.items()}
            codes = {name: process.returncode for name, process in both.items()}
            assert 0 in codes.values(), errors
            for name, code in codes.items():
                assert code == 0 or "Another ragcli is writing" in errors[name], errors[name]
            self.assert_whole({name for name, code in codes.items() if code == 0})
            for name in both:
                subprocess.run([*command, name], check=True)
            self.assert_whole({"one", "two"})

    @staticmethod
    def assert_whole(folders: set[str]) -> None:
        with store.open_store(Config(), create=False) as index:
            names = {info.source for info in index.sources()}
            assert names == {f"{name}/{number}.md" for name in folders for number in range(8)}
            assert all(index.chunks(name) for name in names)


_AGAIN = "The index at .ragcli/default was deleted or built again in the meantime."


class TestAnOpenPipeline:
    CONFIG = Config(
        ingest=IngestConfig(exclude=(".*",)),
        prompting=PromptingConfig(min_probability=1.0),
        llm=LLMConfig(base_url="http://127.0.0.1:9/v1", model="never-asked"),
    )

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: BiEncoder) -> Path:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "docs").mkdir()
        (tmp_path / "docs" / "python.md").write_text("# Python\n\nPythons squeeze their prey.\n")
        ingest([Path("docs")], config=self.CONFIG, embedder=embedder)
        return tmp_path

    def test_finds_what_was_ingested_meanwhile(self, folder: Path, embedder: BiEncoder) -> None:
        with open_pipeline(self.CONFIG) as rag:
            assert sources(rag.search("What is Mercury?", rerank=False)) == {"docs/python.md"}
            (folder / "docs" / "mercury.md").write_text("# Mercury\n\nMercury is a planet.\n")
            ingest([Path("docs")], config=self.CONFIG, embedder=embedder)
            assert sources(rag.search("What is Mercury?", rerank=False)) == {
                "docs/python.md",
                "docs/mercury.md",
            }

    def test_opens_its_index_once_and_again_after_a_reset(
        self, folder: Path, embedder: BiEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[Path] = []

        def counted(place: Path, name: str) -> object:
            opened.append(place)
            return open_reader(place, name)

        monkeypatch.setattr("ragcli.store.folder.chunks.open_reader", counted)
        with open_pipeline(self.CONFIG) as rag:
            for _ in range(3):
                rag.search("What is Mercury?", rerank=False)
            assert len(opened) == 1
            store.reset(self.CONFIG)
            (folder / "docs" / "python.md").rename(folder / "docs" / "snakes.md")
            ingest([Path("docs")], config=self.CONFIG, embedder=embedder)
            opened.clear()
            for _ in range(2):
                assert sources(rag.search("What is Mercury?", rerank=False)) == {"docs/snakes.md"}
            assert len(opened) == 1

    def test_a_reset_ends_a_batch_with_one_line_after_what_was_answered(self, folder: Path) -> None:
        """No passage is likely enough here, so that each answer is the sentence that there is none."""
        questions = [Question(id=str(number), text=f"What is {number}?") for number in range(4)]
        answered = []
        with open_pipeline(self.CONFIG) as rag:

            def prepare(question: Question) -> Any:
                if question.id == "2":
                    store.reset(self.CONFIG)
                return rag.prepare(question.text)

            outcomes = runner.run(questions, prepare, rag, jobs=4, backoff=Backoff())
            with pytest.raises(NothingFoundError, match="no index"):
                answered.extend(outcome.question.id for outcome in outcomes)
        assert answered == ["0", "1"]


def sources(result: Any) -> set[str]:
    return {candidate.chunk.source for candidate in result.candidates}


def test_copies_of_a_read_only_index_are_gone_at_the_end(tmp_path: Path) -> None:
    config = Config(store=StoreConfig(path=str(tmp_path / "index")))
    index = opened(config)
    put(index, "a.md", chunk("a.md", 0))
    index.close()
    for place in mounted(tmp_path / "index", "--bind", "-o", "ro", str(tmp_path / "index")):
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        code = (
            "import sys, test_store_same as made; from ragcli.config import Config, StoreConfig\n"
            "config = Config(store=StoreConfig(path=sys.argv[1]))\n"
            "print(made.found(made.opened(config, create=False)))\n"
        )
        environ = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
        outcome = subprocess.run(
            [sys.executable, "-c", code, str(place)], capture_output=True, text=True, env=environ, check=True
        )
        assert outcome.stdout.strip() == str(EARLIER)
        assert list(temporary.iterdir()) == []
    assert Path(tempfile.gettempdir()).exists()
