"""For whom: questions in groups, by a field of the file or by what they are like."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragcli.errors import UsageError
from ragcli.evaluation.overlap import word_overlap
from ragcli.evaluation.paired_tests import paired_difference
from ragcli.evaluation.records import JudgedQuestion, Run
from ragcli.evaluation.results import Stratum
from ragcli.evaluation.strata import stratum_of
from ragcli.evaluation.summary import summarise
from tests.evaluation_records import random_run, small_run


def grouped(names: list[str]) -> Run:
    """A random run whose questions have these in the field `team`."""
    run = random_run(len(names), 12)
    questions = [
        replace(question, fields={"team": name}) for question, name in zip(run.questions, names, strict=True)
    ]
    return replace(run, questions=tuple(questions))


def strata(run: Run, by: str) -> dict[str, Stratum]:
    found, *_ = summarise(run, [by]).strata
    assert found.by == by
    return {stratum.name: stratum for stratum in found.strata}


def test_answers_have_a_table_of_their_own() -> None:
    ranking, answers = summarise(small_run(), ["grade"]).strata
    assert (ranking.measure, answers.measure) == ("ndcg@10", "holds the answer")
    assert [(one.name, one.questions, one.before, one.after) for one in answers.strata] == [
        ("confusable", 1, 0.0, 1.0),
        ("easy", 1, 1.0, 1.0),
    ]


def test_each_group_has_its_own_means_and_counts() -> None:
    found = strata(small_run(), "grade")
    assert list(found) == ["confusable", "easy"]
    base, arm, *_ = summarise(small_run()).arms
    mercury, notice, bank = zip(base.values["ndcg@10"], arm.values["ndcg@10"], strict=True)
    confusable = found["confusable"]
    assert confusable.questions == 2
    assert confusable.before == pytest.approx((mercury[0] + bank[0]) / 2)
    assert confusable.after == pytest.approx((mercury[1] + bank[1]) / 2)
    assert (confusable.difference.won, confusable.difference.lost) == (1, 1)
    assert (found["easy"].before, found["easy"].after) == pytest.approx(notice)


def test_the_groups_make_up_the_whole() -> None:
    run = grouped(["one", "two", "two"] * 10)
    summary, found = summarise(run), strata(run, "team")
    mean = sum(stratum.questions * stratum.after for stratum in found.values()) / 30
    assert mean == pytest.approx(summary.arms[1].means["ndcg@10"])
    counts = [(stratum.difference.won, stratum.difference.lost) for stratum in found.values()]
    whole = summary.contrasts[0].measures[0].difference
    assert [sum(column) for column in zip(*counts, strict=True)] == [whole.won, whole.lost]


def test_the_intervals_hold_for_all_groups_together() -> None:
    run = grouped(["one", "two"] * 20)
    base, arm, *_ = summarise(run).arms
    alone = paired_difference(base.values["ndcg@10"][::2], arm.values["ndcg@10"][::2])
    found = strata(run, "team")["one"].difference
    assert found.mean == pytest.approx(alone.mean)
    assert found.low < alone.low < alone.high < found.high


def test_of_many_groups_the_smallest_become_one() -> None:
    names = [f"team {number}" for number in range(15) for _ in range(15 - number)]
    found = strata(grouped(names), "team")
    assert [*found] == [f"team {number}" for number in range(11)] + ["4 others"]
    assert found["4 others"].questions == 4 + 3 + 2 + 1


def test_a_question_without_the_field_is_a_group_too() -> None:
    run = grouped(["one"] * 10)
    run = replace(run, questions=(replace(run.questions[0], fields={}), *run.questions[1:]))
    assert {name: stratum.questions for name, stratum in strata(run, "team").items()} == {
        "(none)": 1,
        "one": 9,
    }


def test_a_field_that_no_question_has_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="--by tema: no question has") as caught:
        summarise(grouped(["one"] * 3), ["tema"])
    assert caught.value.hint == "One of: team, document, length, overlap."


@pytest.mark.parametrize(
    ("words", "group"),
    [(1, "to 5 words"), (5, "to 5 words"), (6, "6-10 words"), (20, "11-20 words"), (21, "over 20 words")],
)
def test_by_length(words: int, group: str) -> None:
    assert stratum_of(JudgedQuestion("q", "word " * words, (), ()), "length") == group


@pytest.mark.parametrize(
    ("overlap", "group"),
    [
        (0.0, "under 1/3"),
        (0.5, "1/3 to 2/3"),
        (2 / 3, "2/3 or more"),
        (1.0, "2/3 or more"),
        (None, "unknown"),
    ],
)
def test_by_overlap(overlap: float | None, group: str) -> None:
    assert stratum_of(JudgedQuestion("q", "?", (), (), overlap=overlap), "overlap") == group


def test_bands_stand_in_their_order() -> None:
    run = random_run(9, 12)
    shares = (0.9, None, 0.1) * 3
    questions = tuple(replace(q, overlap=share) for q, share in zip(run.questions, shares, strict=True))
    assert [*strata(replace(run, questions=questions), "overlap")] == [
        "under 1/3",
        "2/3 or more",
        "unknown",
    ]


@pytest.mark.parametrize(
    ("sources", "group"),
    [((), "unknown"), (("a.md",), "a.md"), (("a.md", "b.md"), "several documents")],
)
def test_by_document(sources: tuple[str, ...], group: str) -> None:
    assert stratum_of(JudgedQuestion("q", "?", (), (), sources=sources), "document") == group


def test_a_field_of_the_file_comes_before_what_is_computed() -> None:
    question = JudgedQuestion("q", "Why?", (), (), fields={"length": "short"})
    assert stratum_of(question, "length") == "short"


class TestOverlap:
    def test_by_hand(self) -> None:
        """Three words count: orbit, planet and moons; the passage has the first two, in other numbers."""
        passage = "Planets follow orbits around the Sun."
        assert word_overlap("Which orbit does a planet with moons have?", passage) == pytest.approx(2 / 3)

    def test_a_question_of_stop_words_has_none(self) -> None:
        assert word_overlap("What is it?", "It is.") is None

    @pytest.mark.parametrize(("one", "other"), [("policies", "policy"), ("buses", "buse"), ("cats", "cat")])
    def test_plurals_are_their_singular(self, one: str, other: str) -> None:
        assert word_overlap(one, other) == 1.0

    @pytest.mark.parametrize("word", ["glass", "virus"])
    def test_what_is_no_plural_stays(self, word: str) -> None:
        assert word_overlap(word, word[:-1]) == 0.0
