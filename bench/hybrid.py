"""What hybrid retrieval adds on judged collections, without reranking and below it: `make bench-hybrid`.

For each BEIR folder under --data/beir: nDCG@10 and recall of 50 candidates by the bi-encoder, by BM25 alone,
and by both fused. Every other question chooses rrf_k (without reranking), the ones between report. Of those,
the first --questions are reranked, over each retrieval's own candidates. Vectors and logits are kept in
--cache, so that another cross-encoder costs its own scoring and nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TypeAlias

from reranker import QUESTION_ANSWERING, TOPICAL

from ragcli.config import EmbeddingConfig, RerankingConfig, RetrievalConfig
from ragcli.encoders.bi_encoder import BiEncoder, load_bi_encoder
from ragcli.encoders.reranking import CrossEncoderReranker, load_reranker
from ragcli.evaluation import metrics
from ragcli.evaluation.beir import JudgedCollection, read_beir
from ragcli.evaluation.corpus_vectors import corpus_vectors
from ragcli.evaluation.retrieving import CollectionSearch
from ragcli.retrieval.fusion import fused_order

CHOICES = (1.0, 5.0, 10.0, 20.0, 40.0, 60.0, 100.0, 200.0)
DEPTH = 50
METHODS = ("dense", "BM25", "hybrid")

Ranking: TypeAlias = list[str]


@dataclass(frozen=True)
class Asked:
    """A question with both rankings and the similarity of all that they hold."""

    text: str
    grades: Mapping[str, float]
    dense: Ranking
    lexical: Ranking
    similarities: Mapping[str, float]

    def ranking(self, method: str, k: float) -> Ranking:
        if method == "hybrid":
            fused = fused_order([self.dense, self.lexical], self.similarities, k)
            return [name for name, _ in fused[:DEPTH]]
        return self.dense if method == "dense" else self.lexical

    def ndcg(self, ranking: Ranking) -> float:
        return metrics.ndcg(self._gains(ranking), self._ideal())

    def recall(self, ranking: Ranking) -> float:
        return metrics.recall(self._gains(ranking), self._ideal(), DEPTH)

    def _gains(self, ranking: Ranking) -> list[float]:
        return [max(0.0, self.grades.get(name, 0.0)) for name in ranking]

    def _ideal(self) -> list[float]:
        return [grade for grade in self.grades.values() if grade > 0]


def ask_all(collection: JudgedCollection, embedder: BiEncoder, cache: Path) -> list[Asked]:
    """Every question that has a positive judgement, in the order of the file."""
    qrels = {name: grades for name, grades in collection.qrels.items() if max(grades.values()) > 0}
    texts = {name: text for name, text in collection.queries.items() if name in qrels}
    vectors = corpus_vectors(cache, collection, embedder)
    queries = embedder.embed(list(texts.values()), query=True)
    places = {name: place for place, name in enumerate(collection.corpus)}
    config = RetrievalConfig(candidates=DEPTH)
    found: list[Asked] = []
    with closing(CollectionSearch(collection.corpus, vectors, ["dense", "hybrid"])) as search:
        for (name, text), vector in zip(texts.items(), queries, strict=True):
            dense = [document for document, _ in search.search(text, vector, config, "dense")]
            lexical = search.search_words(text, DEPTH)
            similarities = {one: float(vectors[places[one]] @ vector) for one in (*dense, *lexical)}
            found.append(Asked(text, qrels[name], dense, lexical, similarities))
    return found


class Scores:
    """Logits by cross-encoder, question and passage, kept in a file a collection."""

    def __init__(self, reranker: CrossEncoderReranker, collection: JudgedCollection, cache: Path) -> None:
        self._reranker = reranker
        self._corpus = collection.corpus
        self._path = cache / f"hybrid-{collection.name}-{reranker.fingerprint[:16]}.json"
        self._kept: dict[str, float] = json.loads(self._path.read_text()) if self._path.exists() else {}

    def order(self, asked: Asked, ranking: Ranking) -> Ranking:
        """The ranking, reranked as ragcli does; ties keep its order."""
        weight = self._reranker.prior.weight_for(asked.text)
        keys = {name: self._key(asked.text, name) for name in ranking}
        score = {name: self._kept[keys[name]] + weight * asked.similarities[name] for name in ranking}
        return sorted(ranking, key=lambda name: -score[name])

    def score(self, questions: Sequence[Asked], k: float) -> None:
        """All pairs of both retrievals that are not there yet."""
        lists = []
        for asked in questions:
            names = dict.fromkeys((*asked.dense, *asked.ranking("hybrid", k)))
            lists.append((asked, [name for name in names if self._key(asked.text, name) not in self._kept]))
        pairs = [(asked.text, [self._corpus[name] for name in names]) for asked, names in lists]
        logits = self._reranker.logits_of_lists(pairs)
        for (asked, names), row in zip(lists, logits, strict=True):
            self._kept.update(zip((self._key(asked.text, name) for name in names), row, strict=True))
        self._path.write_text(json.dumps(self._kept))

    def _key(self, question: str, name: str) -> str:
        return hashlib.sha256(json.dumps([question, self._corpus[name]]).encode()).hexdigest()[:24]


def choose(questions: Mapping[str, Sequence[Asked]]) -> float:
    """Prints nDCG@10 of the choosing halves by rrf_k, and gives back the best mean."""
    print("Choosing rrf_k, nDCG@10 without reranking:\n")
    print("| collection | questions | dense | " + " | ".join(f"k {k:g}" for k in CHOICES) + " |")
    print("|---|---:|---:|" + "---:|" * len(CHOICES))
    dense: list[float] = []
    by_k: dict[float, list[float]] = {k: [] for k in CHOICES}
    for name, asked in questions.items():
        dense.append(fmean(one.ndcg(one.dense) for one in asked))
        for k in CHOICES:
            by_k[k].append(fmean(one.ndcg(one.ranking("hybrid", k)) for one in asked))
        figures = " | ".join(f"{by_k[k][-1]:.3f}" for k in CHOICES)
        print(f"| {name} | {len(asked)} | {dense[-1]:.3f} | {figures} |", flush=True)
    means = {k: fmean(found) for k, found in by_k.items()}
    print(f"| mean | | {fmean(dense):.3f} | " + " | ".join(f"{means[k]:.3f}" for k in CHOICES) + " |")
    worst = {k: min(a / b - 1 for a, b in zip(by_k[k], dense, strict=True)) for k in CHOICES}
    print("| worst against dense | | | " + " | ".join(f"{worst[k]:+.1%}" for k in CHOICES) + " |\n")
    return max(CHOICES, key=lambda k: (means[k], k))


def report(questions: Mapping[str, Sequence[Asked]], k: float) -> None:
    print(f"Without reranking, rrf_k {k:g}:\n")
    print("| collection | questions | dense | BM25 | hybrid | against dense | recall: dense | hybrid |")
    print("|---|" + "---:|" * 7)
    rows: list[list[float]] = []
    for name, asked in questions.items():
        ndcg = [fmean(one.ndcg(one.ranking(method, k)) for one in asked) for method in METHODS]
        recall = [
            fmean(one.recall(one.ranking(method, k)) for one in asked) for method in ("dense", "hybrid")
        ]
        rows.append([*ndcg, ndcg[2] / ndcg[0] - 1, *recall])
        print(f"| {name} | {len(asked)} | {_figures(rows[-1])} |", flush=True)
    print(f"| mean | | {_figures([fmean(column) for column in zip(*rows, strict=True)])} |")
    print(f"| worst | | | | | {min(row[3] for row in rows):+.1%} | | |\n")


def report_reranked(
    data: Path,
    questions: Mapping[str, Sequence[Asked]],
    k: float,
    reranker: CrossEncoderReranker,
    cache: Path,
) -> None:
    print(f"Reranked by {reranker.name} ({reranker.fingerprint[:12]}), prior {reranker.prior.weight:g}:\n")
    print("| collection | questions | dense | hybrid | dense, reranked | hybrid, reranked | against dense |")
    print("|---|" + "---:|" * 6)
    rows: list[list[float]] = []
    for name, asked in questions.items():
        scores = Scores(reranker, read_beir(data / "beir" / name), cache)
        scores.score(asked, k)
        base = [fmean(one.ndcg(one.ranking(method, k)) for one in asked) for method in ("dense", "hybrid")]
        reranked = [
            fmean(one.ndcg(scores.order(one, one.ranking(method, k))) for one in asked)
            for method in ("dense", "hybrid")
        ]
        row = [*base, *reranked, reranked[1] / reranked[0] - 1]
        rows.append(row)
        print(f"| {name} | {len(asked)} | {_figures(row[:4])} | {row[4]:+.1%} |", flush=True)
    means = [fmean(column) for column in zip(*rows, strict=True)]
    print(f"| mean | | {_figures(means[:4])} | {means[4]:+.1%} |")
    print(f"| worst | | | | | | {min(row[4] for row in rows):+.1%} |")


def _figures(values: Sequence[float]) -> str:
    """The fourth of six is a relative change."""
    changes = {3} if len(values) == 6 else set()
    return " | ".join(
        f"{value:+.1%}" if place in changes else f"{value:.3f}" for place, value in enumerate(values)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with beir/")
    parser.add_argument("--model", default="ragcli", help="cross-encoder: the shipped one, or a folder")
    parser.add_argument("--questions", type=int, default=60, help="most questions reranked; 0: none")
    parser.add_argument("--collections", nargs="+", default=[*QUESTION_ANSWERING, *TOPICAL])
    parser.add_argument(
        "--rrf-k", type=float, help="report this one; without it the best of the choosing half"
    )
    parser.add_argument("--cache", type=Path, default=Path("bench/.cache"))
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    embedder = load_bi_encoder(EmbeddingConfig(), bulk=True)
    asked = {
        name: ask_all(read_beir(options.data / "beir" / name), embedder, options.cache)
        for name in options.collections
    }
    best = choose({name: found[0::2] for name, found in asked.items()})
    k = best if options.rrf_k is None else options.rrf_k
    between = {name: found[1::2] for name, found in asked.items()}
    report(between, k)
    if options.questions:
        reranker = load_reranker(RerankingConfig(model=options.model, batch_size=32))
        few = {name: found[: options.questions] for name, found in between.items()}
        report_reranked(options.data, few, k, reranker, options.cache)


if __name__ == "__main__":
    main()
