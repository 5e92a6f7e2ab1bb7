"""What the cross-encoder adds on judged collections: `make bench-reranker`.

For each BEIR folder under --data/beir the 50 best candidates of the bi-encoder are reranked. Columns: nDCG@10
of the bi-encoder, of the cross-encoder alone, of the cross-encoder with the prior that ships, and (with
--larger) of all-mpnet-base-v2 over the same candidates. Intervals: 95 %, bootstrap over questions. Training
files named with --held-back join as collections: their passages are the corpus, a sample of their questions
the queries.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.encoders.bi_encoder import BiEncoder, load_bi_encoder
from ragcli.encoders.headings import heading_similarities
from ragcli.encoders.reranking import CrossEncoderReranker, load_reranker
from ragcli.evaluation.beir import JudgedCollection, read_beir
from ragcli.evaluation.paired_tests import paired_difference
from ragcli.models.locate import precision
from ragcli.training.pairs import read_pairs
from ragcli.training.ranking import RankingTask, base_ndcg, ndcg_per_question, ranking_tasks
from ragcli.training.recipe import TrainingSet

if TYPE_CHECKING:
    from ragcli.training.mining import Embed

QUESTION_ANSWERING = ("chunking_eval", "hotpotqa_small", "mediqa2019_qa")
TOPICAL = ("cranfield", "medline", "cisi", "npl_vaswani")
TECHNICAL = ("tech_manuals",)


def held_back_collection(path: Path, questions: int, seed: int = 7) -> JudgedCollection:
    """A training file as a collection: every positive passage of a question is relevant to it."""
    pairs = read_pairs(path, TrainingSet(file=path.name))
    corpus: dict[str, str] = {}
    titles: dict[str, str] = {}
    for pair in pairs:
        name = _key(pair.passage)
        if name not in corpus and pair.title:
            titles[name] = pair.title
        corpus.setdefault(name, f"{pair.title}: {pair.passage}" if pair.title else pair.passage)
    asked = sorted({pair.question for pair in pairs})
    chosen = set(random.Random(seed).sample(asked, min(questions, len(asked))))
    qrels: dict[str, dict[str, float]] = {}
    for pair in pairs:
        if pair.question in chosen:
            qrels.setdefault(pair.question, {})[_key(pair.passage)] = 1.0
    return JudgedCollection(path.name.split(".")[0], corpus, {q: q for q in qrels}, qrels, titles)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tasks_of(collection: JudgedCollection, embedder: BiEncoder, cache: Path) -> tuple[RankingTask, ...]:
    """With the similarities of the titles, which are quickly made."""
    tasks = cached_tasks(collection, embedder.embed, embedder.fingerprint, cache)
    titles = {collection.corpus[name]: title for name, title in collection.titles.items()}
    locations = [[titles.get(passage, "") for passage in task.passages] for task in tasks]
    questions = embedder.embed([task.question for task in tasks], query=True)
    found = heading_similarities(embedder, questions, locations)
    return tuple(
        replace(task, heading_similarities=tuple(row)) for task, row in zip(tasks, found, strict=True)
    )


def cached_tasks(
    collection: JudgedCollection, embed: Embed, fingerprint: str, cache: Path
) -> tuple[RankingTask, ...]:
    """The candidates do not depend on the cross-encoder: kept between runs, keyed by the collection and
    encoder.
    """
    content = json.dumps([fingerprint, collection.corpus, collection.queries, collection.qrels])
    path = cache / f"{collection.name}-{hashlib.sha256(content.encode()).hexdigest()[:16]}.json"
    if path.exists():
        return tuple(
            RankingTask(q, tuple(p), tuple(s), tuple(g), tuple(i))
            for q, p, s, g, i in json.loads(path.read_text())
        )
    tasks = ranking_tasks(collection.queries, collection.corpus, collection.qrels, embed)
    cache.mkdir(parents=True, exist_ok=True)
    rows = [[t.question, t.passages, t.similarities, t.gains, t.ideal] for t in tasks]
    path.write_text(json.dumps(rows))
    return tasks


def larger_similarities(tasks: Sequence[RankingTask], cache: Path) -> list[list[float]]:
    """Cosines of all-mpnet-base-v2 between each question and its candidates, kept between runs."""
    key = hashlib.sha256(json.dumps([[task.question, task.passages] for task in tasks]).encode()).hexdigest()
    path = cache / f"larger-{key[:16]}.json"
    if not path.exists():
        import torch
        from larger import prepare_larger
        from sentence_transformers import SentenceTransformer

        dtype = torch.bfloat16 if precision() == "bfloat16" else torch.float32
        model = SentenceTransformer(str(prepare_larger(cache)), model_kwargs={"dtype": dtype}, device="cpu")
        texts = sorted({text for task in tasks for text in (task.question, *task.passages)}, key=len)
        vectors = model.encode(texts, normalize_embeddings=True, convert_to_tensor=True).float()
        row = dict(zip(texts, vectors, strict=True))
        found = [[float(row[task.question] @ row[text]) for text in task.passages] for task in tasks]
        path.write_text(json.dumps(found))
    similarities: list[list[float]] = json.loads(path.read_text())
    return similarities


def evaluate(
    name: str,
    tasks: Sequence[RankingTask],
    reranker: CrossEncoderReranker,
    larger: Sequence[Sequence[float]] | None,
) -> dict[str, object]:
    started = time.monotonic()
    rows = [reranker.logits(task.question, task.passages) for task in tasks]
    seconds = time.monotonic() - started
    base = base_ndcg(tasks)
    alone = ndcg_per_question(tasks, rows)
    both = ndcg_per_question(tasks, rows, reranker.prior)
    difference = paired_difference(base, both)
    mean = fmean(base)
    return {
        "collection": name,
        "questions": len(tasks),
        "base": mean,
        "cross_encoder": fmean(alone),
        "with_prior": fmean(both),
        "larger": fmean(ndcg_per_question(tasks, larger)) if larger else None,
        "gain": difference.mean / mean,
        "gain_low": difference.low / mean,
        "gain_high": difference.high / mean,
        "gain_alone": fmean(alone) / mean - 1,
        "gain_larger": fmean(ndcg_per_question(tasks, larger)) / mean - 1 if larger else None,
        "p_value": difference.p_value,
        "won": difference.won,
        "lost": difference.lost,
        "tied": difference.tied,
        "pairs_per_second": sum(len(row) for row in rows) / seconds,
    }


HEADER = (
    f"{'collection':24} {'n':>4} {'base':>6} {'larger':>6} {'cross':>6} {'+prior':>6} {'gain':>7}"
    f" {'95 % interval':>17} {'alone':>7} {'won/lost/tied':>13}"
)


def print_row(row: dict[str, object]) -> None:
    interval = f"{row['gain_low']:+.1%} .. {row['gain_high']:+.1%}"
    counts = f"{row['won']}/{row['lost']}/{row['tied']}"
    larger = f"{row['larger']:.3f}" if row["larger"] is not None else "-"
    print(
        f"{row['collection']:24} {row['questions']:>4} {row['base']:6.3f} {larger:>6}"
        f" {row['cross_encoder']:6.3f} {row['with_prior']:6.3f} {row['gain']:+7.1%} {interval:>17}"
        f" {row['gain_alone']:+7.1%} {counts:>13}"
    )


def mean_gains(rows: Sequence[dict[str, object]]) -> str:
    columns = {
        "with prior": "gain",
        "cross-encoder alone": "gain_alone",
        "larger bi-encoder": "gain_larger",
    }
    means = {
        name: fmean(float(str(row[key])) for row in rows)
        for name, key in columns.items()
        if all(row[key] is not None for row in rows)
    }
    return ", ".join(f"{name} {mean:+.1%}" for name, mean in means.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with beir/ and train/")
    parser.add_argument("--model", default="ragcli", help="cross-encoder: the shipped one, or a folder")
    parser.add_argument("--prior", type=float, default=None, help="default: the weight that the model names")
    parser.add_argument("--words", type=int, default=None, help="likewise, the words from which it grows")
    parser.add_argument("--headings", type=float, default=None, help="likewise, the share of the headings")
    parser.add_argument("--held-back", nargs="*", default=[], help="names of training files, without ending")
    parser.add_argument("--questions", type=int, default=200, help="most questions of a collection")
    parser.add_argument("--step", type=int, default=1, help="take every n-th question")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first questions")
    parser.add_argument(
        "--larger", action="store_true", help="hold all-mpnet-base-v2 against it (a download)"
    )
    parser.add_argument("--only", nargs="*", default=None, help="names of collections")
    parser.add_argument("--cache", type=Path, default=Path("bench/.cache"))
    parser.add_argument("--out", type=Path, default=None, help="write the rows as JSON")
    options = parser.parse_args()
    embedder = load_bi_encoder(EmbeddingConfig(), bulk=True)
    config = RerankingConfig(
        model=options.model,
        prior_weight=options.prior,
        prior_words=options.words,
        prior_headings=options.headings,
    )
    reranker = load_reranker(config)
    names = options.only if options.only is not None else [*QUESTION_ANSWERING, *TOPICAL, *TECHNICAL]
    collections = [read_beir(options.data / "beir" / name) for name in names]
    collections += [
        held_back_collection(options.data / "train" / f"{name}.jsonl.gz", options.questions)
        for name in options.held_back
    ]
    rows: list[dict[str, object]] = []
    print(HEADER)
    for collection in collections:
        tasks = tasks_of(collection, embedder, options.cache)
        tasks = tasks[options.skip :: options.step][: options.questions]
        larger = larger_similarities(tasks, options.cache) if options.larger else None
        rows.append(evaluate(collection.name, tasks, reranker, larger))
        print_row(rows[-1])
    for label, wanted in (
        ("question answering", QUESTION_ANSWERING),
        ("topical", TOPICAL),
        ("technical", TECHNICAL),
        ("held back", options.held_back),
    ):
        chosen = [row for row in rows if row["collection"] in wanted]
        if chosen:
            print(f"mean relative gain, {label}: {mean_gains(chosen)}")
    if options.out:
        options.out.write_text(
            json.dumps(
                {"schema": 1, "model": options.model, "prior": asdict(reranker.prior), "rows": rows}, indent=1
            )
        )


if __name__ == "__main__":
    main()
