"""`ragcli show`: a document's chunks, in the index or cut now."""

from __future__ import annotations

import json
import os
from contextlib import chdir
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from cli_helper import ANSI, Terminal, run
from hypothesis import given
from hypothesis import strategies as st
from test_reporting import GOLDEN, WIDTHS, console, shown

from ragcli.config.loading import load_config
from ragcli.documents.inspection import Inspection, ShownChunk, with_repetitions
from ragcli.errors import ExitCode
from ragcli.pipeline import open_pipeline
from ragcli.reporting.screens.inspection import print_inspection, print_notes
from ragcli.types import Chunk

SENTENCES = [f"Sentence number {n} speaks of the weather on day {n}." for n in range(1, 61)]
LONG = "# Diary\n\n## May\n\n" + " ".join(SENTENCES) + "\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("show")
    (folder / "notes").mkdir()
    (folder / "notes" / "diary.md").write_text(LONG, encoding="utf-8")
    with chdir(folder), open_pipeline(load_config(environ={})) as rag:
        rag.ingest(["notes"])
    return folder


@pytest.fixture(autouse=True)
def working_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def test_the_chunks_are_the_index_s_and_tile_the_text(place: Path) -> None:
    outcome = run("show", "notes/diary.md", "--json")
    found = json.loads(outcome.stdout)
    assert outcome.stderr == ""
    assert (found["in_index"], found["changed"]) == (True, False)
    chunks = found["chunks"]
    assert len(chunks) > 2
    for before, after in pairwise(chunks):
        assert after["repeated"] == before["end"] - after["start"] > 0
        assert before["text"].endswith(after["text"][: after["repeated"]])
    assert all(chunk["tokens"] <= found["chunk_size"] for chunk in chunks)
    assert chunks[0]["location"] == "Diary > May"


@pytest.mark.parametrize("name", ["./notes/diary.md", "notes/../notes/diary.md", "ABSOLUTE"])
def test_a_path_to_the_file_will_do(place: Path, name: str) -> None:
    path = str(place / "notes" / "diary.md") if name == "ABSOLUTE" else name
    found = json.loads(run("show", path, "--json").stdout)
    assert (found["source"], found["in_index"]) == ("notes/diary.md", True)


def test_what_is_repeated_stands_between_marks(place: Path) -> None:
    lines = run("show", "notes/diary.md").stdout.splitlines()
    repeated = [line for line in lines if line.startswith("«Sentence number")]
    assert len(repeated) == len([line for line in lines if "of the chunk before" in line]) > 0


def test_a_file_that_is_not_in_the_index_is_cut_now(place: Path, tmp_path: Path) -> None:
    (place / "new.md").write_text(LONG, encoding="utf-8")
    outcome = run("show", "new.md", "--json")
    found = json.loads(outcome.stdout)
    assert "note: not in the index" in outcome.stderr
    assert (found["in_index"], found["ingested_at"]) == (False, "")
    indexed = json.loads(run("show", "notes/diary.md", "--json").stdout)
    strip = [{k: v for k, v in chunk.items() if k != "chunk_id"} for chunk in found["chunks"]]
    assert strip == [{k: v for k, v in chunk.items() if k != "chunk_id"} for chunk in indexed["chunks"]]
    assert run("show", "new.md", "--quiet").stderr == ""


def test_without_any_index_a_file_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.md").write_text("# A\n\nText.\n", encoding="utf-8")
    assert run("show", "a.md").status == 0
    assert run("show", "b.md").status == ExitCode.NOTHING_FOUND
    assert not (tmp_path / ".ragcli").exists()


def test_what_is_not_there_is_named_with_what_is(place: Path) -> None:
    outcome = run("show", "notes/dairy.md")
    assert outcome.status == ExitCode.NOTHING_FOUND
    assert "Did you mean notes/diary.md?" in outcome.stderr


def test_a_file_that_cannot_be_read_is_no_document(place: Path) -> None:
    (place / "empty.md").write_text("", encoding="utf-8")
    outcome = run("show", "empty.md")
    assert outcome.status == ExitCode.FAILED
    assert "empty.md cannot be shown: empty." in outcome.stderr


def test_a_changed_file_is_noted(place: Path) -> None:
    (place / "notes" / "diary.md").write_text(LONG + "More.\n", encoding="utf-8")
    try:
        assert "has changed since it was ingested" in run("show", "notes/diary.md").stderr
    finally:
        (place / "notes" / "diary.md").write_text(LONG, encoding="utf-8")


CHUNK = Chunk("1", "notes/mercury.md", 0, "Mercury (planet)", ("Orbit",), "", 0, 0, 3, 4, None, None, 21)
TEXT = "Mercury goes around the Sun once in 88 days. Its orbit is the most eccentric of all the planets."
SHOWN = Inspection(
    source="notes/mercury.md",
    title="Mercury (planet)",
    format="markdown",
    ingested_at="2026-03-01T10:20:30+00:00",
    changed=True,
    chunk_size=200,
    chunk_overlap=30,
    chunks=(
        ShownChunk(replace(CHUNK, text=TEXT, end=97), 0),
        ShownChunk(
            replace(CHUNK, index=1, text=TEXT[45:] + "\n\nIt turns slowly.", page_start=2, page_end=3),
            len(TEXT[45:]),
        ),
    ),
)


@pytest.mark.parametrize("width", [*WIDTHS, 60])
def test_the_screen_is_the_golden_one(width: int) -> None:
    target = console(width, stream=Terminal(), NO_COLOR="1", TERM="dumb")
    print_inspection(target, SHOWN)
    print_notes(target, replace(SHOWN, ingested_at=""))
    lines = [line.rstrip() for line in ANSI.sub("", shown(target)).splitlines()]
    assert max(map(len, lines[:-1])) <= width
    file = GOLDEN / f"show-{width}.txt"
    if os.environ.get("RAGCLI_UPDATE_GOLDEN"):
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "\n".join(lines) + "\n" == file.read_text(encoding="utf-8")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50))))
def test_repetition_is_never_more_than_the_chunk_nor_less_than_nothing(spans: list[tuple[int, int]]) -> None:
    chunks = [replace(CHUNK, start=min(span), end=max(span)) for span in spans]
    found = with_repetitions(chunks)
    assert [shown.chunk for shown in found] == chunks
    assert all(0 <= shown.repeated <= shown.chunk.end - shown.chunk.start for shown in found)
