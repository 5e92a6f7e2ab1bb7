"""`ragcli questions review` and `check`: keystrokes, what they leave on the disk, and the screens
(RAGCLI_UPDATE_GOLDEN=1 draws them again).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_helper import Outcome, library_in, run

from ragcli.drafting.draft_file import dropped_of
from ragcli.drafting.review import Counts, Review
from ragcli.errors import ExitCode, UsageError
from ragcli.evaluation.questions import read_questions

GOLDEN = Path(__file__).parents[1] / "golden"
LEAVE = (
    "# Leave\n\n## Pets\n\nAfter the death of a household pet: one day on full pay.\n\n"
    "## Illness\n\nFrom the eighth day on we need a doctor's note.\n"
)
DRAFTS: tuple[dict[str, Any], ...] = (
    {
        "id": "d001",
        "question": "How long may I stay at home on full pay after the death of a household pet?",
        "answers": ["one day", "1 day"],
        "relevant": ["notes/leave.md"],
        "evidence": ["After the death of a household pet: one day on full pay."],
        "kind": "easy",
        "drafted_by": "m",
        "overlap": 0.88,
        "reviewed": False,
    },
    {
        "id": "d002",
        "question": "What do I get when my dog is ill?",
        "answerable": False,
        "kind": "unanswerable",
        "drafted_by": "m",
        "reviewed": False,
    },
    {
        "id": "d003",
        "question": "When do I have to see somebody who certifies that I cannot work?",
        "answers": ["eighth day"],
        "relevant": ["notes/leave.md"],
        "evidence": ["From the eighth day on we need a doctor's note."],
        "kind": "paraphrased",
        "drafted_by": "m",
        "overlap": 0.2,
        "reviewed": False,
    },
)
WRONG = """\
{"id": "a", "question": "Which pets count for leave?", "relevant": ["notes"], "evidence": ["household pet"]}
{"id": "b", "question": "When is a note needed?", "evidnce": ["the eighth day"], "relevant": ["leave.md"]}
{"id": "c", "question": "When must I see one?", "evidence": ["From the eighth day onward we need a note."]}
{"id": "d", "question": "Who pays for it?", "relevant": ["notes/pay.md"]}
{"id": "e", "question": "What is it?"}
{"id": "f", "question": "And the pension?", "answerable": false}
{"id": "g", "question": "When is a note due?", "evidence": ["the **eighth** day on we need a doctor\u2019s"]}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with library_in(tmp_path_factory.mktemp("handbook"), {"leave": LEAVE}) as folder:
        yield folder


@pytest.fixture
def drafts(library: Path, tmp_path: Path) -> Path:
    path = tmp_path / "drafts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in DRAFTS), encoding="utf-8")
    return path


def review(path: Path, keys: str, *, columns: int = 80) -> Outcome:
    return run("questions", "review", str(path), stdin=keys, terminal=True, columns=columns)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_kept_edited_and_dropped(drafts: Path) -> None:
    outcome = review(drafts, "kde\nWhen do I need a doctor's note?\nday eight\n")
    assert outcome.status == ExitCode.OK
    assert "1 kept, 1 edited, 1 dropped, 0 left" in outcome.stdout
    first, third = rows(drafts)
    assert first == {**DRAFTS[0], "reviewed": True}
    assert third["question"] == "When do I need a doctor's note?"
    assert (third["answers"], third["edited"], third["reviewed"]) == (["day eight"], True, True)
    assert "overlap" not in third
    assert rows(dropped_of(drafts)) == [{**DRAFTS[1], "reviewed": True}]
    assert [question.id for question in read_questions(drafts)] == ["d001", "d003"]


def test_an_edit_that_changes_nothing_keeps_it(drafts: Path) -> None:
    review(drafts, "e\n\n\nq")
    assert rows(drafts)[0] == {**DRAFTS[0], "reviewed": True}


def test_every_decision_is_on_the_disk_before_the_next_question(drafts: Path) -> None:
    sitting = Review(drafts)
    sitting.keep()
    assert Review(drafts).counts == Counts(1, 0, 0, 2)
    sitting.drop()
    assert Review(drafts).counts == Counts(1, 0, 1, 1)
    assert (again := Review(drafts)).row == DRAFTS[2]
    assert not again.can_undo


def test_undo_takes_back_what_was_done_in_this_sitting(drafts: Path) -> None:
    outcome = review(drafts, "uduukdq")
    assert "nothing to undo" in outcome.stdout
    assert "1 kept, 0 edited, 1 dropped, 1 left" in outcome.stdout
    review(drafts, "kuq")
    assert [row["reviewed"] for row in rows(drafts)] == [True, False]


def test_the_last_decision_can_be_undone_too(drafts: Path) -> None:
    outcome = review(drafts, "kkdu kq")
    assert "3 kept, 0 edited, 0 dropped, 0 left" in outcome.stdout
    assert rows(dropped_of(drafts)) == []
    assert len(rows(drafts)) == 3


def test_what_is_drafted_meanwhile_stays(drafts: Path) -> None:
    sitting = Review(drafts)
    sitting.drop()
    for name in ("d008", "d009"):
        with drafts.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**DRAFTS[0], "id": name, "question": f"What of {name}?"}) + "\n")
        sitting.keep()
    sitting.undo()
    left = [row["id"] for row in rows(drafts)]
    assert left == [DRAFTS[1]["id"], DRAFTS[2]["id"], "d008", "d009"]
    assert [row["reviewed"] for row in rows(drafts)][:2] == [True, False]


def test_a_kill_between_the_two_files_loses_no_question_and_shows_none_twice(drafts: Path) -> None:
    dropped_of(drafts).write_text(json.dumps({**DRAFTS[1], "reviewed": True}) + "\n", encoding="utf-8")
    assert Review(drafts).counts == Counts(0, 0, 0, 3)


def test_questions_of_ones_own_can_be_reviewed_too(library: Path, tmp_path: Path) -> None:
    """The last line has no end, as editors leave it."""
    path = tmp_path / "own.jsonl"
    path.write_text('{"question": "Who?", "evidence": ["household pet"]}\n{"question": "When?"}', "utf-8")
    outcome = review(path, "okk")
    assert "Leave > Pets" in outcome.stdout
    assert [(row["question"], row["reviewed"]) for row in rows(path)] == [("Who?", True), ("When?", True)]


def test_what_is_not_lines_of_json_cannot_note_a_review(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("Who?\n", encoding="utf-8")
    with pytest.raises(UsageError, match="jsonl"):
        Review(tmp_path / "q.txt")


def test_what_documents_and_llms_write_cannot_reach_the_terminal(library: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    evil = "\x1b]0;title\x07[bold]x\u202e"
    path.write_text(json.dumps({"question": evil, "answers": [evil], "evidence": [evil]}) + "\n", "utf-8")
    shown = review(path, "oq").stdout
    assert "\x1b]0" not in shown
    assert "\u202e" not in shown
    assert "[bold]x" in shown


@pytest.mark.parametrize("columns", [80, 120])
def test_the_screen_of_a_review(drafts: Path, columns: int, library: Path) -> None:
    golden(f"questions-review-{columns}.txt", _without(review(drafts, "odkk", columns=columns), drafts))


@pytest.mark.parametrize("columns", [80, 120])
def test_the_screen_of_a_check(library: Path, tmp_path: Path, columns: int) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text(WRONG, encoding="utf-8")
    outcome = run("questions", "check", str(path), terminal=True, columns=columns)
    assert outcome.status == ExitCode.FAILED
    golden(f"questions-check-{columns}.txt", outcome.stdout)


def test_a_check_for_a_script(library: Path, tmp_path: Path) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text(WRONG, encoding="utf-8")
    found = json.loads(run("questions", "check", str(path), "--json").stdout)
    assert (found["schema"], found["questions"], found["left_out"]) == (1, 7, ["a", "c", "d", "e"])
    assert [(gap["question_id"], gap["key"]) for gap in found["missing"]] == [
        ("a", "relevant"),
        ("a", "evidence"),
        ("b", "evidnce"),
        ("c", "evidence"),
        ("d", "relevant"),
        ("e", ""),
    ]
    lines = run("questions", "check", str(path)).stdout.splitlines()
    assert len(lines) == 7
    assert lines[2] == "b: evidnce: a key that is not read (did you mean evidence?)"


def test_a_check_without_an_index_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "q.jsonl").write_text('{"question": "Who?"}\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run("questions", "check", "q.jsonl").status == ExitCode.NOTHING_FOUND


def _without(outcome: Outcome, path: Path) -> str:
    """The path is another one each time."""
    return outcome.stdout.replace(str(path), "drafts.jsonl")


def golden(name: str, shown: str) -> None:
    path = GOLDEN / name
    if os.environ.get("RAGCLI_UPDATE_GOLDEN"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")
