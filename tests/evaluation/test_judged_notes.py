"""Where questions and judgements come from is said next to the figures."""

from __future__ import annotations

from dataclasses import replace

from ragcli.evaluation.records import JudgedQuestion, Run
from ragcli.evaluation.summary import summarise
from ragcli.reporting import figures
from tests.evaluation_records import random_run


def with_questions(**changes: object) -> Run:
    run = random_run(20, 20)
    return replace(run, questions=tuple(replace(q, **changes) for q in run.questions))  # type: ignore[arg-type]


def pooled(question: JudgedQuestion, judged: int) -> JudgedQuestion:
    """With the first so many candidates judged, and the others not."""
    return replace(
        question,
        candidates=tuple(
            replace(c, judged=place < judged, gain=c.gain * (place < judged))
            for place, c in enumerate(question.candidates)
        ),
    )


def test_people_s_questions_that_name_their_gold_need_no_note() -> None:
    summary = summarise(random_run(20))
    assert (summary.notes, summary.judged_share) == ((), ())


def test_drafted_questions_are_said_to_be_drafted() -> None:
    run = with_questions(fields={"drafted_by": "Qwen"})
    reviewed = {"drafted_by": "Qwen", "reviewed": "true"}
    run = replace(run, questions=(replace(run.questions[0], fields=reviewed), *run.questions[1:]))
    (note,) = summarise(run).notes
    assert note == "20 questions were drafted by Qwen, 1 of them reviewed by a person."


def test_drafts_in_the_words_of_their_passages_are_warned_of() -> None:
    _, note = summarise(with_questions(fields={"drafted_by": "Qwen"}, overlap=0.9)).notes
    assert note.startswith("The drafted questions share 90 % of their words with their passages")
    assert len(summarise(with_questions(fields={"drafted_by": "Qwen"}, overlap=0.4)).notes) == 1
    assert summarise(with_questions(overlap=0.9)).notes == (), "a person's question may be in any words"


def test_the_share_of_judged_passages_stands_with_each_arm() -> None:
    run = random_run(20, 20)
    summary = summarise(replace(run, questions=tuple(pooled(q, 8) for q in run.questions)))
    base, reranked, _ = summary.judged_share
    assert base == 0.8
    assert 0 < reranked < 0.8
    assert "the rest counts as not relevant" in summary.notes[0]
    assert figures.label("map", summary) == "MAP*"


def test_a_pool_that_holds_the_first_ten_is_enough() -> None:
    run = random_run(20, 10)
    summary = summarise(replace(run, questions=tuple(pooled(q, 10) for q in run.questions)))
    assert (summary.judged_share, summary.notes, figures.label("map", summary)) == ((), (), "MAP")


def test_judgements_of_relevant_passages_alone_are_no_pool() -> None:
    run = random_run(20, 20)
    questions = [
        replace(q, candidates=tuple(replace(c, judged=c.gain > 0) for c in q.candidates))
        for q in run.questions
    ]
    assert summarise(replace(run, questions=tuple(questions))).judged_share == ()


def test_an_llm_that_judged_is_named() -> None:
    (note,) = summarise(with_questions(judged_by="Qwen2.5-Coder-1.5B-Instruct")).notes
    assert note.startswith("Judged by Qwen2.5-Coder-1.5B-Instruct. LLM judges favour")
    assert summarise(with_questions(judged_by="a person")).notes == ()
    assert summarise(with_questions(judged_by="2 people")).notes == ()


def test_the_llm_is_named_that_judged_together_with_a_person() -> None:
    for judges in ("a person and Qwen", "Qwen and 2 people"):
        (note,) = summarise(with_questions(judged_by=judges)).notes
        assert note.startswith("Judged by Qwen. LLM judges favour")
