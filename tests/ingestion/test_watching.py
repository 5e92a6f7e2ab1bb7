"""`ragcli ingest --watch`: what has settled is ingested, what still changes is waited for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cli_helper import run

from ragcli.config import IngestConfig
from ragcli.errors import ExitCode, IndexBusyError, IngestError
from ragcli.ingestion.watching import LOOK_SECONDS, PATIENCE_SECONDS, watch
from ragcli.store.folder.lock import write_lock
from ragcli.types import FileReport, IngestReport

NOTHING = IngestReport((), 0, 0, 0.0, False)


class _Over(Exception):
    """The script of a test has come to its end."""


def rounds(folder: Path, script: list[Callable[[], object]], *, busy: int = 0) -> list[tuple[int, object]]:
    """What is ingested at which look, while each pause does the next step of the script."""
    looks, done, refused = 0, [], busy

    def pause(seconds: float) -> None:
        nonlocal looks
        assert seconds == LOOK_SECONDS
        if looks == len(script):
            raise _Over
        script[looks]()
        looks += 1

    def ingest() -> IngestReport:
        nonlocal refused
        if looks and refused:
            refused -= 1
            raise IndexBusyError("Another ragcli is writing.")
        names = (path.name for path in sorted(folder.iterdir()))
        return replace(NOTHING, files=tuple(FileReport(name, "added", 1) for name in names))

    try:
        for report in watch([folder], IngestConfig(), ingest, pause=pause):
            done.append((looks, report))
    except _Over:
        pass
    return done


def rest() -> None:
    """Nothing changes."""


class TestWatching:
    def test_begins_with_an_ingest_and_does_nothing_while_nothing_changes(self, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_text("a")
        assert [look for look, _ in rounds(tmp_path, [rest] * 5)] == [0]

    def test_a_change_is_taken_when_it_rests(self, tmp_path: Path) -> None:
        path = tmp_path / "a.md"
        path.write_text("a")

        def grow() -> None:
            path.write_text(path.read_text() + "a")

        assert [look for look, _ in rounds(tmp_path, [rest, grow, grow, grow, rest, rest])] == [0, 5]

    def test_a_file_that_never_rests_holds_up_nothing_for_ever(self, tmp_path: Path) -> None:
        path = tmp_path / "log.txt"
        path.write_text("a")
        steps = int(PATIENCE_SECONDS / LOOK_SECONDS) + 2

        def grow() -> None:
            path.write_text(path.read_text() + "a")

        assert len(rounds(tmp_path, [grow] * steps)) == 2

    def test_a_file_of_the_same_size_and_date_is_seen(self, tmp_path: Path) -> None:
        path = tmp_path / "a.md"
        path.write_text("one")
        before = path.stat()

        def exchange() -> None:
            path.write_text("two")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

        assert [look for look, _ in rounds(tmp_path, [exchange, rest])] == [0, 2]

    def test_new_and_vanished_files_are_changes(self, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_text("a")
        script = [(tmp_path / "b.md").touch, rest, (tmp_path / "a.md").unlink, rest]
        assert [look for look, _ in rounds(tmp_path, script)] == [0, 2, 4]

    def test_another_writer_is_told_once_and_waited_for(self, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_text("a")
        found = rounds(tmp_path, [(tmp_path / "b.md").touch, rest, rest, rest, rest], busy=3)
        assert [(look, type(what)) for look, what in found] == [
            (0, IngestReport),
            (2, IndexBusyError),
            (5, IngestReport),
        ]

    def test_any_other_error_ends_it(self, tmp_path: Path) -> None:
        folder = tmp_path / "docs"
        folder.mkdir()
        with pytest.raises(IngestError, match="does not exist"):
            rounds(folder, [folder.rmdir, rest])


def test_the_command_writes_a_document_a_round_until_it_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Mercury\n\nMercury is a planet.\n")
    command = [sys.executable, "-m", "ragcli.cli.main", "ingest", "docs", "--watch", "--prune", "--json"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A suite in the background of a script ignores the signal; its children must not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert changes(process) == {"docs/a.md": "added"}
        # Another one holds the index: that passes.
        with write_lock(tmp_path / ".ragcli" / "default.lock", "default"):
            (tmp_path / "docs" / "b.md").write_text("# Python\n\nA snake.\n")
            (tmp_path / "docs" / "a.md").write_text("# Mercury\n\nIt is small.\n")
            time.sleep(3 * LOOK_SECONDS)
        assert changes(process) == {"docs/a.md": "replaced", "docs/b.md": "added"}
        (tmp_path / "docs" / "b.md").unlink()
        assert changes(process) == {"docs/b.md": "removed"}
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (ExitCode.INTERRUPTED, "")
    assert "Another ragcli is writing" in err
    assert err.endswith("interrupted\n")


def changes(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    found = json.loads(process.stdout.readline())
    assert found["kind"] == "ingest"
    return {file["source"]: file["status"] for file in found["files"]}


@pytest.mark.parametrize("other", ["--dry-run", "--strict"])
def test_watching_goes_with_neither_a_rehearsal_nor_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("ingest", ".", "--watch", other).status == ExitCode.USAGE
