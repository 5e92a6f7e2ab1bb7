"""Judgements of a pool: a judge's grade counts, and what nobody judged is told from what is irrelevant."""

from __future__ import annotations

from ragcli.evaluation.beir import JudgedCollection
from ragcli.evaluation.judging import judge, judge_by_qrels, passage_text
from ragcli.evaluation.questions import Question
from ragcli.types import Candidate
from tests.records import CHUNKS

FOUND = [Candidate(chunk, 0.5, rank) for rank, chunk in enumerate(CHUNKS, start=1)]
GOD, ELEMENT, PLANET, REPORT = (chunk.id for chunk in CHUNKS)


def test_a_judges_grade_is_the_gain_and_counts_before_what_evidence_finds() -> None:
    question = Question(
        "q",
        "How long?",
        evidence=("Mercury completes one orbit", "follows the inner planets", "long used in thermometers"),
        judged=((GOD, 0.0), (ELEMENT, 0.0), (PLANET, 0.5)),
    )
    (judged,) = judge([question], [FOUND], CHUNKS)
    assert [(one.gain, one.judged) for one in judged.candidates] == [
        (0.0, True),
        (0.0, True),
        (0.5, True),
        (1.0, True),
    ]
    assert sorted(judged.ideal) == [0.5, 1.0]


def test_what_no_judge_saw_is_not_judged() -> None:
    (judged,) = judge([Question("q", "?", judged=((PLANET, 1.0), (GOD, 0.0)))], [FOUND], CHUNKS)
    assert [one.judged for one in judged.candidates] == [True, False, True, False]


def test_a_chunk_that_is_in_the_index_no_more_gains_nothing() -> None:
    question = Question("q", "?", judged=(("gone", 1.0), (PLANET, 0.5)))
    (judged,) = judge([question], [FOUND], CHUNKS)
    assert judged.ideal == (0.5,)


def test_a_question_that_names_its_gold_is_judged_by_that() -> None:
    (judged,) = judge([Question("q", "?", relevant=("mercury-planet.md",))], [FOUND], CHUNKS)
    assert all(one.judged for one in judged.candidates)


def test_qrels_say_what_they_judged() -> None:
    collection = JudgedCollection("x", {"a": "", "b": ""}, {"q": "?"}, {"q": {"a": 0.0, "c": 1.0}})
    found = judge_by_qrels("q", "?", [("a", 0.9), ("b", 0.8)], collection)
    assert [one.judged for one in found.candidates] == [True, False]


def test_a_title_is_the_location_and_the_models_read_what_they_read_before() -> None:
    corpus = {"a": "Bats: They fly.", "b": "None."}
    collection = JudgedCollection("x", corpus, {"q": "?"}, {"q": {"a": 1.0}}, {"a": "Bats"})
    found = judge_by_qrels("q", "?", [("a", 0.9), ("b", 0.8)], collection)
    assert [(one.location, one.text) for one in found.candidates] == [("Bats", "They fly."), ("", "None.")]
    assert {one.id: passage_text(one) for one in found.candidates} == corpus
