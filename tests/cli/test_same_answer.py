"""The same question gets the same answer in ask, chat, batch, --compare and eval, whatever came before it:
with the real models, as a server's cache of prompts is what this would fail by.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from cli_helper import Outcome, run

from ragcli.errors import ExitCode

CORPUS = Path(__file__).parents[2] / "corpora" / "homonyms"
DOCUMENTS = ("python-language", "python-snake", "mercury-element", "mercury-planet")
QUESTIONS = (
    "When did support for Python 2 end?",
    "What is the chief ore of mercury?",
)
Answers = dict[str, str]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("same")
    with chdir(folder):
        assert run("ingest", *(str(CORPUS / f"{name}.md") for name in DOCUMENTS)).status == 0
        yield folder


@pytest.fixture(scope="module")
def asked(library: Path) -> Answers:
    """What `ragcli ask` answers."""
    return {question: json.loads(done("ask", question, "--json").stdout)["answer"] for question in QUESTIONS}


def done(*args: str, stdin: str = "", **variables: str) -> Outcome:
    outcome = run(*args, stdin=stdin, environ=variables)
    assert outcome.status == ExitCode.OK, outcome.stderr
    return outcome


def by_chat(questions: list[str]) -> Answers:
    spoken = done("chat", "--quiet", stdin="\n".join(questions) + "\n", RAGCLI_CHAT_REWRITE="off").stdout
    parts = spoken.split("\n\nSources\n")[:-1]
    return dict(zip(questions, (part.rpartition("\n\n")[2].strip() for part in parts), strict=True))


def by_batch(questions: list[str], *options: str) -> list[dict[str, Any]]:
    Path("asked.txt").write_text("\n".join(questions) + "\n", encoding="utf-8")
    lines = done("batch", "asked.txt", "--quiet", "--output", "-", *options).stdout.splitlines()
    return [json.loads(line) for line in lines]


def by_plain_batch(questions: list[str]) -> Answers:
    return {row["question"]: row["answer"] for row in by_batch(questions)}


def by_comparison(questions: list[str]) -> Answers:
    return {row["question"]: row["reranked"]["answer"] for row in by_batch(questions, "--compare")}


def by_evaluation(questions: list[str]) -> Answers:
    rows = [
        {"id": question, "question": question, "evidence": ["Mercury", "Python"]} for question in questions
    ]
    Path("judged.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    done("eval", "judged.jsonl", "--answers", "--report", "report.json", "--quiet")
    answered = json.loads(Path("report.json").read_text(encoding="utf-8"))["run"]["answers"]
    return {one["question_id"]: one["reranked"]["text"] for one in answered}


@pytest.mark.parametrize("way", [by_chat, by_plain_batch, by_comparison, by_evaluation])
@pytest.mark.parametrize("order", ["as asked", "turned around"])
def test_the_same_question_has_the_same_answer(
    asked: Answers, way: Callable[[list[str]], Answers], order: str
) -> None:
    questions = [*QUESTIONS] if order == "as asked" else [*reversed(QUESTIONS)]
    assert way(questions) == asked
