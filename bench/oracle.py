"""Our measures against ir_measures on judged collections: `make bench-oracle`.

Each collection is evaluated as `ragcli eval --beir` does it; the same run then goes to ir_measures. Printed
is the largest difference of any question's value, for each measure. With --rerank the reranked order as well.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import ir_measures
from ir_measures import AP, RR, R, Success, nDCG

from ragcli import load_config
from ragcli.evaluation.arms import all_arms
from ragcli.evaluation.beir import read_beir
from ragcli.evaluation.collect import evaluate_beir
from ragcli.evaluation.records import Run
from ragcli.evaluation.results import Arm

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
COLLECTIONS = ("cranfield", "medline", "cisi")


def largest_difference(run: Run, arm: Arm, qrels: dict[str, dict[str, int]], measure: str) -> float:
    ranked = {
        question.id: {question.candidates[place].id: -float(rank) for rank, place in enumerate(order)}
        for question, order in zip(run.questions, arm.orders, strict=True)
    }
    found = ir_measures.iter_calc([ORACLE[measure]], qrels, ranked)
    expected = {row.query_id: row.value for row in found}
    return max(
        abs(value - expected[question.id])
        for question, value in zip(run.questions, arm.values[measure], strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with beir/")
    parser.add_argument("--rerank", action="store_true", help="the reranked order too (minutes)")
    options = parser.parse_args()
    config = load_config()
    rerankers = [config.reranking] if options.rerank else []
    worst = 0.0
    for name in COLLECTIONS:
        collection = read_beir(options.data / "beir" / name)
        run = evaluate_beir(config, collection, rerankers=rerankers)
        qrels = {
            query: {document: round(grade) for document, grade in grades.items()}
            for query, grades in collection.qrels.items()
        }
        for arm in all_arms(run):
            gaps = {measure: largest_difference(run, arm, qrels, measure) for measure in ORACLE}
            worst = max(worst, *gaps.values())
            figures = "  ".join(f"{measure} {gap:.0e}" for measure, gap in gaps.items())
            print(f"{name:10} {arm.kind:20} {len(run.questions):4} questions  {figures}", flush=True)
    print(f"largest difference: {worst:.1e} ({'passed' if worst <= 1e-9 else 'FAILED'}: at most 1e-9)")


if __name__ == "__main__":
    main()
