"""Where questions and judgements come from is said next to the figures."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from ragcli.evaluation.provenance import notes
from ragcli.evaluation.records import JudgedQuestion, Run
from ragcli.evaluation.summary import summarise
from ragcli.reporting import figures
from ragcli.reporting.files.html_report import report_html
from ragcli.reporting.files.markdown_report import report_markdown
from ragcli.reporting.screens.evaluation import print_summary
from ragcli.reporting.screens.terminal import PlainConsole
from tests.evaluation_records import random_run, two_retrievals


def with_questions(**changes: object) -> Run:
    run = random_run(20, 20)
    return replace(run, questions=tuple(replace(q, **changes) for q in run.questions))  # type: ignore[arg-type]


def pooled_run(judged: int) -> Run:
    run = random_run(20, 20)
    return replace(run, questions=tuple(pooled(question, judged) for question in run.questions))


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


@pytest.mark.parametrize(("reviewed", "words"), [("true", "and reviewed"), ("", "and not reviewed")])
def test_a_single_draft_is_not_several(reviewed: str, words: str) -> None:
    question = replace(random_run(1).questions[0], fields={"drafted_by": "Qwen", "reviewed": reviewed})
    assert notes([question], ()) == (f"1 question was drafted by Qwen {words} by a person.",)


def test_drafts_in_the_words_of_their_passages_are_warned_of() -> None:
    _, note = summarise(with_questions(fields={"drafted_by": "Qwen"}, overlap=0.9)).notes
    assert note.startswith("The drafted questions share 90 % of their words with their passages")
    assert len(summarise(with_questions(fields={"drafted_by": "Qwen"}, overlap=0.4)).notes) == 1
    assert summarise(with_questions(overlap=0.9)).notes == (), "a person's question may be in any words"


def test_the_share_of_judged_passages_stands_with_each_arm() -> None:
    summary = summarise(pooled_run(8))
    base, reranked, _ = summary.judged_share
    assert base == 0.8
    assert 0 < reranked < 0.8
    assert summary.notes[0].startswith(f"Only {100 * min(summary.judged_share):.0f} % of the first ten")
    assert "hits and MRR can only be too low; nDCG, MAP and recall may be too high" in summary.notes[0]
    assert figures.label("map", summary) == "MAP*"


def test_marks_and_note_come_together_where_only_the_cross_encoder_alone_leaves_the_pool() -> None:
    """Its column has marked figures too."""
    summary = replace(summarise(pooled_run(20)), judged_share=(1.0, 1.0, 0.9))
    assert figures.label("map", summary) == "MAP*"
    assert notes(summary.judged, summary.judged_share)[0].startswith("Only 90 %")


def test_files_have_the_row_of_shares_in_each_table_of_measures() -> None:
    summary = summarise(pooled_run(8))
    base, reranked, alone = map(figures.value, summary.judged_share)
    found = [line for line in report_markdown(summary).splitlines() if line.startswith("| judged@10")]
    assert found == [f"| judged@10 | {base} | {after} | | | | |" for after in (reranked, alone)]
    html = report_html(summary)
    assert all(
        f'<th scope="row">judged@10</th><td>{base}</td><td>{after}</td>' in html
        for after in (reranked, alone)
    )
    assert html.count("judged@10") == 2


def test_so_has_the_screen_with_the_share_of_the_cross_encoder_alone() -> None:
    summary = summarise(pooled_run(8))
    stream = io.StringIO()
    print_summary(PlainConsole(stream, {}), summary)
    (line,) = (line for line in stream.getvalue().splitlines() if line.startswith("judged@10"))
    assert line.split() == ["judged@10", *map(figures.value, summary.judged_share)]


def test_without_a_pool_no_file_has_that_row() -> None:
    summary = summarise(random_run(20))
    assert "judged@10" not in report_markdown(summary) + report_html(summary)


def test_each_share_is_that_of_its_own_arm() -> None:
    summary = summarise(two_retrievals())
    shares = tuple(place / 10 for place in range(len(summary.arms)))
    found = [figures.judged_shares(c, replace(summary, judged_share=shares)) for c in summary.contrasts]
    assert [(arm.kind, arm.retrieval) for arm in summary.arms] == [
        ("bi-encoder", "dense"),
        ("reranked", "dense"),
        ("cross-encoder alone", "dense"),
        ("hybrid", "hybrid"),
        ("reranked", "hybrid"),
        ("cross-encoder alone", "hybrid"),
    ]
    assert found == [("0.000", "0.100"), ("0.000", "0.200"), ("0.300", "0.400"), ("0.300", "0.500")]


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
