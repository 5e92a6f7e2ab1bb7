"""--prune drops the documents whose files are gone, and no others; one index may serve several folders."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragcli.config import Config, IngestConfig, StoreConfig
from ragcli.documents import discover
from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.errors import IngestError
from ragcli.ingestion.ingest import ingest
from ragcli.ingestion.planning import KEPT, plan
from ragcli.store import open_store
from ragcli.types import IngestReport

CONFIG = Config()
NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "docs" / "a.md", "b.md", "deep/c.md", "deep/d.md")
    return tmp_path


def write(first: Path, *others: str) -> None:
    """`first`, and the others beside it, each with a text of its own."""
    for path in (first, *(first.parent / name for name in others)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Of {path}\n\nThis is {path}.\n")


def run(embedder: BiEncoder, *paths: str, config: Config = CONFIG, **options: Any) -> IngestReport:
    return ingest([Path(path) for path in paths or ("docs",)], config=config, embedder=embedder, **options)


def pruned(report: IngestReport) -> set[str]:
    return {file.source for file in report.files if file.status == "removed"}


def held(config: Config = CONFIG) -> set[str]:
    with open_store(config, create=False) as index:
        return {info.source for info in index.sources()}


class TestWhatMayBeThere:
    def test_a_folder_that_cannot_be_listed_keeps_all_below_it(
        self, folder: Path, embedder: BiEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(embedder)
        listing = os.scandir

        def failing(place: Any) -> Any:
            if str(place).endswith("deep"):
                raise OSError(5, "Input/output error", str(place))
            return listing(place)

        # A dead disk: nothing of it can be listed, and nothing of it is found either.
        shutil.move("docs/deep/c.md", "c.md")
        (folder / "docs" / "b.md").unlink()
        monkeypatch.setattr(os, "scandir", failing)
        report = run(embedder, prune=True)
        assert pruned(report) == {"docs/b.md"}
        (skipped,) = (file for file in report.files if file.status == "skipped")
        assert skipped.source == "docs/deep"
        assert skipped.reason == (
            "cannot be read: input/output error; the index keeps what it holds of the 2 documents below"
        )

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can become somebody else")
    @pytest.mark.parametrize("mode", [0o000, 0o100, 0o400])
    def test_a_folder_without_permission_keeps_all_below_it(
        self, folder: Path, embedder: BiEncoder, mode: int
    ) -> None:
        run(embedder)
        (folder / "docs" / "b.md").unlink()
        for place in (folder, *folder.rglob("*")):
            os.chown(place, NOBODY, NOBODY)
        for place in folder.parents:
            if place.stat().st_uid == 0 and place != Path("/") and place != Path("/tmp"):
                place.chmod(0o755)
        (folder / "docs" / "deep").chmod(mode)

        with open_store(CONFIG, create=False) as index:
            sources = index.sources()

        def planned() -> None:
            paths = [Path("docs")]
            todo = plan(paths, discover(paths, CONFIG.ingest), sources, prune=True)
            assert [info.source for info in todo.vanished] == ["docs/b.md"]

        as_nobody(planned)

    def test_a_root_that_lost_everything_is_refused(self, folder: Path, embedder: BiEncoder) -> None:
        write(folder / "disk" / "x.md", "y.md")
        run(embedder, "docs", "disk")
        shutil.rmtree(folder / "disk")
        (folder / "disk").mkdir()
        (folder / "docs" / "a.md").unlink()

        for dry_run in (True, False):
            with pytest.raises(IngestError, match=r"disk holds no file now: .* all 2 documents") as caught:
                run(embedder, "docs", "disk", prune=True, dry_run=dry_run)
        assert "ragcli remove disk" in caught.value.hint
        assert {"docs/a.md", "disk/x.md"} <= held()
        # Without --prune there is nothing to refuse.
        assert pruned(run(embedder, "docs", "disk")) == set()

    def test_a_file_that_only_the_patterns_leave_out_stays(self, folder: Path, embedder: BiEncoder) -> None:
        run(embedder)
        (folder / "docs" / "b.md").unlink()
        config = Config(ingest=IngestConfig(exclude=("deep/",)))
        report = run(embedder, config=config, prune=True)
        assert pruned(report) == {"docs/b.md"}
        assert {file.source for file in report.files if file.reason == KEPT} == {
            "docs/deep/c.md",
            "docs/deep/d.md",
        }

    def test_a_link_whose_target_cannot_be_looked_at_stays(
        self, folder: Path, embedder: BiEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(embedder)
        (folder / "docs" / "b.md").unlink()
        (folder / "docs" / "b.md").symlink_to("deep/c.md")
        resolve = Path.resolve

        def failing(path: Path, strict: bool = False) -> Path:
            if path.name == "b.md":
                raise PermissionError(13, "Permission denied", str(path))
            return resolve(path, strict=strict)

        monkeypatch.setattr(Path, "resolve", failing)
        report = run(embedder, prune=True)
        assert pruned(report) == set()
        (skipped,) = (file for file in report.files if file.status == "skipped")
        assert skipped.reason == "cannot be read: permission denied; the index keeps its earlier text"


def as_nobody(work: Callable[[], object]) -> None:
    """`work` in a process that may do what nobody may."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            work()
        except BaseException:  # noqa: BLE001 - a child has nobody to raise it to
            traceback.print_exc(file=sys.__stderr__)
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class TestOneIndexForTwoFolders:
    @pytest.fixture
    def shared(self, tmp_path: Path) -> Config:
        for name in ("first", "second"):
            write(tmp_path / name / "readme.md", f"{name}.md")
        return Config(store=StoreConfig(path=str(tmp_path / "index")))

    def test_pruning_in_one_keeps_what_the_other_holds(
        self, tmp_path: Path, shared: Config, embedder: BiEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path / "first")
        run(embedder, ".", config=shared)
        monkeypatch.chdir(tmp_path / "second")
        report = run(embedder, ".", config=shared, prune=True)
        assert pruned(report) == set()
        second = (tmp_path / "second" / "readme.md").as_posix()
        assert held(shared) == {"readme.md", "first.md", second, "second.md"}
        with open_store(shared, create=False) as index:
            assert "first" in index.chunks("readme.md")[0].text
            (chunk,) = index.chunks(second)
            assert chunk.source == second

    def test_each_goes_on_under_the_names_that_it_has(
        self, tmp_path: Path, shared: Config, embedder: BiEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("first", "second"):
            monkeypatch.chdir(tmp_path / name)
            run(embedder, ".", config=shared)
        (tmp_path / "second" / "readme.md").write_text("Other words.")
        (tmp_path / "first" / "first.md").unlink()
        # From the folder above, too: a document is known by its place.
        monkeypatch.chdir(tmp_path)
        report = run(embedder, "first", "second", config=shared, prune=True)
        assert {file.source: file.status for file in report.files} == {
            "readme.md": "unchanged",
            "first.md": "removed",
            (tmp_path / "second" / "readme.md").as_posix(): "replaced",
            "second.md": "unchanged",
        }

    def test_a_folder_that_was_moved_keeps_its_names(
        self, tmp_path: Path, shared: Config, embedder: BiEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path / "first")
        run(embedder, ".", config=shared)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "first").rename(tmp_path / "moved")
        monkeypatch.chdir(tmp_path / "moved")
        report = run(embedder, ".", config=shared, prune=True)
        assert {file.source: file.status for file in report.files} == {
            "readme.md": "unchanged",
            "first.md": "unchanged",
        }
        (tmp_path / "moved" / "first.md").unlink()
        assert pruned(run(embedder, ".", config=shared, prune=True)) == {"first.md"}

    def test_a_folder_that_holds_its_index_may_be_moved_and_copied(
        self, folder: Path, embedder: BiEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(embedder)
        shutil.copytree(folder, folder.parent / "copy")
        monkeypatch.chdir(folder.parent / "copy")
        Path("docs/a.md").unlink()
        assert pruned(run(embedder, prune=True)) == {"docs/a.md"}


class TestAnOlderIndex:
    """It has no record of the folders."""

    def forget(self, store: Path) -> None:
        for path in store.glob("*/v-*/sources.sqlite3"):
            with sqlite3.connect(path) as database:
                database.execute("ALTER TABLE source DROP COLUMN base")
            (path.parent / "seal.json").unlink()

    def test_in_the_working_folder_is_pruned_as_before(self, folder: Path, embedder: BiEncoder) -> None:
        run(embedder)
        self.forget(folder / ".ragcli")
        Path("docs/a.md").unlink()
        report = run(embedder, prune=True)
        assert pruned(report) == {"docs/a.md"}
        write(folder / "docs" / "new.md")
        run(embedder)
        assert "docs/new.md" in held()

    def test_elsewhere_loses_nothing_before_its_files_were_seen(
        self, folder: Path, embedder: BiEncoder, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        store = tmp_path_factory.mktemp("elsewhere")
        config = Config(store=StoreConfig(path=str(store)))
        run(embedder, config=config)
        self.forget(store)
        Path("docs/a.md").unlink()
        assert pruned(run(embedder, config=config, prune=True)) == set()
        Path("docs/b.md").unlink()
        assert pruned(run(embedder, config=config, prune=True)) == {"docs/b.md"}
