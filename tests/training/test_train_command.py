"""`ragcli train`: one's own questions become a model; what is missing is said before anything is loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cli_helper import run

from ragcli.errors import ExitCode
from ragcli.evaluation.questions import read_questions

CORPORA = Path(__file__).parents[2] / "corpora"
RECIPE_FILE = """
name = "mine"
held_out_share = 0.3
measured_depth = 6
[model]
base = "all-MiniLM-L6-v2"
max_tokens = 48
[negatives]
count = 2
[schedule]
steps = 2
questions_per_step = 4
"""


class TestTheCommand:
    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A working folder with a recipe, questions, and the documents that answer them."""
        monkeypatch.chdir(tmp_path)
        questions = read_questions(CORPORA / "homonyms" / "questions.jsonl")
        asked = sorted(
            (q for q in questions if q.evidence and len(q.relevant) == 1), key=lambda q: q.relevant
        )
        asked = asked[:16]
        rows = [
            {"id": q.id, "question": q.text, "relevant": q.relevant, "evidence": q.evidence} for q in asked
        ]
        (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        (tmp_path / "docs").mkdir()
        for name in {q.relevant[0].partition("#")[0] for q in asked}:
            shutil.copy(CORPORA / "homonyms" / name, tmp_path / "docs")
        (tmp_path / "recipe.toml").write_text(RECIPE_FILE, encoding="utf-8")
        (tmp_path / "sets.toml").write_text(RECIPE_FILE + '[[sets]]\nfile = "a.jsonl"\n', encoding="utf-8")
        return tmp_path

    def test_ones_own_questions_become_a_model(self, place: Path) -> None:
        assert run("ingest", "docs").status == ExitCode.OK
        arguments = ("train", "--questions", "q.jsonl", "--recipe", "recipe.toml", "--out", "mine")

        refused = run(*arguments)
        assert refused.status == ExitCode.FAILED
        assert "error: no gain" in refused.stderr
        assert "16 of 16 questions name a passage of the index" in refused.stderr
        assert not (place / "mine").exists()

        document = json.loads(run(*arguments, "--force", "--resume", "--json", "--quiet").stdout)
        assert document["kind"] == "train"
        assert document["folder"] == "mine"
        assert document["sha256"] == json.loads((place / "mine" / "ragcli.json").read_text())["sha256"]

        searched = run("search", "Which python is the longest snake?", "--json", environ=use("mine"))
        assert searched.status == ExitCode.OK
        assert json.loads(searched.stdout)["schema"] == 1

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((), "Nothing to train on"),
            (("--data", "docs"), "Nothing to train on"),
            (("--recipe", "recipe.toml"), "names no training files"),
            (("--recipe", "sets.toml"), "but --data is missing"),
            (("--recipe", "sets.toml", "--questions", "q.jsonl"), "Two sources of questions"),
            (("--recipe", "recipe.toml", "--questions", "q.jsonl", "--data", "docs"), "Two sources"),
            (("--recipe", "recipe.toml", "--questions", "q.jsonl", "--out", "docs"), "something other"),
        ],
    )
    def test_exactly_one_source_of_questions_is_asked_for(
        self, place: Path, arguments: tuple[str, ...], message: str
    ) -> None:
        outcome = run("train", *arguments)
        assert outcome.status == ExitCode.USAGE
        assert message in outcome.stderr
        assert "hint:" in outcome.stderr

    def test_a_base_that_is_not_there_is_named_before_the_questions_are_read(self, place: Path) -> None:
        recipe = RECIPE_FILE.replace("all-MiniLM-L6-v2", "second-stage")
        (place / "lost.toml").write_text(recipe + '[[sets]]\nfile = "not-read.jsonl"\n', encoding="utf-8")
        done = run("train", "--recipe", "lost.toml", "--data", ".")
        assert done.status == ExitCode.UNAVAILABLE
        assert "second-stage" in done.stderr
        assert "not-read" not in done.stderr

    def test_without_an_index_it_says_so(self, place: Path) -> None:
        outcome = run("train", "--questions", "q.jsonl", "--recipe", "recipe.toml")
        assert outcome.status == ExitCode.NOTHING_FOUND
        assert "ragcli ingest" in outcome.stderr


def use(model: str) -> dict[str, str]:
    return {"RAGCLI_RERANKING_MODEL": model}
