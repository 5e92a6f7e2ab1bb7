"""What the cross-encoder's backends cost and what they lose: `make bench-backends`.

Speed is that of `CrossEncoder.predict` with defaults (torch, float32, batches of 32) over each backend's time
for 50 candidates, run in turn in one process. Quality, over the first questions of the judged collections
under --data/beir: nDCG@10 of the logits alone, and the share of float32's clear pairs that stay in order.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

from int8_graph import WAYS, quantise
from reranker import QUESTION_ANSWERING, TOPICAL, cached_tasks
from speed_work import order_kept
from turns import works_in_turn

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.encoders.bert import Encoder
from ragcli.encoders.bert.onnx_encoder import OnnxEncoder
from ragcli.encoders.bert.openvino_encoder import OpenVinoEncoder
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.encoders.cross_encoder import AnyModel, Network
from ragcli.encoders.reranking import load_reranker
from ragcli.evaluation.beir import read_beir
from ragcli.models.locate import Precision, cross_encoder_files, precision
from ragcli.training.ranking import RankingTask, ndcg_per_question

Score = Callable[[str, Sequence[str]], Sequence[float]]
OF_PAIRS: dict[str, Any] = {"prefix": "bert.", "first": True}
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
PLAIN, EXACT = "sentence-transformers float32", "ONNX Runtime float32"


def backends(model: str) -> dict[str, Score]:
    from sentence_transformers import CrossEncoder

    folder = Path(cross_encoder_files(model).folder)
    plain = CrossEncoder(str(folder))

    def predict(question: str, texts: Sequence[str]) -> Sequence[float]:
        return [float(score) for score in plain.predict([(question, text) for text in texts])]

    found: dict[str, Score] = {PLAIN: predict, EXACT: scorer(model, OnnxEncoder(folder, **OF_PAIRS))}
    for way in WAYS:
        encoder = OnnxEncoder(folder, **OF_PAIRS)
        quantise(encoder, folder, "bert.", way)
        found[f"ONNX Runtime int8, a scale per {way}"] = scorer(model, encoder)
    found[f"transformers {precision()}"] = scored_by(model, AnyModel(model, folder))
    for kind in PRECISIONS:
        found[f"OpenVINO {kind}"] = scorer(model, OpenVinoEncoder(folder, precision=kind, **OF_PAIRS))
    return found


def scorer(model: str, encoder: Encoder) -> Score:
    reranker: Any = load_reranker(RerankingConfig(model=model))
    reranker._network._encoder = encoder
    return reranker.logits  # type: ignore[no-any-return]


def scored_by(model: str, network: Network) -> Score:
    reranker: Any = load_reranker(RerankingConfig(model=model))
    reranker._network = network
    return reranker.logits  # type: ignore[no-any-return]


def tasks_of(data: Path, questions: int, cache: Path) -> dict[str, Sequence[RankingTask]]:
    embedder = load_bi_encoder(EmbeddingConfig(), bulk=True)
    return {
        name: cached_tasks(read_beir(data / "beir" / name), embedder.embed, embedder.fingerprint, cache)[
            :questions
        ]
        for name in (*QUESTION_ANSWERING, *TOPICAL)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with beir/")
    parser.add_argument("--model", default="ragcli", help="cross-encoder: the shipped one, or a folder")
    parser.add_argument("--questions", type=int, default=20, help="of each collection")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cache", type=Path, default=Path("bench/.cache"))
    options = parser.parse_args()
    scores = backends(options.model)
    collections = tasks_of(options.data, options.questions, options.cache)
    timed = next(tasks[0] for name, tasks in collections.items() if name == TOPICAL[0])
    works = {name: lambda s=score: s(timed.question, timed.passages) for name, score in scores.items()}
    seconds = works_in_turn(works, options.rounds)
    tasks = [task for each in collections.values() for task in each]
    exact = [scores[EXACT](task.question, task.passages) for task in tasks]
    whole = fmean(ndcg_per_question(tasks, exact))
    print("| backend | speed | nDCG@10 | against float32 | clear pairs in order | new ties |")
    print("|---|---|---|---|---|---|")
    for name, score in scores.items():
        rows = exact if name == EXACT else [score(task.question, task.passages) for task in tasks]
        times = median(a / b for a, b in zip(seconds[PLAIN], seconds[name], strict=True))
        quality = fmean(ndcg_per_question(tasks, rows))
        share, pairs, ties = order_kept(exact, rows)
        print(
            f"| {name} | {times:.2f} x ({median(seconds[name]):.2f} s) | {quality:.4f} |"
            f" {quality / whole - 1:+.2%} | {share:.2%} of {pairs} | {ties} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
