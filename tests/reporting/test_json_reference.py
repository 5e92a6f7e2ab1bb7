"""docs/reference/json.md names exactly the top-level keys that the commands' documents have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import fields
from pathlib import Path

import judging_records
import pytest
from cli_helper import run
from fault_server import fault_server

from ragcli.cli.app import COMMANDS
from ragcli.config.loading import load_config
from ragcli.evaluation.summary import summarise
from ragcli.judging.pool_file import write_session
from ragcli.pipeline import open_pipeline
from ragcli.reporting import as_json_evaluation
from ragcli.training.run import TrainingReport
from tests.evaluation_records import small_run

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "json.md"
SECTION = re.compile(r"^## (\S+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
ALWAYS = {"schema", "kind"}
DOCUMENTED = {
    kind: ALWAYS | set(ROW.findall(body))
    for kind, body in SECTION.findall(PAGE.read_text(encoding="utf-8"))
    if kind != "Shared"
}
QUESTION = "How long does Mercury take to go around the Sun?"
ASKED = {"id": "q1", "question": QUESTION, "relevant": ["notes/planet.md"]}
LLM = ("--base-url", "SERVER", "--model", "answers")

# What each command line writes: a document, or one per line. Those that delete come last.
LINES: dict[str, tuple[str, ...]] = {
    "error": ("search", QUESTION, "--collection", "nothing", "--json"),
    "ingest": ("ingest", "notes", "--json"),
    "sources": ("list", "--json"),
    "chunks": ("show", "notes/planet.md", "--json"),
    "status": ("status", "--json"),
    "config": ("config", "show", "--json"),
    "init": ("init", "other.toml", "--json"),
    "models": ("models", "list", "--json"),
    "models-prepared": ("models", "prepare", "--json"),
    "search": ("search", QUESTION, "--no-rerank", "--json"),
    "comparison": ("search", QUESTION, "--compare", "--json"),
    "explanation": ("explain", QUESTION, "--json"),
    "answer": ("ask", QUESTION, "--no-rerank", "--json", *LLM),
    "doctor": ("doctor", "--json", "--config", "served.toml"),
    "batch-answer": ("batch", "q.jsonl", "--no-rerank", *LLM),
    "batch-comparison": ("batch", "q.jsonl", "--compare", *LLM),
    "batch-error": ("batch", "q.jsonl", "--no-rerank", "--base-url", "SERVER", "--model", "filtered"),
    "batch": ("batch", "q.jsonl", "-o", "out.jsonl", "--no-rerank", "--json", *LLM),
    "evaluation": ("eval", "q.jsonl", "--json"),
    "evaluation-diff": ("eval", "diff", "run.json", "run.json", "--json"),
    "judged-passages": ("judge", "session.jsonl", "--json"),
    "judged-answers": ("judge", "q.jsonl", "--answers", "--json", *LLM),
    "questions-drafted": ("questions", "draft", "drafts.jsonl", "--number", "1", "--json", *LLM),
    "questions-check": ("questions", "check", "q.jsonl", "--json"),
    "removed": ("remove", "notes/god.md", "--json"),
    "reset": ("reset", "--yes", "--json"),
}
ELSEWHERE = {"train", "models-removed"}
FAILING = {"batch-error", "error"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with fault_server() as running:
        yield running.base_url


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("library")
    (folder / "notes").mkdir()
    orbit = "# Mercury\n\n## Orbit\n\nMercury goes around the Sun once in 88 days.\n"
    (folder / "notes" / "planet.md").write_text(orbit, encoding="utf-8")
    (folder / "notes" / "god.md").write_text("# Mercury (god)\n\nA god of trade.\n", encoding="utf-8")
    (folder / "q.jsonl").write_text(json.dumps(ASKED) + "\n", encoding="utf-8")
    drafted = {"id": "d001", "question": QUESTION, "kind": "easy", "drafted_by": "m"}
    (folder / "drafts.jsonl").write_text(json.dumps(drafted) + "\n", encoding="utf-8")
    (folder / "served.toml").write_text(
        f'[llm]\nbase_url = "{server}"\nmodel = "answers"\n', encoding="utf-8"
    )
    report = as_json_evaluation.evaluation(summarise(small_run()), with_run=True)
    (folder / "run.json").write_text(report, encoding="utf-8")
    write_session(folder / "session.jsonl", judging_records.PLAN, [judging_records.gained("q")])
    with chdir(folder):
        with open_pipeline(load_config(environ={})) as rag:
            rag.ingest(["notes"])
        yield folder


@pytest.mark.parametrize("kind", LINES)
def test_a_command_writes_what_the_page_says(kind: str, library: Path, server: str) -> None:
    outcome = run(*(server if part == "SERVER" else part for part in LINES[kind]))
    assert outcome.status == 0 or kind in FAILING, outcome.stderr
    text = outcome.stdout.splitlines()[0] if kind.startswith("batch-") else outcome.stdout
    found = json.loads(text)
    assert (found["schema"], found["kind"]) == (1, kind)
    assert found.keys() == DOCUMENTED[kind]


def test_a_report_is_an_evaluation(library: Path) -> None:
    found = json.loads(run("report", "run.json", "--json").stdout)
    assert found.keys() == DOCUMENTED["evaluation"]


def test_removed_models(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGCLI_CACHE_DIR", str(tmp_path))
    found = json.loads(run("models", "remove", "--json").stdout)
    assert found.keys() == DOCUMENTED["models-removed"]


def test_training() -> None:
    """A real run takes minutes: test_train_command does one, and writes this record."""
    assert {field.name for field in fields(TrainingReport)} | ALWAYS == DOCUMENTED["train"]


def test_every_kind_is_tested() -> None:
    assert DOCUMENTED.keys() == LINES.keys() | ELSEWHERE


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_on_the_page(name: str) -> None:
    assert f"`ragcli {name}" in PAGE.read_text(encoding="utf-8")
