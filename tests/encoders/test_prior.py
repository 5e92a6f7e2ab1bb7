"""The weight of the bi-encoder's similarity, by the length of the question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.encoders.prior import NO_PRIOR, Prior


@pytest.mark.parametrize(("words", "weight"), [(1, 16.0), (20, 16.0), (21, 16.8), (30, 24.0), (200, 160.0)])
def test_it_grows_in_proportion_beyond_the_words_and_not_before(words: int, weight: float) -> None:
    assert Prior(16.0, words=20).weight_for("word " * words) == pytest.approx(weight)


def test_without_a_length_every_question_weighs_it_the_same() -> None:
    assert Prior(16.0).weight_for("word " * 500) == 16.0


@given(st.text(), st.integers(0, 50))
def test_no_prior_is_none_for_any_question(question: str, words: int) -> None:
    assert NO_PRIOR.weight_for(question) == 0.0
    assert Prior(0.0, words).weight_for(question) == 0.0


def test_headings_are_read_only_where_they_can_change_an_order() -> None:
    assert Prior(12.0, headings=0.4).reads_headings
    assert not any(prior.reads_headings for prior in (NO_PRIOR, Prior(12.0), Prior(0.0, headings=0.4)))


def test_headings_that_are_clearly_nearer_raise_the_similarity() -> None:
    prior = Prior(12.0, headings=0.4)
    assert prior.nearness(0.5, 0.75) == pytest.approx(0.58)  # 0.5 + 0.4 x (0.25 - 0.05)
    assert prior.nearness(0.5, 0.54) == prior.nearness(0.5, 0.3) == 0.5
    assert prior.nearness(0.5, None) == prior.nearness(0.5) == 0.5


@given(st.floats(-1, 1), st.none() | st.floats(-1, 1), st.floats(0, 1))
def test_headings_never_lower_it_nor_raise_it_beyond_their_own(
    similarity: float, heading: float | None, share: float
) -> None:
    nearness = Prior(1.0, headings=share).nearness(similarity, heading)
    most = similarity if heading is None else max(similarity, heading)
    assert similarity <= nearness <= most + 1e-9


@given(st.text(), st.text(), st.integers(1, 50))
def test_a_question_that_goes_on_never_weighs_it_less(question: str, more: str, words: int) -> None:
    prior = Prior(8.0, words)
    assert prior.weight_for(f"{question} {more}") >= prior.weight_for(question) >= 8.0
