"""Two judges: Cohen's kappa as scikit-learn has it, and one session of both."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from judging_records import PLAN, A, B, C, pool
from sklearn.metrics import cohen_kappa_score

from ragcli.errors import UsageError
from ragcli.judging.agreement import agreements, cohen_kappa, merged

GRADES = st.sampled_from((0.0, 0.5, 1.0))


@given(st.lists(st.tuples(GRADES, GRADES), min_size=1))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    found = cohen_kappa(one, other)
    assume(found is not None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = cohen_kappa_score([str(a) for a in one], [str(b) for b in other])
    assert found == pytest.approx(theirs)


def test_kappa_by_hand() -> None:
    """Alike in 3 of 4; by chance in 2/4 x 1/4 + 2/4 x 3/4 = 1/2."""
    assert cohen_kappa((0, 0, 1, 1), (0, 1, 1, 1)) == (3 / 4 - 1 / 2) / (1 / 2)


def test_who_gave_one_grade_only_says_nothing_about_chance() -> None:
    assert cohen_kappa((1.0, 1.0), (1.0, 1.0)) is None
    assert cohen_kappa((), ()) is None


ADA = (PLAN, [pool("q", {A: 1.0, B: 0.0, C: 0.5}), pool("r", {A: 0.0, B: None})])
BEN = (PLAN, [pool("q", {A: 0.5, B: 0.0, C: 0.5}), pool("r", {A: 1.0, B: 1.0, C: None})])


def test_they_agree_on_what_both_judged() -> None:
    (found,) = agreements(("ada", "ben"), (ADA, BEN))
    assert (found.judges, found.passages, found.equal) == (("ada", "ben"), 4, 2)
    assert found.kappa == cohen_kappa((1.0, 0.0, 0.5, 0.0), (0.5, 0.0, 0.5, 1.0))


def test_each_two_of_three() -> None:
    found = agreements("abc", (ADA, BEN, ADA))
    assert [one.judges for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found[1].equal == found[1].passages == 4


def test_merged_a_passage_has_the_mean_of_what_was_said_of_it() -> None:
    plan, (q, r) = merged((ADA, BEN))
    assert q.decisions == {A: 0.75, B: 0.0, C: 0.5}
    assert r.decisions == {A: 0.5, B: 1.0, C: None}
    assert plan.judge == "2 people"


def test_an_llm_is_named() -> None:
    plan, _ = merged((ADA, (replace(PLAN, judge="Qwen"), BEN[1])))
    assert plan.judge == "a person and Qwen"


def test_other_pools_are_not_merged() -> None:
    with pytest.raises(UsageError, match="the same passages"):
        merged((ADA, (PLAN, [pool("q", base=(B, A)), pool("r")])))
