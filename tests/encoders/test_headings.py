"""How near a question is to the headings of its candidates, and what the order makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.encoders.headings import heading_similarities, with_headings
from ragcli.encoders.prior import HEADINGS_MARGIN, NO_PRIOR, Prior
from ragcli.encoders.reranking import CrossEncoderReranker, rerank
from ragcli.types import Candidate
from tests.records import CHUNKS

QUESTION = "How long is the notice period?"
PRIOR = Prior(12.0, headings=0.4)


def candidates() -> list[Candidate]:
    """Every other one has neither title nor headings."""
    chunks = [replace(c, title="", headings=()) if i % 2 else c for i, c in enumerate(CHUNKS)]
    return [Candidate(chunk, 0.3, place) for place, chunk in enumerate(chunks, start=1)]


def test_it_is_the_cosine_of_question_and_location_and_none_without_one(embedder: BiEncoder) -> None:
    asked = embedder.embed([QUESTION, "What is a bat?"], query=True)
    (first, second) = heading_similarities(embedder, asked, [["Contract > Notice", ""], ["", "Bats"]])
    contract, bats = embedder.embed(["Contract > Notice"])[0], embedder.embed(["Bats"])[0]
    assert first == [pytest.approx(float(contract @ asked[0]), abs=1e-5), None]
    assert second == [None, pytest.approx(float(bats @ asked[1]), abs=1e-5)]


def test_lists_without_any_headings_need_no_model(embedder: BiEncoder) -> None:
    asked = embedder.embed([QUESTION], query=True)
    assert heading_similarities(embedder, asked, [["", ""]]) == [[None, None]]
    assert heading_similarities(embedder, asked, [[]]) == [[]]


def test_candidates_keep_all_else(embedder: BiEncoder) -> None:
    vector = embedder.embed([QUESTION], query=True)[0]
    given = candidates()
    found = with_headings(given, vector, embedder, PRIOR)
    assert [replace(one, heading_similarity=None) for one in found] == given
    assert [one.heading_similarity is None for one in found] == [not one.chunk.location for one in given]


@pytest.mark.parametrize("prior", [NO_PRIOR, Prior(12.0), Prior(0.0, headings=0.4)])
def test_without_a_use_for_them_nothing_is_computed(embedder: BiEncoder, prior: Prior) -> None:
    vector = embedder.embed([QUESTION], query=True)[0]
    assert with_headings(candidates(), vector, embedder, prior) == tuple(candidates())


def test_the_order_in_use_adds_their_share(reranker: CrossEncoderReranker, embedder: BiEncoder) -> None:
    prior = reranker.prior
    assert prior.headings > 0, "the shipped model names the share"
    known = [replace(one, heading_similarity=0.8) for one in candidates()]
    for candidate in rerank(reranker, QUESTION, known):
        assert candidate.logit is not None
        nearness = 0.3 + prior.headings * (0.8 - 0.3 - HEADINGS_MARGIN)
        assert candidate.score == pytest.approx(candidate.logit + prior.weight * nearness)
