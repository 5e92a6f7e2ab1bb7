"""Batched evaluation against calling `search` in a loop: `make bench-evaluation`.

Both work on the bundled homonyms, in one process with warm models, in turn; the loop has a pipeline as
`open_pipeline()` gives it. First retrieval alone, on 1,000 questions (each of the corpus's in four
spellings); then with reranking, on --reranked of them. Printed are questions a second and their ratio, the
median of --rounds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from ragcli import load_config, open_pipeline
from ragcli.config import Config
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.encoders.reranking import load_reranker
from ragcli.evaluation.collect import candidates_of_index
from ragcli.evaluation.questions import Question, read_questions
from ragcli.evaluation.scoring import score
from ragcli.pipeline import Pipeline

CORPUS = Path(__file__).parent.parent / "corpora" / "homonyms"
RETRIEVED = 1000


def spellings(questions: Sequence[Question]) -> list[Question]:
    """Four of each question: no two have the same text, so none is embedded once for two."""
    forms: tuple[Callable[[str], str], ...] = (
        str,
        str.lower,
        lambda text: text.rstrip("?"),
        lambda text: f"Tell me: {text}",
    )
    return [
        replace(question, id=f"{question.id}/{number}", text=form(question.text))
        for number, form in enumerate(forms)
        for question in questions
    ]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(
    name: str,
    questions: Sequence[Question],
    rounds: int,
    loop: Callable[[], object],
    batch: Callable[[], object],
) -> None:
    pairs = [(seconds(loop), seconds(batch)) for _ in range(rounds)]
    count = len(questions)
    one, other = (median(count / pair[side] for pair in pairs) for side in (0, 1))
    ratio = median(looped / batched for looped, batched in pairs)
    print(
        f"{name:22} {count:5} questions   loop {one:8.1f} /s   batched {other:8.1f} /s   {ratio:5.2f} x",
        flush=True,
    )


def run(
    config: Config, pipeline: Pipeline, questions: Sequence[Question], reranked: int, rounds: int
) -> None:
    embedder, reranker = (
        load_bi_encoder(config.embedding, bulk=True),
        load_reranker(config.reranking),
    )
    few = questions[:: max(1, len(questions) // reranked)][:reranked]

    def loop(asked: Sequence[Question], rerank: bool) -> None:
        for question in asked:
            pipeline.search(question.text, rerank=rerank)

    def batched(asked: Sequence[Question], rerank: bool) -> None:
        judged, _, _ = candidates_of_index(config, embedder, asked, config.retrieval, ["dense"])
        if rerank:
            score(reranker, judged)

    loop(few[:2], rerank=True)
    batched(few[:2], rerank=True)
    compare("retrieval", questions, rounds, lambda: loop(questions, False), lambda: batched(questions, False))
    compare("retrieval, reranking", few, rounds, lambda: loop(few, True), lambda: batched(few, True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--reranked", type=int, default=40, help="questions that are reranked")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    questions = spellings(read_questions(CORPUS / "questions.jsonl"))[:RETRIEVED]
    with tempfile.TemporaryDirectory() as folder:
        config = load_config(overrides={"store.path": folder})
        with open_pipeline(config) as pipeline:
            pipeline.ingest([CORPUS])
            run(config, pipeline, questions, options.reranked, options.rounds)


if __name__ == "__main__":
    main()
