"""What reranking adds on the bundled corpora: `make bench-corpora`.

Ranking: nDCG@10 and MRR@10 of the chunks that answer, without and with reranking, per grade of question.
Answers (--answers): the share of questions whose answer, by the local profile, holds a gold answer; in both
orders.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

from ragcli import open_pipeline
from ragcli.config import Config, StoreConfig
from ragcli.evaluation.metrics import ndcg, reciprocal_rank
from ragcli.evaluation.paired_tests import paired_difference
from ragcli.evaluation.questions import Question, read_questions
from ragcli.evaluation.relevance import flat, relevant_chunks
from ragcli.pipeline import Pipeline
from ragcli.store import open_store
from ragcli.types import Candidate, Chunk

CORPORA = Path(__file__).parent.parent / "corpora"
QUESTIONS = {"homonyms": "homonyms/questions.jsonl", "handbook": "handbook-questions.jsonl"}


def gains(candidates: Sequence[Candidate], relevant: frozenset[str]) -> list[float]:
    return [float(candidate.chunk.id in relevant) for candidate in candidates]


def ranking(
    pipeline: Pipeline, questions: Sequence[Question], chunks: Sequence[Chunk]
) -> list[dict[str, object]]:
    """One row a question: both metrics in the base order, by the cross-encoder alone, and in ragcli's."""
    rows: list[dict[str, object]] = []
    for question in questions:
        relevant = relevant_chunks(question, chunks)
        if not relevant:
            continue
        result = pipeline.compare_search(question.text)
        alone = sorted(result.reranked_order, key=lambda c: (-(c.logit or 0.0), c.base_rank))
        row: dict[str, object] = {"id": question.id, "grade": question.grade or "all"}
        for arm, order in (
            ("base", result.base_order),
            ("alone", alone),
            ("reranked", result.reranked_order),
        ):
            found = gains(order, relevant)
            row[f"{arm} ndcg"] = ndcg(found, [1.0] * len(relevant))
            row[f"{arm} mrr"] = reciprocal_rank(found)
        rows.append(row)
    return rows


def print_ranking(rows: Sequence[dict[str, object]]) -> None:
    print(
        f"{'grade':12} {'n':>4}  {'nDCG@10: base':>13} {'alone':>6} {'ragcli':>6}  {'MRR@10: base':>12}",
        end="",
    )
    print(f" {'alone':>6} {'ragcli':>6}  nDCG difference (95 % interval)")
    for grade in [*dict.fromkeys(str(row["grade"]) for row in rows), ""]:
        some = [row for row in rows if grade in ("", row["grade"])]

        def column(name: str, some: Sequence[dict[str, object]] = some) -> list[float]:
            return [float(str(row[name])) for row in some]

        gain = paired_difference(column("base ndcg"), column("reranked ndcg"))
        print(
            f"{grade or 'total':12} {len(some):>4}  {fmean(column('base ndcg')):13.3f}"
            f" {fmean(column('alone ndcg')):6.3f} {fmean(column('reranked ndcg')):6.3f}"
            f"  {fmean(column('base mrr')):12.3f} {fmean(column('alone mrr')):6.3f}"
            f" {fmean(column('reranked mrr')):6.3f}"
            f"  {gain.mean:+.3f} ({gain.low:+.3f} .. {gain.high:+.3f})"
        )


def answers(pipeline: Pipeline, questions: Sequence[Question]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for question in questions:
        result = pipeline.compare(question.text)
        row: dict[str, object] = {
            "id": question.id,
            "grade": question.grade,
            "answerable": question.answerable,
        }
        for arm, answer in (("base", result.base), ("reranked", result.reranked)):
            if answer is not None:
                row[arm] = answer.text
                row[f"{arm} holds"] = any(flat(gold) in flat(answer.text) for gold in question.answers)
                row[f"{arm} abstains"] = answer.abstained
        rows.append(row)
    return rows


def print_answers(rows: Sequence[dict[str, object]]) -> None:
    share: Callable[[Sequence[dict[str, object]], str], float] = lambda some, key: fmean(  # noqa: E731
        bool(row[key]) for row in some
    )
    for grade in [*dict.fromkeys(str(row["grade"]) for row in rows), ""]:
        some = [row for row in rows if grade in ("", row["grade"]) and row["answerable"]]
        if some:
            print(
                f"{grade or 'total':12} {len(some):>4}  answer holds the gold answer: without reranking"
                f" {share(some, 'base holds'):6.1%}   with {share(some, 'reranked holds'):6.1%}   abstained:"
                f" {share(some, 'base abstains'):6.1%} / {share(some, 'reranked abstains'):6.1%}"
            )
    silent = [row for row in rows if not row["answerable"]]
    if silent:
        print(
            f"unanswerable {len(silent):>4}  abstained: without reranking"
            f" {share(silent, 'base abstains'):6.1%}   with {share(silent, 'reranked abstains'):6.1%}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="What reranking adds on the bundled corpora.")
    parser.add_argument("corpus", choices=[*QUESTIONS], nargs="?", default="homonyms")
    parser.add_argument("--answers", action="store_true", help="let the LLM answer as well")
    parser.add_argument("--model", default="ragcli", help="cross-encoder: the shipped one, or a folder")
    parser.add_argument("--limit", type=int, default=None, help="only every n-th question, for a quick look")
    parser.add_argument("--out", type=Path, default=None, help="write the rows as JSON lines")
    options = parser.parse_args()
    questions = read_questions(CORPORA / QUESTIONS[options.corpus])[:: options.limit or 1]
    with tempfile.TemporaryDirectory() as folder:
        config = Config(store=StoreConfig(path=folder))
        config = config.model_copy(
            update={"reranking": config.reranking.model_copy(update={"model": options.model})}
        )
        with open_pipeline(config, bulk=True) as pipeline:
            pipeline.ingest([CORPORA / options.corpus])
            with open_store(config, create=False) as index:
                chunks = [one for source in index.sources() for one in index.chunks(source.source)]
            print(f"{options.corpus}: {len(chunks)} chunks, {len(questions)} questions\n")
            rows = ranking(pipeline, questions, chunks)
            print_ranking(rows)
            if options.answers:
                print()
                rows = answers(pipeline, questions)
                print_answers(rows)
    if options.out:
        options.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


if __name__ == "__main__":
    main()
