"""Ranking metrics: by hand, and against ir_measures on random runs."""

from __future__ import annotations

import random
from math import log2

import ir_measures
import pytest
from ir_measures import AP, RR, Judged, R, Success, nDCG

from ragcli.evaluation.metrics import average_precision, dcg, hit, ndcg, recall, reciprocal_rank
from ragcli.evaluation.metrics import judged as share_judged


class TestByHand:
    """Five are retrieved: the second has grade 2, the fourth grade 1; a third relevant one is missed."""

    gains = (0.0, 2.0, 0.0, 1.0, 0.0)
    ideal = (1.0, 2.0, 1.0)

    def test_dcg_divides_each_gain_by_the_logarithm_of_its_rank(self) -> None:
        assert dcg(self.gains, 10) == 2 / log2(3) + 1 / log2(5)

    def test_ndcg_is_the_share_of_what_a_perfect_order_of_all_relevant_ones_would_have(self) -> None:
        best = 2 / log2(2) + 1 / log2(3) + 1 / log2(4)
        assert ndcg(self.gains, self.ideal) == pytest.approx((2 / log2(3) + 1 / log2(5)) / best, abs=1e-12)

    def test_a_perfect_order_has_1(self) -> None:
        assert ndcg((2.0, 1.0, 1.0, 0.0), self.ideal) == pytest.approx(1.0, abs=1e-12)

    def test_ndcg_reads_no_further_than_its_depth(self) -> None:
        assert ndcg(self.gains, self.ideal, depth=1) == 0.0
        assert ndcg(self.gains, self.ideal, depth=2) == pytest.approx(
            2 / log2(3) / (2 + 1 / log2(3)), abs=1e-12
        )

    def test_reciprocal_rank_is_that_of_the_first_relevant_one_within_the_depth(self) -> None:
        assert reciprocal_rank(self.gains) == 1 / 2
        assert reciprocal_rank(self.gains, depth=1) == 0.0

    def test_recall_counts_the_missed_one_too(self) -> None:
        assert recall(self.gains, self.ideal, 3) == 1 / 3
        assert recall(self.gains, self.ideal, 5) == 2 / 3

    def test_hit_asks_for_any(self) -> None:
        assert (hit(self.gains, 1), hit(self.gains, 2)) == (0.0, 1.0)

    def test_average_precision_counts_0_for_the_missed_one(self) -> None:
        assert average_precision(self.gains, self.ideal) == pytest.approx((1 / 2 + 2 / 4) / 3, abs=1e-12)

    def test_judged_is_the_share_of_the_first_ones_that_somebody_judged(self) -> None:
        assert share_judged((True, False, True, True, False)) == 3 / 5
        assert share_judged((True, False, True, True, False), depth=2) == 1 / 2
        assert share_judged(()) == 1.0

    def test_nothing_retrieved_or_nothing_relevant_is_0(self) -> None:
        for gains, ideal in (((), self.ideal), (self.gains, ())):
            assert ndcg(gains, ideal) == recall(gains, ideal, 10) == average_precision(gains, ideal) == 0.0
        assert reciprocal_rank(()) == hit((), 10) == 0.0


@pytest.mark.parametrize("seed", range(8))
def test_they_equal_ir_measures(seed: int) -> None:
    """Graded judgements, unjudged and judged-irrelevant documents, relevant ones that are not retrieved."""
    draw = random.Random(seed)
    qrels: list[ir_measures.Qrel] = []
    run: list[ir_measures.ScoredDoc] = []
    mine: dict[tuple[str, str], float] = {}
    for query in (f"q{n}" for n in range(6)):
        judged = {f"d{n}": draw.choice((0, 0, 1, 1, 2, 3)) for n in draw.sample(range(80), 20)}
        judged["d0"] = 1
        ranking = [f"d{n}" for n in draw.sample(range(80), draw.choice((3, 30, 60)))]
        qrels += [ir_measures.Qrel(query, document, grade) for document, grade in judged.items()]
        # ragcli ranks before it measures, ties included: the run's scores are the ranks.
        run += [ir_measures.ScoredDoc(query, document, -float(rank)) for rank, document in enumerate(ranking)]
        gains = [float(judged.get(document, 0)) for document in ranking]
        ideal = [float(grade) for grade in judged.values() if grade > 0]
        mine |= {
            (query, "nDCG@10"): ndcg(gains, ideal),
            (query, "nDCG@3"): ndcg(gains, ideal, 3),
            (query, "RR@10"): reciprocal_rank(gains),
            (query, "R@5"): recall(gains, ideal, 5),
            (query, "R@50"): recall(gains, ideal, 50),
            (query, "Success@1"): hit(gains, 1),
            (query, "Success@5"): hit(gains, 5),
            (query, "AP"): average_precision(gains, ideal),
            (query, "Judged@10"): share_judged([document in judged for document in ranking]),
        }
    wanted = [nDCG @ 10, nDCG @ 3, RR @ 10, R @ 5, R @ 50, Success @ 1, Success @ 5, AP, Judged @ 10]
    theirs = {(m.query_id, str(m.measure)): m.value for m in ir_measures.iter_calc(wanted, qrels, run)}
    assert mine == pytest.approx(theirs, abs=1e-9)
