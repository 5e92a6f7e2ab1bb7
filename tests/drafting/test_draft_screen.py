"""What `ragcli questions draft` says at its end, as a picture in tests/golden."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_helper import ANSI, Terminal

from ragcli.drafting.draft_file import Row, Written
from ragcli.drafting.drafts import Report
from ragcli.reporting.screens.drafting import MOST_SHOWN, mean_overlap, print_report
from ragcli.reporting.screens.terminal import PlainConsole

GOLDEN = Path(__file__).parents[1] / "golden"
ROWS: tuple[Row, ...] = (
    {
        "id": "d001",
        "kind": "easy",
        "question": "How long may a member of the Eddenham library keep a book before it has to be renewed?",
        "answers": ["four weeks"],
        "drafted_from": "rules/loans.pdf",
        "evidence": ["A loan lasts four weeks."],
        "overlap": 0.5,
    },
    {
        "id": "d002",
        "kind": "unanswerable",
        "question": "What do I pay if I lose a\x1b[31m library book?",
        "drafted_from": "rules/loans.pdf",
    },
)
ATTEMPTS: tuple[Row, ...] = (
    {"outcome": "kept", "question": ROWS[0]["question"]},
    {"outcome": "vague", "question": "What is the purpose of the rule?"},
    {
        "outcome": "vague",
        "question": "What is the maximum number of times that the process can be repeated by it?",
    },
    {"outcome": "quotation not found", "question": ""},
    {"outcome": "dangling reference", "question": "What does this section say of fines?"},
)


def shown(report: Report, width: int, *, terminal: bool = True) -> str:
    stream = Terminal() if terminal else io.StringIO()
    variables = {"COLUMNS": str(width), "LINES": "40", "NO_COLOR": "1", "TERM": "dumb"}
    print_report(PlainConsole(stream, variables), Path("drafts.jsonl"), report)
    return stream.getvalue()


def lines(picture: str) -> Iterator[str]:
    return (line.rstrip() for line in ANSI.sub("", picture).splitlines())


@pytest.mark.parametrize("width", [80, 120])
def test_the_screen_is_the_golden_one(width: int) -> None:
    picture = "\n".join(lines(shown(Report(Written(ROWS, ATTEMPTS), 2, 63.0, ()), width))) + "\n"
    file = GOLDEN / f"questions-draft-{width}.txt"
    if os.environ.get("RAGCLI_UPDATE_GOLDEN"):
        file.write_text(picture, encoding="utf-8")
    assert picture == file.read_text(encoding="utf-8")
    assert max(map(len, picture.splitlines())) <= width


def test_a_question_without_a_word_of_its_passage_counts_in_the_mean_and_one_without_a_share_does_not() -> (
    None
):
    rows = tuple({**ROWS[0], "overlap": share} for share in (0.0, 0.5, None))
    assert mean_overlap(Report(Written(rows, ()), 0, 0.0, ())) == 0.25
    assert mean_overlap(Report(Written(ROWS[1:], ()), 0, 0.0, ())) is None


def test_only_new_drafts_are_shown_and_a_screenful_of_them() -> None:
    rows = tuple({**ROWS[0], "question": f"Question {number}?"} for number in range(30))
    many = shown(Report(Written(rows, ()), 20, 9.0, ()), 80, terminal=False)
    assert many.count("Question ") == MOST_SHOWN
    assert "Question 29?" in many
    assert shown(Report(Written(rows, ()), 1, 9.0, ()), 80, terminal=False).count("Question ") == 1
    assert "Question " not in shown(Report(Written(rows, ()), 0, 0.0, ()), 80, terminal=False)


def test_a_kind_that_was_given_up_is_named_though_others_have_filled_the_file() -> None:
    assert "confusable" in shown(Report(Written(ROWS, ()), 2, 9.0, ("confusable",)), 80)
