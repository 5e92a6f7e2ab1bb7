"""What each word contributes to a score: each leaves once, and the rest of the text stays as it was."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.encoders.occlusion import occlude, read
from ragcli.encoders.reranking import CrossEncoderReranker
from ragcli.reporting.occlusion_text import LEVELS, pieces, strongest

QUESTION = "Who did Atlas hold up above the Earth in 1962?"
ROCKET = (
    "Atlas rockets > Into orbit: In December 1958 an entire Atlas was placed in orbit with a tape"
    " recorder that broadcast a Christmas message from President Eisenhower. On 20 February 1962 one"
    " lifted John Glenn, who became the first American to circle the Earth, in the capsule Friendship"
    " 7. With a hydrogen-burning upper stage called Centaur the rocket sent the Surveyor landers to"
    " the Moon and the Pioneer probes to Jupiter."
)
# In bfloat16 the companions of a batch move a logit by some thousandths.
NEAR = 0.02
WEIGHTS = {"snake": 2.0, "bites": 0.5, "not": -1.5, "don't": 3.0}
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)


def additive(questions: Sequence[str], passages: Sequence[str]) -> tuple[list[float], list[float]]:
    """A model whose score is a sum over words: there, what a word contributes is known."""

    def score(question: str, passage: str) -> float:
        text = f"{question} {passage}".lower()
        return sum(weight for word, weight in WEIGHTS.items() if word in text)

    return [score(q, passages[0]) for q in questions], [score(questions[0], p) for p in passages]


def test_of_a_sum_every_word_gets_its_summand() -> None:
    passage = "A snake bites, or not; don't try."
    found = read("Why?", passage, additive)
    changes = {passage[word.start : word.end]: word.change for word in found.passage}
    assert changes == {
        "A": 0, "snake": 2.0, "bites": 0.5, "or": 0, "not": -1.5, "don't": 3.0, "try": 0
    }  # fmt: skip
    assert found.score == 4.0


def test_a_repeated_word_leaves_everywhere_at_once() -> None:
    # Leaving out one of two would change nothing: the other one speaks for it.
    passage = "Snake? A snake!"
    found = read("Why?", passage, additive)
    assert [passage[w.start : w.end] for w in found.passage if w.change == 2.0] == ["Snake", "snake"]


def test_words_of_the_question_are_left_out_too() -> None:
    found = read("Which snake?", "It bites.", additive)
    assert [word.change for word in found.question] == [0.0, 2.0]


@given(question=TEXTS, passage=TEXTS)
def test_spans_are_in_order_and_the_pieces_are_the_text(question: str, passage: str) -> None:
    found = read(question, passage, lambda qs, ps: ([len(q) for q in qs], [len(p) for p in ps]))
    for text, changes in ((question, found.question), (passage, found.passage)):
        ends = [0, *(edge for word in changes for edge in (word.start, word.end)), len(text)]
        assert ends == sorted(ends)
        assert "".join(piece.text for piece in pieces(text, changes)) == text


def test_shades_begin_at_their_shares_and_the_strongest_are_named_once() -> None:
    passage = "Snake snake not bites try"
    changes = read("Why?", passage, additive).passage
    shades = {piece.text: piece.shade for piece in pieces(passage, changes) if piece.text.strip()}
    assert LEVELS == (0.15, 0.4, 0.75)
    assert shades == {"Snake": 3, "snake": 3, "not": -3, "bites": 1, "try": 0}
    assert strongest(passage, changes) == [("snake", 2.0), ("not", -1.5), ("bites", 0.5)]


def test_a_change_is_the_difference_of_two_ordinary_scores(
    reranker: CrossEncoderReranker, embedder: BiEncoder
) -> None:
    found = occlude(QUESTION, ROCKET, reranker=reranker, bi_encoder=embedder)
    without = ROCKET.replace("1962", "", 1)
    whole, less = reranker.logits(QUESTION, [ROCKET, without])
    (word,) = [w for w in found.cross_encoder.passage if ROCKET[w.start : w.end] == "1962"]
    assert word.change == pytest.approx(whole - less, abs=NEAR)
    asked, vectors = embedder.embed([QUESTION], query=True)[0], embedder.embed([ROCKET, without])
    (word,) = [w for w in found.bi_encoder.passage if ROCKET[w.start : w.end] == "1962"]
    assert word.change == pytest.approx(float((vectors[0] - vectors[1]) @ asked), abs=1e-3)


def test_the_cross_encoder_sees_the_year_where_the_bi_encoder_sees_the_name(
    reranker: CrossEncoderReranker, embedder: BiEncoder
) -> None:
    found = occlude(QUESTION, ROCKET, reranker=reranker, bi_encoder=embedder)
    cross = dict(strongest(ROCKET, found.cross_encoder.passage))
    assert next(iter(cross)) == "atlas"
    assert cross["1962"] > 0.3 * cross["atlas"]
    assert "1962" not in dict(strongest(ROCKET, found.bi_encoder.passage))


def test_what_is_cut_off_contributes_nothing(reranker: CrossEncoderReranker, embedder: BiEncoder) -> None:
    long = ROCKET + " filler" * 600 + " Glenn orbited."
    found = occlude(QUESTION, long, reranker=reranker, bi_encoder=embedder)
    (word,) = [w for w in found.cross_encoder.passage if long[w.start : w.end] == "orbited"]
    assert word.change == pytest.approx(0.0, abs=NEAR)
