"""From a run to its summary: arms, contrasts, ceilings, depths, the audit and the verdict."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from math import log2

import ir_measures
import pytest
from ir_measures import AP, RR, R, Success, nDCG

from ragcli.encoders.prior import NO_PRIOR, Prior
from ragcli.evaluation.arms import all_arms, perfect_order, reranked_order, sorted_by
from ragcli.evaluation.audit import audit, is_english
from ragcli.evaluation.costs import latencies
from ragcli.evaluation.measures import LABELS, MAIN, MEASURES
from ragcli.evaluation.paired_tests import paired_difference
from ragcli.evaluation.records import JudgedQuestion, Run, Scoring
from ragcli.evaluation.results import Summary
from ragcli.evaluation.summary import summarise
from ragcli.evaluation.verdict import reach_before
from tests.evaluation_records import BANK, MERCURY, NOTICE, PARROT, models_run, random_run, small_run

ORACLE = {
    "ndcg@10": nDCG @ 10,
    "mrr@10": RR @ 10,
    "map": AP,
    "hit@1": Success @ 1,
    "hit@5": Success @ 5,
    "recall@5": R @ 5,
    "recall@10": R @ 10,
    "recall@candidates": R @ 1000,
}


@pytest.fixture(scope="module")
def small() -> Summary:
    return summarise(small_run())


def with_logits(run: Run, logits: Sequence[Sequence[float]], **changes: object) -> Run:
    scoring = replace(run.scorings[0], logits=tuple(map(tuple, logits)), **changes)  # type: ignore[arg-type]
    return replace(run, scorings=(scoring,))


class TestArms:
    def test_the_order_in_use_adds_the_weighted_similarity(self) -> None:
        """Logits say singer 1.0 over planet 0.9, but the planet is nearer: 16 x (0.52 - 0.55) = -0.48."""
        question = replace(MERCURY, candidates=MERCURY.candidates[1:3])
        scoring = Scoring("ragcli", "", Prior(16.0), ((1.0, 1.4),))
        assert reranked_order(question, scoring, 0, (0, 1)) == (0, 1)
        assert sorted_by(scoring.logits[0], (0, 1)) == (1, 0)

    def test_it_weighs_more_for_a_longer_question(self) -> None:
        """Logits 1.0 and 1.4 again: 8 x 0.03 = 0.24 is too little, twice that is enough."""
        question = replace(MERCURY, candidates=MERCURY.candidates[1:3], text="one two three four")
        scoring = Scoring("ragcli", "", Prior(8.0, words=4), ((1.0, 1.4),))
        assert reranked_order(question, scoring, 0, (0, 1)) == (1, 0)
        longer = replace(question, text="one two three four " * 2)
        assert reranked_order(longer, scoring, 0, (0, 1)) == (0, 1)

    def test_headings_that_are_nearer_raise_a_passage(self) -> None:
        """16 x 0.5 x (0.25 - 0.05) = 1.6 for the second passage, by its headings."""
        first, second = MERCURY.candidates[1:3]
        second = replace(second, heading_similarity=second.similarity + 0.25)
        question = replace(MERCURY, candidates=(first, second))
        scoring = Scoring("ragcli", "", Prior(16.0, headings=0.5), ((1.4, 0.5),))
        assert reranked_order(question, scoring, 0, (0, 1)) == (1, 0)
        without = replace(scoring, prior=Prior(16.0))
        assert reranked_order(question, without, 0, (0, 1)) == (0, 1)

    def test_ties_keep_the_base_order(self) -> None:
        assert sorted_by([0.0, 1.0, 0.0, 1.0], (0, 1, 2, 3)) == (1, 3, 0, 2)
        assert sorted_by([0.0, 1.0, 0.0, 1.0], (3, 2, 0)) == (3, 2, 0)

    def test_what_is_no_number_comes_last(self) -> None:
        assert sorted_by([math.nan, -3.0, 2.0], (0, 1, 2)) == (2, 1, 0)

    def test_below_the_depth_nothing_moves(self) -> None:
        scoring = Scoring("ragcli", "", NO_PRIOR, ((0.0, 1.0, 2.0, 9.0),))
        assert reranked_order(MERCURY, scoring, 0, (0, 1, 2, 3), depth=3) == (2, 1, 0, 3)
        assert reranked_order(MERCURY, scoring, 0, (2, 0, 3), depth=2) == (2, 0, 3)

    def test_a_perfect_order_has_the_relevant_ones_first(self) -> None:
        assert perfect_order(NOTICE, (0, 1, 2, 3)) == (0, 3, 1, 2)

    def test_the_cross_encoder_alone_stands_beside_only_where_a_prior_is_added(self) -> None:
        run = small_run()
        assert [arm.kind for arm in all_arms(run)] == ["bi-encoder", "reranked", "cross-encoder alone"]
        pure = replace(run, scorings=(replace(run.scorings[0], prior=NO_PRIOR),))
        assert [arm.kind for arm in all_arms(pure)] == ["bi-encoder", "reranked"]

    def test_questions_without_a_judgement_have_no_place_in_them(self, small: Summary) -> None:
        assert [question.id for question in small.judged] == ["mercury", "notice", "bank"]
        assert all(len(values) == 3 for arm in small.arms for values in arm.values.values())

    def test_values_by_hand(self, small: Summary) -> None:
        base, reranked, _ = small.arms
        assert base.values[MAIN][0] == pytest.approx(1 / log2(4))
        assert reranked.values[MAIN][0] == 1.0
        best = 1 + 1 / log2(3) + 1 / log2(4)
        assert base.values[MAIN][1] == pytest.approx((1 + 1 / log2(5)) / best)
        assert base.values["recall@candidates"] == (1.0, pytest.approx(2 / 3), 1.0)


@pytest.mark.parametrize("seed", range(4))
def test_every_measure_of_every_arm_is_that_of_ir_measures(seed: int) -> None:
    run = random_run(30, 25, seed=seed)
    qrels = {
        question.id: {
            **{candidate.id: int(candidate.gain) for candidate in question.candidates if candidate.gain},
            **{f"missed{n}": 1 for n in range(len(question.ideal) - _found(question))},
        }
        for question in run.questions
    }
    for arm in all_arms(run):
        ranked = {
            question.id: {question.candidates[place].id: -float(rank) for rank, place in enumerate(order)}
            for question, order in zip(run.questions, arm.orders, strict=True)
        }
        for name, measure in ORACLE.items():
            expected = {row.query_id: row.value for row in ir_measures.iter_calc([measure], qrels, ranked)}
            for question, value in zip(run.questions, arm.values[name], strict=True):
                assert value == pytest.approx(expected[question.id], abs=1e-9), (name, arm.kind)


def _found(question: JudgedQuestion) -> int:
    return sum(candidate.gain > 0 for candidate in question.candidates)


def test_every_measure_has_a_label() -> None:
    assert list(LABELS) == list(MEASURES) == list(ORACLE)


class TestContrasts:
    def test_the_share_of_the_gap_that_is_closed(self, small: Summary) -> None:
        base, reranked, _ = (arm.means[MAIN] for arm in small.arms)
        assert small.contrasts[0].gap_closed == pytest.approx((reranked - base) / (small.ceiling - base))

    def test_the_ceiling_is_not_one_where_the_candidates_lack_a_relevant_passage(
        self, small: Summary
    ) -> None:
        best = 1 + 1 / log2(3) + 1 / log2(4)
        assert small.ceiling == pytest.approx((1 + (1 + 1 / log2(3)) / best + 1) / 3)

    def test_recall_over_all_candidates_never_changes_and_weakens_no_other_test(self) -> None:
        rows = {row.measure: row for row in summarise(random_run(60)).contrasts[0].measures}
        unchanged = rows["recall@candidates"]
        assert (unchanged.difference.mean, unchanged.difference.p_value) == (0.0, 1.0)

    def test_what_the_verdict_speaks_of_is_tested_by_itself_and_the_others_together(self) -> None:
        summary = summarise(random_run(60))
        base, arm, *_ = summary.arms
        rows = {row.measure: row.difference for row in summary.contrasts[0].measures}
        differ = sum(bool(found.won or found.lost) for found in rows.values()) - 1
        assert differ == 6
        assert rows[MAIN] == paired_difference(base.values[MAIN], arm.values[MAIN])
        assert rows["map"] == paired_difference(base.values["map"], arm.values["map"], comparisons=6)

    def test_two_equal_rankings_differ_in_nothing(self) -> None:
        run = random_run(20)
        base = [[-float(place) for place in range(20)] for _ in run.questions]
        found = summarise(with_logits(run, base, prior=NO_PRIOR)).contrasts[0]
        assert all(row.difference.tied == 20 and row.difference.p_value == 1.0 for row in found.measures)

    def test_a_reranker_that_knows_nothing_is_called_better_or_worse_as_rarely_as_it_should(self) -> None:
        """200 evaluations of noise against noise: a 5 % test errs in 10, and in 22 or more once in 1,000."""
        draw = random.Random(3)
        errs = 0
        for seed in range(200):
            run = random_run(15, 6, seed=seed)
            shuffled = [draw.sample(q.candidates, len(q.candidates)) for q in run.questions]
            questions = tuple(
                replace(q, candidates=tuple(s)) for q, s in zip(run.questions, shuffled, strict=True)
            )
            noise = [[draw.gauss(0, 1) for _ in question.candidates] for question in questions]
            arms = all_arms(with_logits(replace(run, questions=questions), noise, prior=NO_PRIOR))
            errs += _p_value(arms[0].values[MAIN], arms[1].values[MAIN]) < 0.05
        assert 1 <= errs <= 21


def _p_value(before: Sequence[float], after: Sequence[float]) -> float:
    return paired_difference(before, after, resamples=1000).p_value


class TestSeveralModels:
    def test_one_line_for_each_and_the_cross_encoders_below_their_bi_encoder(self) -> None:
        rows = summarise(models_run()).standings
        assert [(row.embedder, row.arm.name, row.arm.kind) for row in rows] == [
            (embedder, *arm)
            for embedder in ("all-MiniLM-L6-v2", "paraphrase-MiniLM-L3-v2")
            for arm in (
                (embedder, "bi-encoder"),
                ("ragcli", "reranked"),
                ("ragcli", "cross-encoder alone"),
                ("cross-encoder/ms-marco-MiniLM-L6-v2", "reranked"),
            )
        ]

    def test_all_are_measured_against_the_first_order(self) -> None:
        summary = summarise(models_run())
        first, *others = summary.standings
        assert first.difference is None
        base = first.arm.means[MAIN]
        for row in others:
            assert row.difference is not None
            assert row.difference.mean == pytest.approx(row.arm.means[MAIN] - base)
        assert others[3].arm.values["recall@candidates"][0] == 0.0

    def test_each_has_its_own_seconds(self) -> None:
        rows = summarise(models_run()).standings
        assert [row.seconds for row in rows] == [0.011, 0.09, 0.09, 0.18, 0.006, None, None, None]

    def test_the_verdict_speaks_of_the_first_ones(self, small: Summary) -> None:
        several = summarise(models_run())
        assert several.verdict == small.verdict
        assert several.latencies == small.latencies
        assert several.milliseconds_per_point == small.milliseconds_per_point

    def test_one_of_each_needs_no_table(self, small: Summary) -> None:
        assert small.standings == ()

    def test_the_audit_looks_at_every_bi_encoders_candidates(self) -> None:
        run = random_run(40, 20)
        base = [[-float(place) for place in range(20)] for _ in run.questions]
        assert [f.code for f in audit(replace(run, others=(with_logits(run, base),)))] == ["unchanged"]


class TestChanges:
    def test_the_question_that_gained_most_comes_first(self, small: Summary) -> None:
        assert [change.question.id for change in small.helped] == ["mercury", "notice"]
        assert [change.question.id for change in small.hurt] == ["bank"]

    def test_the_passages_whose_move_made_it_are_named(self, small: Summary) -> None:
        moves = [(move.passage.id, move.before, move.after) for move in small.helped[0].moved]
        assert moves == [("planet#0", 3, 1), ("element#0", 1, 3)]


class TestDepths:
    def test_each_depth_comes_from_one_scoring(self, small: Summary) -> None:
        two, four = small.depths
        assert (two.depth, four.depth) == (2, 4)
        assert four.ndcg == pytest.approx(small.arms[1].means[MAIN])
        assert four.share_of_gain is None, "on three questions no gain can be shown"
        assert (two.seconds, four.seconds, two.share_of_time) == (0.045, 0.09, 0.5)

    def test_the_smallest_depth_that_keeps_the_gain_is_recommended(self) -> None:
        run = random_run(80, 20)
        first_ten = tuple(
            replace(
                q, candidates=tuple(replace(c, gain=c.gain * (n < 10)) for n, c in enumerate(q.candidates))
            )
            for q in run.questions
        )
        logits = [[9.0 * c.gain - n for n, c in enumerate(q.candidates)] for q in first_ten]
        found = summarise(with_logits(replace(run, questions=first_ten, depths=(5, 10, 20)), logits))
        assert found.advice.startswith("10 candidates keep all of the gain of 20 at")
        assert found.advice.endswith("(on 80 questions).")

    def test_few_questions_are_said_to_be_few(self) -> None:
        assert "on 25 questions: too few to rely on" in summarise(random_run(25)).advice

    def test_a_gain_that_may_be_chance_is_no_reason_for_a_depth(self, small: Summary) -> None:
        assert small.advice == "No depth is named: with 4 candidates no difference can be shown."
        assert [row.share_of_gain for row in small.depths] == [None, None]

    def test_without_a_gain_nothing_is_recommended(self) -> None:
        run = random_run(40, 10, strength=-3.0)
        assert "no gain to keep" in summarise(run).advice


class TestTheVerdict:
    def test_a_gain(self) -> None:
        found = summarise(random_run(120, 20, strength=2.0)).verdict
        assert found.startswith("Reranking raises nDCG@10 from 0.")
        assert "p < 0.001; " in found
        assert found.endswith(" ms a question.")

    def test_a_loss(self) -> None:
        assert summarise(random_run(120, 20, strength=-2.0)).verdict.startswith("Reranking lowers nDCG@10")

    def test_no_difference_says_what_could_be_shown_and_how_many_questions_it_would_take(self) -> None:
        summary = summarise(random_run(60, 20, strength=0.0))
        assert summary.verdict.startswith("No difference can be shown: reranking changes nDCG@10 from 0.")
        assert (
            f"60 such questions can show a difference of {summary.smallest_difference:.3f}" in summary.verdict
        )
        assert "would take about" in summary.verdict

    def test_it_speaks_of_answers_too(self) -> None:
        """Of 40 questions that ragcli answers wrongly without reranking it answers 12 rightly with it."""
        run = random_run(40, answers=True)
        wrong = [replace(one.base, text="No.") for one in run.answers if one.base]
        answers = [
            replace(one, base=base, reranked=one.reranked if place < 12 else base)
            for place, (one, base) in enumerate(zip(run.answers, wrong, strict=True))
        ]
        found = summarise(replace(run, answers=tuple(answers))).verdict
        assert "Answers are better: 30.0 % of 40 answers hold the gold one with reranking, 0.0 %" in found
        assert found.endswith("points, p < 0.001; 12 won, 0 lost, 28 tied).")
        few = summarise(replace(run, answers=tuple(answers[9:]))).verdict
        assert "No difference can be shown in the answers: 9.7 % of 31" in few
        assert "31 such questions can show a difference of 0.1" in few

    def test_before_the_run_it_is_said_what_the_file_can_show(self) -> None:
        """(1.960 + 0.842) x 0.2 / sqrt(100) = 0.056."""
        assert reach_before(100) == (
            "100 questions can show a difference of about 0.056 or more in nDCG@10"
            " (p < 0.05, power 80 %, assuming a standard deviation of 0.2)"
        )
        assert reach_before(1) == ""

    def test_a_few_questions_are_too_few_whatever_they_show(self, small: Summary) -> None:
        assert small.verdict.startswith("Too few questions to tell: 3. On these, reranking changes nDCG@10")

    def test_equal_orders(self) -> None:
        run = random_run(20)
        base = [[-float(place) for place in range(20)] for _ in run.questions]
        found = summarise(with_logits(run, base, prior=NO_PRIOR)).verdict
        assert "0 won, 0 lost, 20 tied" in found
        assert found.endswith("The two orders are equally good on each of them.")

    def test_nothing_judged(self) -> None:
        found = summarise(replace(small_run(), questions=(PARROT,), scorings=(), answers=()))
        assert found.verdict.startswith("Nothing to measure a ranking on: none of the 1 questions names")
        assert (found.judged, found.contrasts, found.depths, found.ceiling) == ((), (), (), 0.0)

    def test_without_a_cross_encoder_the_bi_encoder_stands_alone(self) -> None:
        found = summarise(replace(small_run(), scorings=(), answers=()))
        assert found.verdict == "all-MiniLM-L6-v2 alone reaches nDCG@10 0.724 on 3 questions."


class TestTheAudit:
    def codes(self, run: Run) -> set[str]:
        return {finding.code for finding in audit(run)}

    def test_it_is_quiet_when_all_is_well(self) -> None:
        assert audit(random_run(80, 20)) == ()

    def test_rounded_scores_tie(self) -> None:
        run = random_run(40, 20)
        rounded = [[round(logit, 1) for logit in row] for row in run.scorings[0].logits]
        assert self.codes(with_logits(run, rounded)) == {"ties"}

    def test_equal_texts_may_tie(self) -> None:
        run = random_run(40, 20)
        same = tuple(
            replace(q, candidates=tuple(replace(c, text="One text.") for c in q.candidates))
            for q in run.questions
        )
        rounded = [[round(logit, 1) for logit in row] for row in run.scorings[0].logits]
        assert self.codes(with_logits(replace(run, questions=same), rounded)) == set()

    def test_scores_that_hardly_differ_are_saturated(self) -> None:
        run = random_run(40, 20)
        flat = [[9.0 + logit / 1000 for logit in row] for row in run.scorings[0].logits]
        assert "saturated" in self.codes(with_logits(run, flat))

    def test_an_order_that_never_changes_was_not_reranked(self) -> None:
        run = random_run(40, 20)
        base = [[-float(place) for place in range(20)] for _ in run.questions]
        assert self.codes(with_logits(run, base)) == {"unchanged"}

    def test_a_score_that_is_no_number_breaks_nothing(self) -> None:
        run = random_run(40, 20)
        rows = [list(row) for row in run.scorings[0].logits]
        rows[3][5] = math.nan
        found = summarise(with_logits(run, rows))
        assert [finding.code for finding in found.findings] == ["not-a-number"]
        assert found.arms[1].orders[3][-1] == 5

    def test_pairs_that_are_cut_are_counted(self) -> None:
        run = random_run(40, 20)
        scoring = replace(run.scorings[0], pairs_cut=80, tokens_cut=1600)
        (finding,) = audit(replace(run, scorings=(scoring,)))
        assert finding.code == "cut"
        assert "80 of 800 pairs are longer than 320 tokens and lost 20 each" in finding.text

    @pytest.mark.parametrize(
        "text",
        [
            "Меркурий обращается вокруг Солнца за восемьдесят восемь дней",
            "Der Merkur umkreist die Sonne schneller als jeder andere Planet und braucht dazu drei Monate",
            "水星は八十八日で太陽を一周する",
        ],
    )
    def test_another_language_than_the_model_was_made_for(self, text: str) -> None:
        run = random_run(40, 20)
        foreign = tuple(replace(question, text=text) for question in run.questions)
        (finding,) = audit(replace(run, questions=foreign))
        assert finding.code == "language"
        other = replace(run.scorings[0], name="a multilingual one")
        assert audit(replace(run, questions=foreign, scorings=(other,))) == ()

    def test_keywords_are_not_called_another_language_for_want_of_text(self) -> None:
        assert is_english(["boundary layer transition"] * 5)


class TestSeconds:
    def test_reranking_is_reported_at_the_depth_of_the_arms(self, small: Summary) -> None:
        rerank = next(latency for latency in small.latencies if latency.stage == "rerank")
        assert rerank.p50 == 0.09
        assert rerank.p95 == pytest.approx(0.099)

    def test_one_measurement_is_its_own_percentile(self) -> None:
        run = small_run()
        (first, *_) = latencies([replace(run.seconds[0], seconds=(0.5,))])
        assert (first.p50, first.p95) == (0.5, 0.5)

    def test_a_point_of_ndcg_has_its_price(self) -> None:
        summary = summarise(replace(random_run(60), seconds=small_run().seconds))
        gained = 100 * (summary.arms[1].means[MAIN] - summary.arms[0].means[MAIN])
        assert summary.milliseconds_per_point == pytest.approx(90 / gained)

    def test_a_loss_has_none_and_what_may_be_chance_neither(self, small: Summary) -> None:
        assert small.milliseconds_per_point is None
        assert summarise(random_run(40, strength=-2.0)).milliseconds_per_point is None


def test_answers_are_measured_where_both_arms_gave_one(small: Summary) -> None:
    rows = {row.measure: row for row in small.answers}
    assert small.failed == 1
    assert rows["holds the answer"].questions == 2  # the bank failed, the parrot has no answer
    assert (rows["holds the answer"].before, rows["holds the answer"].after) == (0.5, 1.0)
    assert rows["exact match"].after == 0.5  # "Three months.", its citation left out
    assert rows["citation precision"].before == 0.5
    assert rows["answers or declines rightly"].questions == 3
    assert rows["answers or declines rightly"].before == pytest.approx(2 / 3)
    assert BANK.id not in {change.question.id for change in small.helped}
