"""The measures of a ranking by name, in the order in which reports show them. Formulas: `metrics`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from ragcli.evaluation import metrics

Gains: TypeAlias = Sequence[float]
Measure = Callable[[Gains, Gains], float]
"""From the gains in rank order and all positive judgements of the question to a value between 0 and 1."""

MAIN = "ndcg@10"
"""The measure of verdicts, ceilings and depths."""

FOUND = "recall@candidates"
"""What is among the candidates at all: reranking cannot change it."""

MEASURES: dict[str, Measure] = {
    MAIN: lambda gains, ideal: metrics.ndcg(gains, ideal, 10),
    "mrr@10": lambda gains, ideal: metrics.reciprocal_rank(gains, 10),
    "map": metrics.average_precision,
    "hit@1": lambda gains, ideal: metrics.hit(gains, 1),
    "hit@5": lambda gains, ideal: metrics.hit(gains, 5),
    "recall@5": lambda gains, ideal: metrics.recall(gains, ideal, 5),
    "recall@10": lambda gains, ideal: metrics.recall(gains, ideal, 10),
    FOUND: lambda gains, ideal: metrics.recall(gains, ideal, len(gains)),
}

LABELS = {
    MAIN: "nDCG@10",
    "mrr@10": "MRR@10",
    "map": "MAP",
    "hit@1": "hit@1",
    "hit@5": "hit@5",
    "recall@5": "recall@5",
    "recall@10": "recall@10",
    FOUND: "recall@all",
}
