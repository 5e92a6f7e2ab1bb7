"""Measures of answers, by hand: text in SQuAD's normal form, citations against gold passages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.evaluation.answer_measures import (
    citation_precision,
    citation_recall,
    exact_match,
    holds_answer,
    normalised,
    token_f1,
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Sun.", "sun"),
        ("an apple, a day", "apple day"),
        ("U.S.", "us"),
        ("don't", "dont"),
        ("don’t", "dont"),
        ("14–15 May", "1415 may"),
        ("“The Sun”, 太阳。", "sun 太阳"),
        ("Theory of a thing", "theory of thing"),
        ("", ""),
    ],
)
def test_the_normal_form(text: str, normal: str) -> None:
    assert normalised(text) == normal


def test_exact_match_is_equality_in_the_normal_form() -> None:
    assert exact_match("The 88 days.", ["88 Days", "three months"]) == 1.0
    assert exact_match("88 days long", ["88 days"]) == 0.0
    assert exact_match("anything", []) == 0.0


def test_token_f1_by_hand() -> None:
    """Found: mercury takes 88 days. Gold: 88 days. Two shared: precision 2/4, recall 2/2, F1 = 4/6."""
    assert token_f1("Mercury takes 88 days.", ["88 days"]) == pytest.approx(2 / 3)
    assert token_f1("Mercury takes 88 days.", ["a year", "88 days"]) == pytest.approx(2 / 3)
    assert token_f1("days days", ["days"]) == pytest.approx(2 / 3)  # each occurrence of a word counts
    assert token_f1("nothing shared", ["88 days"]) == 0.0
    assert token_f1("The", ["88 days"]) == 0.0
    assert token_f1("x", []) == 0.0


def test_an_answer_holds_a_gold_one_as_whole_words() -> None:
    assert holds_answer("It takes 88 days, they say.", ["88 days"]) == 1.0
    assert holds_answer("It takes 188 days.", ["88 days"]) == 0.0
    assert holds_answer("It takes 88 long days.", ["88 days"]) == 0.0
    assert holds_answer("It takes 88 days.", ["the"]) == 0.0


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("It listens at http://localhost:8080/.", "8080"),
        ("Mercury freezes at -39°C.", "-39 °C"),
        ("It weighs 5kg.", "5 kg"),
        ("It was Greenland's ice.", "Greenland"),
        ("It was Greenland’s ice.", "Greenland"),
        ("The backup is end-to-end encrypted.", "end to end encrypted"),
        ("Take the U.S. one.", "US"),
        ("It has 1,500.5 pages.", "1,500.5"),
    ],
)
def test_punctuation_and_units_beside_a_gold_answer_do_not_hide_it(answer: str, gold: str) -> None:
    assert holds_answer(answer, [gold]) == 1.0


@pytest.mark.parametrize(
    ("answer", "gold"),
    [("It takes 3.5 days.", "5 days"), ("It has 1,500 pages.", "500 pages"), ("At port 18080.", "8080")],
)
def test_a_number_does_not_hold_a_part_of_itself(answer: str, gold: str) -> None:
    assert holds_answer(answer, [gold]) == 0.0


def test_citation_precision_is_the_share_of_the_cited_that_is_relevant() -> None:
    assert citation_precision(["a", "b"], {"a", "c"}) == 0.5
    assert citation_precision([], {"a"}) == 0.0


def test_citation_recall_looks_at_what_the_prompt_held() -> None:
    assert citation_recall(["a"], {"a", "b", "c"}, ["a", "b", "x"]) == 0.5
    assert citation_recall(["x"], {"a"}, ["x"]) == 0.0


texts = st.text(alphabet="ab c.", max_size=12)


@given(texts, texts)
def test_f1_is_symmetric_between_0_and_1_and_1_for_a_match(one: str, other: str) -> None:
    value = token_f1(one, [other])
    assert value == pytest.approx(token_f1(other, [one]))
    assert 0 <= value <= 1
    if exact_match(one, [other]):
        assert value == 1.0


@given(texts, texts)
def test_a_match_that_is_not_empty_holds_the_answer(one: str, other: str) -> None:
    if exact_match(one, [other]) and normalised(other):
        assert holds_answer(one, [other]) == 1.0
