"""Why: the stage at which each question ended, without and with reranking."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragcli.encoders.prior import NO_PRIOR
from ragcli.evaluation.missing import missing_gold
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import (
    AnsweredQuestion,
    ArmAnswer,
    JudgedQuestion,
    MissingGold,
    Run,
    Scoring,
)
from ragcli.evaluation.results import Stage
from ragcli.evaluation.stages import STAGES, SUCCESSES, counted, outcomes
from ragcli.evaluation.summary import summarise
from tests.evaluation_records import MERCURY, PARROT, passage, random_run, small_run
from tests.records import CHUNKS

ASKED = JudgedQuestion(
    "q",
    "How long does Mercury take?",
    tuple(
        passage(f"p{place}", f"Text {place}.", 0.9 - place / 10, gain=float(place == 6)) for place in range(8)
    ),
    (1.0,),
    answers=("88 days",),
)
"""Its relevant passage is the seventh in the base order, and the first by these logits."""
LOGITS = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0, 0.0)


def run_of(
    question: JudgedQuestion, *answers: AnsweredQuestion, missing: tuple[MissingGold, ...] = ()
) -> Run:
    scoring = Scoring("ragcli", "", NO_PRIOR, (LOGITS[: len(question.candidates)],))
    settings = {"config": {"retrieval": {"top_k": 3}}}
    return Run("t", "e", (question,), (scoring,), answers=answers, settings=settings, missing=missing)


def ended(run: Run) -> tuple[Stage, Stage]:
    (found,) = outcomes(run)
    return found.before, found.after


def answer(text: str, *context: str, abstained: bool = False) -> ArmAnswer:
    return ArmAnswer(text, abstained, (), context, 0, 0, 0.0)


def answered(before: ArmAnswer | None, after: ArmAnswer | None, error: str = "") -> AnsweredQuestion:
    return AnsweredQuestion("q", before, after, error)


def test_a_passage_is_in_the_prompt_where_it_is_among_the_first_top_k() -> None:
    assert ended(run_of(ASKED)) == ("not in the prompt", "in the prompt")
    settings = {"config": {"retrieval": {"top_k": 7}}}
    assert ended(replace(run_of(ASKED), settings=settings)) == ("in the prompt", "in the prompt")


def test_reranking_cannot_help_what_is_not_among_the_candidates() -> None:
    nothing = replace(ASKED, candidates=tuple(replace(one, gain=0.0) for one in ASKED.candidates))
    assert ended(run_of(nothing)) == ("not among the candidates",) * 2


def test_gold_that_the_index_does_not_hold() -> None:
    gone = replace(ASKED, ideal=())
    gap = MissingGold("q", "planet.md", "no such document in the index")
    assert ended(run_of(gone, missing=(gap,))) == ("not in the index",) * 2


def test_judged_passages_that_the_index_does_not_hold_any_more() -> None:
    (gap,) = missing_gold([Question("q", "?", judged=(("gone", 0.5),))], CHUNKS)
    assert ended(run_of(replace(ASKED, ideal=()), missing=(gap,))) == ("not in the index",) * 2


def test_a_question_that_names_nothing_or_has_no_answer_has_no_stage() -> None:
    nameless = MissingGold("q", "", "it has neither 'relevant' nor 'evidence'")
    assert outcomes(run_of(replace(ASKED, ideal=()), missing=(nameless,))) == ()
    assert outcomes(run_of(replace(ASKED, answerable=False))) == ()


@pytest.mark.parametrize(
    ("after", "stage"),
    [
        (answer("It takes 88 days [1].", "p6#0"), "answered"),
        (answer("It takes 225 days.", "p6#0"), "in the prompt, misread"),
        (answer("", "p6#0", abstained=True), "in the prompt, declined"),
        # Declined before anything was asked: the passage stands where it would have been in the prompt.
        (answer("", abstained=True), "in the prompt, declined"),
        # Its sentences were not chosen, though it ranks first.
        (answer("It takes 225 days.", "p0#0"), "not in the prompt"),
        # Another passage said so too.
        (answer("88 days.", "p0#0"), "answered"),
    ],
)
def test_what_the_answer_made_of_it(after: ArmAnswer, stage: Stage) -> None:
    before = answer("No idea.", "p0#0")
    assert ended(run_of(ASKED, answered(before, after))) == ("not in the prompt", stage)


def test_an_answer_that_did_not_come() -> None:
    run = run_of(ASKED, answered(None, None, "The LLM is gone."))
    assert ended(run) == ("not in the prompt", "in the prompt, no answer came")


def test_without_gold_answers_nobody_knows_whether_it_was_misread() -> None:
    run = run_of(replace(ASKED, answers=()), answered(answer("Yes.", "p6#0"), answer("Yes.", "p6#0")))
    assert ended(run) == ("in the prompt", "in the prompt")


def test_every_question_with_gold_is_counted_once_in_each_order() -> None:
    summary = summarise(random_run(40, 20))
    assert sum(count.before for count in summary.stages) == len(summary.judged)
    assert sum(count.after for count in summary.stages) == len(summary.judged)
    places = [STAGES.index(count.stage) for count in summary.stages]
    assert places == sorted(places)
    assert {count.stage for count in summary.stages} & set(SUCCESSES)


def test_the_small_run_by_hand() -> None:
    """Mercury's passage is missing without reranking; the bank's answer broke off; the parrot has no gold."""
    found = {one.question.id: (one.before, one.after) for one in outcomes(small_run())}
    assert found == {
        MERCURY.id: ("not in the prompt", "answered"),  # its context held the element alone
        "notice": ("answered", "answered"),
        "bank": ("answered", "in the prompt, no answer came"),
    }
    assert PARROT.id not in found
    assert sum(count.after for count in counted(outcomes(small_run()))) == 3
