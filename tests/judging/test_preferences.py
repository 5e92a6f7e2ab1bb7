"""Answers as A and B: drawn sides, an exact test as scipy has it, and the passages behind a preference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from evaluation_records import small_run
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from ragcli.errors import UsageError
from ragcli.judging.preferences import (
    deciding,
    pairs_needed,
    pairs_of,
    read_pairs,
    sign_test,
    write_pairs,
)

RUN = small_run()


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_test_and_its_interval_are_those_of_scipy(won: int, lost: int) -> None:
    found = sign_test(won, lost)
    if won + lost == 0:
        assert (found.p_value, found.low, found.high) == (1.0, 0.0, 1.0)
        return
    theirs = binomtest(won, won + lost)
    interval = theirs.proportion_ci(0.95, "exact")
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_so_many_pairs_show_that_three_in_four_prefer_an_arm() -> None:
    def power(number: int) -> float:
        least = next(k for k in range(number + 1) if k > number / 2 and binomtest(k, number).pvalue <= 0.05)
        return float(binom.sf(least - 1, number, 0.75))

    needed = pairs_needed(0.75, 0.8)
    assert power(needed) >= 0.8
    assert power(needed - 1) < 0.8


class TestPairs:
    def test_are_those_with_two_answers_and_equal_ones_are_not_asked_about(self) -> None:
        found = {pair.id: pair for pair in pairs_of(RUN, seed=7)}
        assert sorted(found) == ["mercury", "notice", "parrot"]
        assert found["notice"].choice == "same"
        assert found["mercury"].choice is None

    def test_the_sides_are_drawn_for_each(self) -> None:
        run = replace(
            RUN,
            questions=tuple(replace(RUN.questions[0], id=f"{n}") for n in range(40)),
            answers=tuple(replace(RUN.answers[0], question_id=f"{n}") for n in range(40)),
        )
        pairs = pairs_of(run, seed=7)
        assert 10 < sum(pair.first == "base" for pair in pairs) < 30
        assert pairs == pairs_of(run, seed=7)
        assert [pair.id for pair in pairs] != [f"{n}" for n in range(40)]
        for pair in pairs:
            (letter,) = (one for one in ("a", "b") if pair.arm(one) == "base")
            assert pair.texts["ab".index(letter)] == "The element is liquid. [1]"

    def test_a_preference_leads_to_the_passages_that_only_its_prompt_held(self) -> None:
        pair = next(pair for pair in pairs_of(RUN, seed=7) if pair.id == "mercury")
        (moved,) = deciding(RUN, replace(pair, choice="reranked"))
        assert (moved.passage.id, moved.before, moved.after) == ("planet#0", 3, 1)
        (moved,) = deciding(RUN, replace(pair, choice="base"))
        assert (moved.passage.id, moved.before) == ("element#0", 1)
        assert deciding(RUN, replace(pair, choice="equal")) == ()

    def test_are_kept_in_a_file(self, tmp_path: Path) -> None:
        path, pairs = tmp_path / "p.jsonl", pairs_of(RUN, seed=7)
        chosen = [replace(pairs[0], choice="both bad"), *pairs[1:]]
        write_pairs(path, chosen)
        assert read_pairs(path, pairs) == chosen

    def test_a_file_of_other_answers_is_refused(self, tmp_path: Path) -> None:
        path, pairs = tmp_path / "p.jsonl", pairs_of(RUN, seed=7)
        write_pairs(path, pairs)
        for other in ([replace(pairs[0], texts=("x", "y")), *pairs[1:]], [replace(pairs[0], id="new")]):
            with pytest.raises(UsageError, match="no judgements of these answers"):
                read_pairs(path, other)
        path.write_text("{}\n", encoding="utf-8")
        with pytest.raises(UsageError, match="no judgements of these answers"):
            read_pairs(path, pairs)
