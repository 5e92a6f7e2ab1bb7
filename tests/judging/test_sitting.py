"""What is decided is saved at once, can be taken back, and gives a verdict no sooner than planned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judging_records import PLAN, A, B, C, gained, irrelevant, lost, pool, same

from ragcli.errors import NothingFoundError, RagcliError, UsageError
from ragcli.evaluation.questions import names_gold, read_questions
from ragcli.judging.always_valid import Bets, questions_needed
from ragcli.judging.pool_file import is_session, read_session, write_session
from ragcli.judging.pools import Pool
from ragcli.judging.preparing import make_plan
from ragcli.judging.sitting import Sitting
from ragcli.judging.verdicts import verdict

DECISIONS = st.dictionaries(st.sampled_from((A, B, C)), st.sampled_from((0.0, 0.5, 1.0, None)))


class TestTheFile:
    @given(DECISIONS)
    def test_holds_the_session(self, decisions: dict[str, float | None]) -> None:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "s.jsonl"
            pools = [pool("q", decisions, seconds=12.5), gained("r")]
            write_session(path, PLAN, pools)
            assert read_session(path) == (PLAN, pools)
            assert is_session(path)

    def test_is_a_question_file(self, tmp_path: Path) -> None:
        path = tmp_path / "s.jsonl"
        write_session(path, PLAN, [pool("q", {A: 0.5, B: 0.0, C: 1.0}), pool("r", {A: None})])
        one, other = read_questions(path)
        assert (one.left, other.left) == (0, 2)
        assert (one.id, one.text, one.relevant, one.evidence) == (
            "q",
            "What is q?",
            ("c.md",),
            ("The phrase of c.",),
        )
        assert dict(one.judged) == {A: 0.5, B: 0.0, C: 1.0}
        assert one.judged_by == "a person"
        assert other.judged == ()

    def test_of_a_pool_that_is_judged_in_part_is_no_gold_yet(self, tmp_path: Path) -> None:
        path = tmp_path / "s.jsonl"
        write_session(
            path, PLAN, [pool("q", {C: 1.0}), pool("r", {C: 1.0, B: None, A: 0.0}), irrelevant("s")]
        )
        half, whole, nothing = read_questions(path)
        assert (half.left, half.relevant, half.evidence, half.judged) == (2, (), (), ())
        assert (whole.left, whole.relevant) == (0, ("c.md",))
        assert [names_gold(one) for one in (half, whole, nothing)] == [False, True, False]

    def test_keeps_all_that_the_question_s_own_file_says(self, tmp_path: Path) -> None:
        own = {
            "drafted_by": "Qwen",
            "reviewed": True,
            "overlap": 0.5,
            "team": "sales",
            "tags": ["x"],
            "of": None,
        }
        asked = replace(pool("q"), question=replace(pool("q").question, others={**own, "judging": "theirs"}))
        path = tmp_path / "s.jsonl"
        write_session(path, PLAN, [asked])
        for decided in ({B: 1.0}, gained("q").decisions):
            _, (again,) = read_session(path)
            write_session(path, PLAN, [replace(again, decisions=decided)])
        row = json.loads(path.read_text(encoding="utf-8"))
        assert {key: row[key] for key in own} == own
        assert list(row)[-1] == "judging"
        assert row["judging"]["seed"] == PLAN.seed
        assert read_questions(path)[0].fields["reviewed"] == "true"

    def test_stays_whole_where_it_cannot_be_written(self, tmp_path: Path) -> None:
        path = tmp_path / "s.jsonl"
        write_session(path, PLAN, [gained("q")])
        (tmp_path / ".s.jsonl.partial").mkdir()
        with pytest.raises(RagcliError, match="cannot be written"):
            write_session(path, PLAN, [lost("q")])
        assert read_session(path) == (PLAN, [gained("q")])

    @pytest.mark.parametrize("text", ["", "What?\n", "[]\n", '{"question": "?"}\n', '{"judging": 3}\n'])
    def test_another_one_is_refused(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "s.jsonl"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match="not a judging session"):
            read_session(path)

    def test_one_that_is_missing_too(self, tmp_path: Path) -> None:
        assert not is_session(tmp_path / "none.jsonl")
        with pytest.raises(UsageError, match="cannot be read"):
            read_session(tmp_path / "none.jsonl")


class TestASitting:
    def sitting(self, *pools: Pool) -> tuple[Sitting, list[Sequence[Pool]]]:
        saved: list[Sequence[Pool]] = []
        return Sitting(PLAN, pools, lambda now: saved.append(list(now))), saved

    def test_goes_through_the_pools_in_their_order(self) -> None:
        sitting, saved = self.sitting(pool("q"), pool("r"))
        seen = []
        while sitting.place is not None:
            seen.append((sitting.place, sitting.passage.id))
            sitting.decide(0.0, 1.0)
        assert seen == [(0, B), (0, C), (0, A), (1, B), (1, C), (1, A)]
        assert len(saved) == 6
        assert saved[-1] == sitting.pools

    def test_takes_back_one_by_one_beyond_a_question_too(self) -> None:
        sitting, _ = self.sitting(gained("q"), pool("r", {B: 1.0}))
        for expected in ((1, B), (0, A), (0, C), (0, B)):
            sitting.undo()
            assert (sitting.place, sitting.passage.id) == expected
        sitting.undo()
        assert sitting.pools[0].decisions == {}

    def test_knows_the_minutes_by_the_pace_so_far(self) -> None:
        assert self.sitting(pool("q"), pool("r"))[0].minutes_left == 6 * 10 / 60
        # 10 seconds a passage in the first; two questions are left of the three that are planned.
        others = [pool(name) for name in "rst"]
        assert self.sitting(gained("q"), *others)[0].minutes_left == 6 * 10 / 60
        assert self.sitting(replace(gained("q"), seconds=90.0), *others)[0].minutes_left == 3.0

    def test_does_not_count_the_time_that_the_judge_was_away(self) -> None:
        sitting, _ = self.sitting(pool("q"))
        sitting.decide(1.0, 3600.0)
        assert sitting.pools[0].seconds == 120.0


class TestTheVerdict:
    plan = replace(PLAN, bets=Bets(12, 0.5))

    def test_is_open_before_the_planned_number(self) -> None:
        pools = [gained("1"), lost("2"), *(pool(f"open {n}") for n in range(20))]
        assert verdict(self.plan, pools).state == "open"

    def test_comes_sooner_where_the_interval_settles_it(self) -> None:
        pools = [*(gained(f"{n}") for n in range(8)), *(pool(f"open {n}") for n in range(20))]
        found = verdict(self.plan, pools)
        assert (found.state, found.questions, found.difference) == ("better", 8, 1.0)
        assert 0 < found.interval.low < 1 == found.interval.high
        assert verdict(self.plan, [*(lost(f"{n}") for n in range(8)), pool("open")]).state == "worse"

    def test_of_the_planned_number_may_be_that_it_is_not_settled(self) -> None:
        pools = [(gained, lost)[n % 2](f"{n}") for n in range(12)]
        found = verdict(self.plan, [*pools, pool("open")])
        assert (found.state, found.difference) == ("not settled", 0.0)
        # With differences of 1 and -1: ((2.716 + 0.842) x 1 / 0.1)^2 questions.
        assert found.more == 1266 - 12

    def test_comes_with_the_last_question_whatever_was_planned(self) -> None:
        assert verdict(self.plan, [gained("1"), lost("2")]).state == "not settled"

    def test_says_if_every_passage_got_the_same_judgement(self) -> None:
        """What a 1.5B model did: each of 23 passages answered the question in part."""
        partly = [pool(name, dict.fromkeys(gained(name).decisions, 0.5)) for name in ("1", "2")]
        assert verdict(self.plan, partly).alike == sum(len(one.decisions) for one in partly) > 2
        assert verdict(self.plan, [*partly, gained("3")]).alike == 0

    def test_may_be_that_no_difference_matters(self) -> None:
        plan = replace(PLAN, bets=Bets(40, 0.05))
        pools = [*(same(f"{n}") for n in range(80)), pool("open")]
        assert verdict(plan, pools).state == "no difference that matters"

    def test_counts_only_questions_with_a_relevant_passage(self) -> None:
        found = verdict(self.plan, [gained("1"), irrelevant("2"), pool("3", {A: 1.0})])
        assert (found.questions, found.without, found.skipped) == (1, 1, 1)
        assert found.means == {"bi-encoder": 0.0, "reranked": 1.0}


def test_equal_orders_are_not_judged() -> None:
    with pytest.raises(NothingFoundError, match="nothing to judge"):
        make_plan([pool("q", base=(A, B), reranked=(A, B))], judge="m", seed=7, effect=0.1)


def test_as_many_questions_are_planned_as_the_effect_needs_or_there_are() -> None:
    many = [pool(f"{n}") for n in range(200)]
    wide = make_plan(many, judge="m", seed=7, effect=0.5)
    assert wide.bets.questions == questions_needed(0.5, wide.bets.spread) < 200
    assert make_plan(many, judge="m", seed=7, effect=0.01).bets.questions == 200


def test_the_line_of_a_question_reads_well_by_itself(tmp_path: Path) -> None:
    """Gold first, the state of the session last."""
    path = tmp_path / "s.jsonl"
    write_session(path, PLAN, [gained("q")])
    assert list(json.loads(path.read_text(encoding="utf-8"))) == [
        "id",
        "question",
        "answers",
        "grade",
        "relevant",
        "evidence",
        "judged",
        "judged_by",
        "judging",
    ]
