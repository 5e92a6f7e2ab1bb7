"""Is there a better sum than logit + weight x similarity? `python bench/combination.py --data FOLDER`

Four numbers of each candidate (logit, similarity, BM25, the reciprocal of the bi-encoder's rank) and their
products with three numbers of the list (the spread of similarities and of logits, the length of the
question) are weighed by a conditional logistic model: the chance that a relevant candidate is drawn from the
list. It is fitted on the choosing halves of the development collections (every other question) and measured
on the halves between, against the prior that ships. Relative gains of nDCG@10 over the bi-encoder.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from reranker import QUESTION_ANSWERING, TECHNICAL, TOPICAL, tasks_of
from sklearn.feature_extraction.text import CountVectorizer

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.encoders.reranking import load_reranker
from ragcli.evaluation.beir import read_beir
from ragcli.evaluation.metrics import ndcg
from ragcli.training.ranking import RankingTask, base_ndcg, ndcg_per_question, ordered_gains

K1, B = 1.2, 0.75  # of BM25 (Robertson and Zaragoza 2009)
SETS = {
    "logit, similarity": 2,
    "and BM25": 3,
    "and rank": 4,
    "and all products": 16,
}


def bm25(question: str, passages: Sequence[str]) -> np.ndarray:
    """(passages,), with the frequencies of words among the candidates alone."""
    vectorizer = CountVectorizer(stop_words="english")
    try:
        counts = vectorizer.fit_transform(passages).toarray().astype(float)
    except ValueError:
        return np.zeros(len(passages))
    wanted = vectorizer.transform([question]).toarray()[0] > 0
    length = counts.sum(axis=1, keepdims=True)
    counts = counts[:, wanted]
    documents = (counts > 0).sum(axis=0)
    rarity = np.log(1 + (len(passages) - documents + 0.5) / (documents + 0.5))
    return (rarity * counts * (K1 + 1) / (counts + K1 * (1 - B + B * length / length.mean()))).sum(axis=1)


def features(task: RankingTask, logits: Sequence[float]) -> np.ndarray:
    """(candidates, 16); the first columns are used alone too."""
    similarities = np.array(task.similarities)
    own = np.stack(
        [
            np.array(logits) / 4,
            similarities * 4,
            bm25(task.question, task.passages) / 4,
            1 / np.arange(1, len(logits) + 1),
        ]
    )
    of_list = (similarities.std() * 10, np.std(logits) / 4, np.log(1 + len(task.question.split())) / 3)
    return np.concatenate([own, *(own * number for number in of_list)]).T


def fitted(lists: Sequence[tuple[np.ndarray, np.ndarray]], width: int) -> np.ndarray:
    """The weights of the first `width` columns, with a small penalty on their size."""
    weights = torch.zeros(width, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")
    data = [(torch.tensor(x[:, :width]), torch.tensor(g / g.sum())) for x, g in lists if g.sum() > 0]

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        losses = [-(target * torch.log_softmax(x @ weights, dim=0)).sum() for x, target in data]
        loss = torch.stack(losses).mean() + 0.01 * (weights**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach().numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description="Sums of more than logit and similarity.")
    parser.add_argument("--data", type=Path, required=True, help="folder with beir/")
    parser.add_argument("--model", default="ragcli", help="cross-encoder: the shipped one, or a folder")
    parser.add_argument("--questions", type=int, default=50, help="most questions of a half")
    parser.add_argument("--cache", type=Path, default=Path("bench/.cache"))
    options = parser.parse_args()
    embedder = load_bi_encoder(EmbeddingConfig(), bulk=True)
    reranker = load_reranker(RerankingConfig(model=options.model))
    halves: dict[str, list[tuple[list[RankingTask], list[Sequence[float]]]]] = {}
    for name in (*QUESTION_ANSWERING, *TOPICAL, *TECHNICAL):
        every = tasks_of(read_beir(options.data / "beir" / name), embedder, options.cache)
        cut = [list(every[start::2][: options.questions]) for start in (0, 1)]
        halves[name] = [
            (half, list(reranker.logits_of_lists([(t.question, t.passages) for t in half]))) for half in cut
        ]
    # Each collection weighs the same, however many questions it has.
    chosen = {
        name: [(features(t, row), np.array(t.gains)) for t, row in zip(*of[0], strict=True)]
        for name, of in halves.items()
    }
    most = max(len(lists) for lists in chosen.values())
    train = [one for lists in chosen.values() for one in (lists * (most // len(lists) + 1))[:most]]
    table = {
        "prior that ships": {name: ndcg_per_question(*of[1], reranker.prior) for name, of in halves.items()}
    }
    for label, width in SETS.items():
        weights = fitted(train, width)
        print(f"{label}: " + " ".join(f"{weight:+.2f}" for weight in weights))
        table[label] = {
            name: [
                ndcg(ordered_gains(task, list(features(task, row)[:, :width] @ weights)), task.ideal)
                for task, row in zip(*of[1], strict=True)
            ]
            for name, of in halves.items()
        }
    print("\n" + "reporting half".ljust(24) + "".join(f"{label:>20}" for label in table))
    rows: list[list[float]] = []
    for name, of in halves.items():
        base = fmean(base_ndcg(of[1][0]))
        rows.append([fmean(values[name]) / base - 1 for values in table.values()])
        print(name.ljust(24) + "".join(f"{gain:+20.1%}" for gain in rows[-1]))
    print("mean".ljust(24) + "".join(f"{fmean(column):+20.1%}" for column in zip(*rows, strict=True)))
    print("worst".ljust(24) + "".join(f"{min(column):+20.1%}" for column in zip(*rows, strict=True)))


if __name__ == "__main__":
    main()
