"""Ingest is a synchronisation: the index ends as the files are, whatever happened on the way."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ragcli.config import ChunkingConfig, Config
from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.errors import ConfigError, IngestError, StoreError
from ragcli.ingestion.ingest import Progress, ingest
from ragcli.store import Store, Update, open_store
from ragcli.types import Filters, IngestReport

CONFIG = Config()
PYTHON = "# Python (snake)\n\n## Food\n\nPythons squeeze their prey. They eat mammals and birds.\n"
MERCURY = "# Mercury (planet)\n\nMercury is the smallest planet. It orbits the Sun in 88 days.\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with two documents in docs/."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "python.md").write_text(PYTHON)
    (tmp_path / "docs" / "mercury.md").write_text(MERCURY)
    return tmp_path


def run(embedder: BiEncoder, *paths: str, config: Config = CONFIG, **options: Any) -> IngestReport:
    names = paths or ("docs",)
    return ingest([Path(name) for name in names], config=config, embedder=embedder, **options)


def statuses(report: IngestReport) -> dict[str, str]:
    return {file.source: file.status for file in report.files}


def held() -> set[str]:
    with open_store(CONFIG, create=False) as index:
        return {info.source for info in index.sources()}


class TestSynchronisation:
    def test_new_files_are_added_and_found(self, folder: Path, embedder: BiEncoder) -> None:
        report = run(embedder)

        assert statuses(report) == {"docs/mercury.md": "added", "docs/python.md": "added"}
        assert report.chunks_written == sum(file.chunks for file in report.files) > 0
        with open_store(CONFIG, create=False) as index:
            best = index.search(embedder.embed(["What do snakes eat?"], query=True), 1, Filters())[0]
        assert best.chunk.source == "docs/python.md"
        assert best.chunk.location == "Python (snake) > Food"
        assert best.chunk.tokens == len(embedder.token_spans(best.chunk.passage))

    def test_unchanged_files_are_left_alone(self, folder: Path, embedder: BiEncoder) -> None:
        run(embedder)
        report = run(embedder)
        assert set(statuses(report).values()) == {"unchanged"}
        assert (report.chunks_written, report.chunks_removed) == (0, 0)

    def test_a_file_that_was_only_touched_is_unchanged(self, folder: Path, embedder: BiEncoder) -> None:
        run(embedder)
        (folder / "docs" / "python.md").touch()
        assert set(statuses(run(embedder)).values()) == {"unchanged"}

    def test_a_changed_file_is_replaced(self, folder: Path, embedder: BiEncoder) -> None:
        run(embedder)
        (folder / "docs" / "python.md").write_text("# Python\n\nA language.\n")

        report = run(embedder)

        assert statuses(report) == {"docs/mercury.md": "unchanged", "docs/python.md": "replaced"}
        assert report.chunks_removed == 1
        with open_store(CONFIG, create=False) as index:
            assert [chunk.text for chunk in index.chunks("docs/python.md")] == ["A language."]

    def test_a_vanished_file_stays_until_it_is_pruned(self, folder: Path, embedder: BiEncoder) -> None:
        run(embedder)
        (folder / "docs" / "python.md").unlink()

        assert statuses(run(embedder)) == {"docs/mercury.md": "unchanged"}
        assert "docs/python.md" in held()
        report = run(embedder, prune=True)
        assert statuses(report) == {"docs/mercury.md": "unchanged", "docs/python.md": "removed"}
        assert report.chunks_removed == 1
        assert held() == {"docs/mercury.md"}

    def test_pruning_leaves_other_folders_alone(self, folder: Path, embedder: BiEncoder) -> None:
        run(embedder)
        (folder / "docs2").mkdir()
        (folder / "docs2" / "rust.md").write_text("Rust is a language.")
        (folder / "docs" / "python.md").unlink()

        report = run(embedder, "docs2", prune=True)

        assert statuses(report) == {"docs2/rust.md": "added"}
        assert "docs/python.md" in held()

    def test_pruning_the_folder_above_drops_what_vanished_below(
        self, folder: Path, embedder: BiEncoder
    ) -> None:
        run(embedder)
        (folder / "docs" / "python.md").unlink()
        assert statuses(run(embedder, str(folder), prune=True))["docs/python.md"] == "removed"

    def test_many_files_over_many_groups(
        self, folder: Path, embedder: BiEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ragcli.ingestion.ingest._CHUNKS_AT_ONCE", 3)
        for number in range(10):
            (folder / "docs" / f"{number}.md").write_text(f"# Note {number}\n\nThe number is {number}.\n")
        run(embedder)
        with open_store(CONFIG, create=False) as index:
            question = embedder.embed(["The number is 7"], query=True)
            assert index.search(question, 1, Filters())[0].chunk.source == "docs/7.md"
            assert len(index.sources()) == 12


class TestOverlap:
    @pytest.fixture
    def many(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Files for many groups of a few chunks."""
        monkeypatch.setattr("ragcli.ingestion.ingest._CHUNKS_AT_ONCE", 3)
        for number in range(30):
            (folder / "docs" / f"{number:02}.md").write_text(f"# Note {number}\n\nThe number is {number}.\n")

    @pytest.mark.usefixtures("many")
    def test_what_comes_next_is_embedded_while_a_group_is_written(
        self, embedder: BiEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps: list[Progress] = []
        whole = Store.replace_all
        waited: list[bool] = []

        def patient(index: Store, updates: Sequence[Update]) -> None:
            written = sum(len(update.chunks) for update in updates)
            end = time.monotonic() + 60
            while not waited and most_embedded() <= written and time.monotonic() < end:
                time.sleep(0.01)
            waited.append(most_embedded() > written)
            whole(index, updates)

        def most_embedded() -> int:
            return max(step.done for step in steps if step.stage == "embed")

        monkeypatch.setattr(Store, "replace_all", patient)
        run(embedder, progress=steps.append)
        assert waited[0]

    @pytest.mark.usefixtures("many")
    def test_a_writer_that_fails_ends_what_runs_ahead_of_it(
        self, embedder: BiEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(index: Store, updates: Sequence[Update]) -> None:
            raise StoreError("The disk is full.")

        steps: list[Progress] = []
        monkeypatch.setattr(Store, "replace_all", full)
        with pytest.raises(StoreError, match="full"):
            run(embedder, progress=steps.append)
        reads = [step for step in steps if step.stage == "read"]
        assert len(reads) < 25
        count = len(steps)
        time.sleep(0.2)
        assert len(steps) == count


class TestWhatCannotBeRead:
    def test_is_one_line_of_the_report_and_not_the_end(self, folder: Path, embedder: BiEncoder) -> None:
        (folder / "docs" / "empty.md").write_text("")
        (folder / "docs" / "data.bin").write_bytes(bytes(range(256)))

        report = run(embedder)

        skipped = {file.source: file.reason for file in report.files if file.status == "skipped"}
        assert skipped.keys() == {"docs/empty.md", "docs/data.bin"}
        assert skipped["docs/empty.md"] == "empty"
        assert held() == {"docs/mercury.md", "docs/python.md"}

    def test_keeps_what_the_index_held_of_it(self, folder: Path, embedder: BiEncoder) -> None:
        run(embedder)
        (folder / "docs" / "python.md").write_text("")

        report = run(embedder, prune=True)

        (skipped,) = (file for file in report.files if file.status == "skipped")
        assert skipped.reason == "empty; the index keeps its earlier text"
        assert "docs/python.md" in held()

    def test_a_path_that_does_not_exist_changes_nothing(self, folder: Path, embedder: BiEncoder) -> None:
        with pytest.raises(IngestError, match="does not exist"):
            run(embedder, "docs", "nowhere")
        assert not (folder / ".ragcli").exists()


class TestADryRun:
    def test_without_an_index_makes_none(self, folder: Path, embedder: BiEncoder) -> None:
        report = run(embedder, dry_run=True)
        assert statuses(report) == {"docs/mercury.md": "added", "docs/python.md": "added"}
        assert report.dry_run
        assert not (folder / ".ragcli").exists()

    def test_tells_what_the_run_then_does(self, folder: Path, embedder: BiEncoder) -> None:
        run(embedder)
        (folder / "docs" / "python.md").unlink()
        (folder / "docs" / "mercury.md").write_text(MERCURY.replace("88", "eighty-eight"))
        (folder / "docs" / "empty.md").write_text("")

        planned = run(embedder, dry_run=True, prune=True)
        assert "docs/python.md" in held()
        done = run(embedder, prune=True)

        assert planned.files == done.files
        assert (planned.chunks_written, planned.chunks_removed) == (done.chunks_written, done.chunks_removed)


def test_progress_ends_complete(folder: Path, embedder: BiEncoder) -> None:
    steps: list[Progress] = []
    report = run(embedder, progress=steps.append)

    last = {step.stage: (step.done, step.total) for step in steps}
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert last == {"read": (2, 2), "embed": (report.chunks_written, report.chunks_written), "store": (2, 2)}


def test_chunks_beyond_the_model_s_window_are_refused(folder: Path, embedder: BiEncoder) -> None:
    with pytest.raises(ConfigError, match="254 tokens") as caught:
        run(embedder, config=Config(chunking=ChunkingConfig(size=255)))
    assert "254" in caught.value.hint
    assert not (folder / ".ragcli").exists()


def test_a_second_ingest_at_once_is_told_so(folder: Path, embedder: BiEncoder) -> None:
    run(embedder)
    hold = (
        "from ragcli.config import Config; from ragcli.store import open_store\n"
        "with open_store(Config(), create=False).writing():\n    print('holding', flush=True); input()\n"
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", hold], **pipes) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "holding\n"
        with pytest.raises(StoreError, match="Another ragcli is writing") as caught:
            run(embedder)
        assert caught.value.hint
        other.kill()
    run(embedder)


def at(function: str, call: int, when: str, start: str = "earlier") -> dict[str, Any]:
    """At a call of a function, before it or after it. `start`: an earlier index, or nothing."""
    return {"function": function, "call": call, "when": when, "from": start}


def random_moments(count: int, seed: int) -> list[dict[str, Any]]:
    """Shares of an ingest's processor time, mostly from an earlier index, some from nothing."""
    draw = random.Random(seed)
    starts = ("earlier", "earlier", "nothing")
    return [{"share": draw.uniform(0, 1.02), "from": starts[number % 3]} for number in range(count)]


BOUNDARIES = [
    at(function, call, when)
    for function in (
        *(
            "read",
            "chunk",
            "embed",
            "draft_of_current",
            "begin",
            "add",
            "commit",
            "delete",
            "forget",
            "retire",
        ),
        *("publish", "tidy"),
    )
    for call in ((1,) if function in ("draft_of_current", "retire") else (1, 2))
    for when in ("before", "after")
]
FROM_NOTHING = [
    *(at("write_manifest", 1, when, "nothing") for when in ("before", "after")),
    *(at(function, 1, when, "nothing") for function in ("publish", "add") for when in ("before", "after")),
]
SHORT = [
    *(at(function, 1, "after") for function in ("read", "embed", "add", "commit", "forget")),
    *(at("publish", 2, when) for when in ("before", "after")),
    at("write_manifest", 1, "before", "nothing"),
    *random_moments(2, seed=1),
]
LONG = [*BOUNDARIES, *FROM_NOTHING, *random_moments(50, seed=2)]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the killed processes are forks")
class TestAKilledIngest:
    """At whatever instant: a question finds whole sources, and the next run completes the index."""

    @pytest.fixture(
        scope="class", params=["short", pytest.param("long", marks=pytest.mark.long)], ids=["some", "all"]
    )
    @classmethod
    def results(
        cls, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> dict[str, Any]:
        moments = SHORT if request.param == "short" else LONG
        folder = tmp_path_factory.mktemp("killed")
        for number in range(8):
            cls.write(folder / "documents" / f"{number}.md", number, "first")
        shutil.copytree(folder / "documents", folder / "changed")
        for number in (1, 2, 5):
            cls.write(folder / "changed" / f"{number}.md", number, "second")
        (folder / "changed" / "6.md").unlink()
        cls.write(folder / "changed" / "8.md", 8, "first")
        script = Path(__file__).parents[1] / "killed_ingest.py"
        outcome = subprocess.run(
            [sys.executable, str(script), str(folder)],
            input=json.dumps(moments),
            capture_output=True,
            text=True,
            timeout=3600,
            # One thread, as a fork does not take OpenMP's other threads along.
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert outcome.returncode == 0, outcome.stderr
        found: dict[str, Any] = json.loads(outcome.stdout)
        assert len(found["outcomes"]) == len(moments)
        return found

    @staticmethod
    def write(path: Path, number: int, edition: str) -> None:
        path.parent.mkdir(exist_ok=True)
        sections = [
            f"## Part {part}\n\nThe {edition} edition of note {number} tells in part {part} of pythons.\n"
            for part in range(number % 3 + 1)
        ]
        path.write_text(f"# Note {number}\n\n" + "\n".join(sections))

    def test_leaves_each_source_whole_as_it_was_or_as_it_is(self, results: dict[str, Any]) -> None:
        for outcome in results["outcomes"]:
            old = {} if outcome["moment"]["from"] == "nothing" else results["old"]["chunks"]
            new = results["new"]["chunks"]
            chunks = outcome["after"]["chunks"]
            for source in old.keys() | new.keys():
                assert chunks.get(source) in (old.get(source), new.get(source)), outcome["moment"]
            assert chunks.keys() <= old.keys() | new.keys()

    def test_leaves_no_duplicate_and_no_orphan_in_a_search(self, results: dict[str, Any]) -> None:
        for outcome in results["outcomes"]:
            after = outcome["after"]
            expected = [[source, chunk] for source, chunks in after["chunks"].items() for chunk in chunks]
            assert sorted(after["hits"]) == sorted(expected), outcome["moment"]

    def test_is_completed_by_the_next_run(self, results: dict[str, Any]) -> None:
        for outcome in results["outcomes"]:
            end = outcome["end"]
            assert end["chunks"] == results["new"]["chunks"], outcome["moment"]
            assert sorted(end["hits"]) == sorted(results["new"]["hits"]), outcome["moment"]
            assert end["stored"] == len(end["hits"]), outcome["moment"]
