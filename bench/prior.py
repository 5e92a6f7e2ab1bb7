"""Which weight the bi-encoder's similarity should have beside the cross-encoder's logit: `make bench-prior`.

The development collections are cut in two: every other question chooses (this table), the ones between report
(bench/reranker.py --skip 1 --step 2). Relative gains of nDCG@10 over the bi-encoder, by weight.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import fmean

from reranker import QUESTION_ANSWERING, TOPICAL, cached_tasks

from ragcli.beir import read_beir
from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.embedding import load_bi_encoder
from ragcli.reranking import load_reranker
from ragcli.training.ranking import base_ndcg, ndcg_per_question

WEIGHTS = (0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0, 32.0, 48.0, 64.0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Gains by the prior's weight.")
    parser.add_argument("--data", type=Path, required=True, help="folder with beir/")
    parser.add_argument("--model", default="ragcli", help="cross-encoder: the shipped one, or a folder")
    parser.add_argument("--questions", type=int, default=100, help="most questions of a collection")
    parser.add_argument("--cache", type=Path, default=Path("bench/.cache"))
    options = parser.parse_args()
    embedder = load_bi_encoder(EmbeddingConfig(), bulk=True)
    reranker = load_reranker(RerankingConfig(model=options.model))
    gains: dict[str, list[float]] = {}
    print(f"{'weight':24}" + "".join(f"{weight:>8g}" for weight in WEIGHTS))
    for name in (*QUESTION_ANSWERING, *TOPICAL):
        collection = read_beir(options.data / "beir" / name)
        tasks = cached_tasks(collection, embedder.embed, embedder.fingerprint, options.cache)
        tasks = tasks[0::2][: options.questions]
        rows = [reranker.logits(task.question, task.passages) for task in tasks]
        base = fmean(base_ndcg(tasks))
        gains[name] = [fmean(ndcg_per_question(tasks, rows, weight)) / base - 1 for weight in WEIGHTS]
        print(f"{name:24}" + "".join(f"{gain:+8.1%}" for gain in gains[name]), flush=True)
    for label, names in (("question answering", QUESTION_ANSWERING), ("topical", TOPICAL)):
        means = [fmean(gains[name][i] for name in names) for i in range(len(WEIGHTS))]
        print(f"{label:24}" + "".join(f"{mean:+8.1%}" for mean in means))
    worst = [min(gains[name][i] for name in gains) for i in range(len(WEIGHTS))]
    print(f"{'worst collection':24}" + "".join(f"{gain:+8.1%}" for gain in worst))


if __name__ == "__main__":
    main()
