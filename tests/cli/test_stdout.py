"""A standard output that takes no more: one line that says so, and no word of a bug."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_helper import run

from ragcli.errors import ExitCode

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.md").write_text("# Mercury\n\nMercury is the smallest planet.\n")
    assert run("ingest", "a.md").status == 0
    return tmp_path


def full(*args: str, unbuffered: bool = False) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with FULL.open("w") as out:
        return subprocess.run(
            [sys.executable, "-m", "ragcli.cli.main", *args],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            env={**environ, "PYTHONUNBUFFERED": "1"} if unbuffered else environ,
        )


@needs_full
@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("unbuffered", [False, True])
@pytest.mark.parametrize(
    "command",
    ["list", "list --json", "status --json", "search planets", "show a.md", "--help", "remove b.md --json"],
)
def test_a_full_disk_behind_it_is_said(command: str, unbuffered: bool) -> None:
    outcome = full(*command.split(), unbuffered=unbuffered)
    assert outcome.returncode == ExitCode.FAILED
    assert outcome.stderr.splitlines() == [
        "error: standard output cannot be written: no space left on device",
        "hint: Make room there, or send it elsewhere.",
    ]


@pytest.mark.skipif(os.name == "nt", reason="there is no >&-")
def test_a_closed_one_is_said(library: Path) -> None:
    outcome = subprocess.run(
        ["sh", "-c", '"$0" -m ragcli.cli.main list >&-', sys.executable], capture_output=True, text=True
    )
    assert outcome.returncode == ExitCode.FAILED
    assert outcome.stderr.startswith("error: standard output cannot be written")


@needs_full
@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_a_device_as_the_file_of_results_is_neither_read_nor_removed(overwrite: list[str]) -> None:
    """/dev/full has no end to read up to."""
    Path("questions.txt").write_text("What is Mercury?\n")
    outcome = run("batch", "questions.txt", "--output", str(FULL), *overwrite)
    assert outcome.status == ExitCode.FAILED
    assert "/dev/full cannot be written: no space left on device." in outcome.stderr
    assert "bug" not in outcome.stderr
    assert FULL.exists()
