"""Which weight the bi-encoder's similarity should have in the order, as a prior: `make bench-prior`.

The development collections are cut in two: every other question chooses (these tables), the ones between
report (bench/reranker.py --skip 1 --step 2). Relative gains of nDCG@10 over the bi-encoder: by the weight,
the same for all questions; at the model's own weight by the words beyond which it grows, and by the share
of the headings; at all three by the number of candidates that are reranked; and their means for every
weight with every number of words.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from reranker import QUESTION_ANSWERING, TECHNICAL, TOPICAL, held_back_collection, tasks_of

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.encoders.prior import Prior
from ragcli.encoders.reranking import load_reranker
from ragcli.evaluation.beir import read_beir
from ragcli.training.ranking import RankingTask, base_ndcg, ndcg_per_question

WEIGHTS = (0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0, 32.0, 48.0, 64.0)
GRID_WEIGHTS = (4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0)
GRID_WORDS = (8, 12, 16, 20, 24)
DEPTHS = (10, 15, 20, 25, 30, 40, 50)
# 0: the weight is the same for every question.
WORDS = (0, 12, 16, 20, 24, 28, 32, 40)

# Of what the headings are more similar than the passage.
HEADINGS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)

Rows = Sequence[Sequence[float]]


def print_table(
    tasks: Mapping[str, Sequence[RankingTask]], rows: Mapping[str, Rows], priors: Mapping[str, Prior]
) -> None:
    """A line a collection, a column a prior; then the means of both kinds and the worst collection."""
    print("".ljust(24) + "".join(f"{label:>8}" for label in priors))
    gains = {name: [gain(tasks[name], rows[name], prior) for prior in priors.values()] for name in tasks}
    for name, row in gains.items():
        print_row(name, row)
    for label, names in (
        ("question answering", QUESTION_ANSWERING),
        ("topical", TOPICAL),
        ("technical", tuple(name for name in gains if name.startswith("tech_"))),
        ("all", tuple(gains)),
    ):
        print_row(label, [fmean(column) for column in zip(*(gains[name] for name in names), strict=True)])
    print_row("worst collection", [min(column) for column in zip(*gains.values(), strict=True)])
    print(flush=True)


def print_depths(tasks: Mapping[str, Sequence[RankingTask]], rows: Mapping[str, Rows], prior: Prior) -> None:
    """A line a collection, a column for each number of candidates: the gain over the bi-encoder."""
    print("candidates".ljust(24) + "".join(f"{depth:>8}" for depth in DEPTHS))
    gains: dict[str, list[float]] = {}
    for name, some in tasks.items():
        cut = [
            ([first(task, depth) for task in some], [row[:depth] for row in rows[name]]) for depth in DEPTHS
        ]
        gains[name] = [gain(few, scores, prior) for few, scores in cut]
        print_row(name, gains[name])
    print_row("all", [fmean(column) for column in zip(*gains.values(), strict=True)])
    print(flush=True)


def first(task: RankingTask, depth: int) -> RankingTask:
    return replace(
        task,
        passages=task.passages[:depth],
        similarities=task.similarities[:depth],
        gains=task.gains[:depth],
        heading_similarities=task.heading_similarities[:depth],
    )


def print_grid(tasks: Mapping[str, Sequence[RankingTask]], rows: Mapping[str, Rows], headings: float) -> None:
    """A line for each number of words and each mean, a column for each weight."""
    print("words, mean of".ljust(24) + "".join(f"{weight:>8g}" for weight in GRID_WEIGHTS))
    for words in GRID_WORDS:
        gains = {
            name: [gain(tasks[name], rows[name], Prior(weight, words, headings)) for weight in GRID_WEIGHTS]
            for name in tasks
        }
        for label, names in (
            ("question answering", QUESTION_ANSWERING),
            ("topical", TOPICAL),
            ("technical", tuple(name for name in gains if name.startswith("tech_"))),
            ("all", tuple(gains)),
        ):
            means = [fmean(column) for column in zip(*(gains[name] for name in names), strict=True)]
            print_row(f"{words:>2} {label}", means)
        print_row(f"{words:>2} worst", [min(column) for column in zip(*gains.values(), strict=True)])
    print(flush=True)


def gain(tasks: Sequence[RankingTask], rows: Rows, prior: Prior) -> float:
    return fmean(ndcg_per_question(tasks, rows, prior)) / fmean(base_ndcg(tasks)) - 1


def print_row(name: str, gains: Sequence[float]) -> None:
    print(f"{name:24}" + "".join(f"{gain:+8.1%}" for gain in gains))


def main() -> None:
    parser = argparse.ArgumentParser(description="Gains by the prior's weight and by its words.")
    parser.add_argument("--data", type=Path, required=True, help="folder with beir/")
    parser.add_argument("--model", default="ragcli", help="cross-encoder: the shipped one, or a folder")
    parser.add_argument("--questions", type=int, default=100, help="most questions of a collection")
    parser.add_argument("--held-back", nargs="*", default=[], help="names of training files, without ending")
    parser.add_argument("--cache", type=Path, default=Path("bench/.cache"))
    options = parser.parse_args()
    embedder = load_bi_encoder(EmbeddingConfig(), bulk=True)
    reranker = load_reranker(RerankingConfig(model=options.model))
    tasks: dict[str, Sequence[RankingTask]] = {}
    rows: dict[str, Rows] = {}
    names = (*QUESTION_ANSWERING, *TOPICAL, *TECHNICAL)
    collections = [read_beir(options.data / "beir" / name) for name in names]
    collections += [
        held_back_collection(options.data / "train" / f"{name}.jsonl.gz", 2 * options.questions)
        for name in options.held_back
    ]
    for collection in collections:
        name = collection.name
        every = tasks_of(collection, embedder, options.cache)
        tasks[name] = every[0::2][: options.questions]
        rows[name] = reranker.logits_of_lists([(task.question, task.passages) for task in tasks[name]])
    own = reranker.prior
    print_table(tasks, rows, {f"{weight:g}": Prior(weight, 0, own.headings) for weight in WEIGHTS})
    print_table(tasks, rows, {str(words): replace(own, words=words) for words in WORDS})
    print_table(tasks, rows, {f"h {share:g}": replace(own, headings=share) for share in HEADINGS})
    print_depths(tasks, rows, reranker.prior)
    print_grid(tasks, rows, own.headings)


if __name__ == "__main__":
    main()
