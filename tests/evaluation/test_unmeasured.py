"""Each question that has no place in the figures is counted under the reason that is true of it."""

from __future__ import annotations

from dataclasses import replace

from ragcli.evaluation.records import AnsweredQuestion, ArmAnswer, MissingGold, Run
from ragcli.evaluation.summary import summarise
from ragcli.evaluation.unmeasured import why_unmeasured
from ragcli.reporting import figures
from ragcli.reporting.files.html_report import other_questions
from tests.evaluation_records import random_run

REASONS = {
    "names nothing": "names no passage of the index",
    "unanswerable": "has no answer in the documents",
    "waits": "has not been judged yet",
    "nothing relevant": "had no relevant passage among those judged",
    "gone": "names no passage of the index",
}


def left_out_run() -> Run:
    """The first question is measured; of each reason there is one, and each was answered."""
    run = random_run(6)
    measured, *others = run.questions
    nothing, unanswerable, waits, irrelevant, gone = (
        replace(one, id=name, ideal=()) for one, name in zip(others, REASONS, strict=True)
    )
    answer = ArmAnswer("It is so.", False, (), (), 1, 1, 0.1)
    return replace(
        run,
        questions=(
            measured,
            nothing,
            replace(unanswerable, answerable=False),
            replace(waits, judged_by="a person", left=3),
            replace(irrelevant, judged_by="a person"),
            replace(gone, judged_by="a person"),
        ),
        answers=tuple(AnsweredQuestion(name, answer, answer) for name in REASONS),
        missing=(MissingGold("gone", "a.md", "no such document in the index"),),
    )


def test_the_reason_is_that_of_the_question() -> None:
    assert why_unmeasured(left_out_run()) == REASONS


def test_each_is_counted_once() -> None:
    summary = summarise(left_out_run())
    assert (summary.unjudged, summary.none_relevant, summary.not_judged_yet) == (2, 1, 1)
    assert figures.left_out(summary) == [
        "2 name none in the index",
        "1 had no relevant passage among those judged",
        "1 not judged yet",
    ]


def test_the_page_says_it_beside_the_answers() -> None:
    shown = other_questions(summarise(left_out_run()))
    assert [one.why for one in shown] == [*list(REASONS.values())[:-1], "not in the index"]


def test_the_page_shows_what_is_not_in_the_index_where_nothing_was_answered_too() -> None:
    (gone,) = other_questions(summarise(replace(left_out_run(), answers=())))
    assert (gone.why, gone.answers) == ("not in the index", ())
    assert gone.missing == ("gone: a.md: no such document in the index",)
