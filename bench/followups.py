"""What each way of understanding a follow-up is worth to retrieval: python bench/followups.py --llm 4.

For each row of followups.jsonl the first question has been answered rightly; then the follow-up is searched
for as it was typed, with the last subject, with the whole question before it, as the LLM of the settings
rewrites it, and as somebody asked it who knew what it means. Rows of the kind "new" are no follow-ups: there
every way should leave the question as it is. Ranks are the bi-encoder's.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from ragcli import load_config, open_pipeline
from ragcli.answering import NO_CONTEXT
from ragcli.chat.rewriting import standalone
from ragcli.chat.turns import Exchange
from ragcli.config.loading import changed
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.evaluation.questions import Question, read_questions
from ragcli.evaluation.relevance import relevant_chunks
from ragcli.pipeline import Pipeline
from ragcli.types import Answer, Chunk, Usage

HERE = Path(__file__).parent
CORPUS = HERE.parent / "corpora" / "homonyms"


def answered(question: Question, chunks: Sequence[Chunk]) -> Exchange:
    """The exchange in which it was answered rightly, and the right passage cited."""
    relevant = relevant_chunks(question, chunks)
    title = next(chunk.title for chunk in chunks if chunk.id in relevant)
    answer = Answer(question.text, question.answers[0], False, (), (), NO_CONTEXT, (), True, "", Usage(0, 0))
    return Exchange(question.text, question.text, answer=answer, subject=title, outcome="answered")


def ways(pipeline: Pipeline, follow_up: str, before: Exchange, *, ask_llm: bool) -> dict[str, str]:
    found = {"typed": follow_up}
    for way in ("subject", "llm") if ask_llm else ("subject",):
        pipeline.change(changed(pipeline.config, {"chat.rewrite": way}, "bench"))
        found[way] = standalone(follow_up, [before], pipeline)
    return {**found, "previous": f"{before.question} {follow_up}"}


def measure(pipeline: Pipeline, every: int) -> list[dict[str, Any]]:
    """A row a follow-up: the question in each way, and the rank of the first passage that answers it."""
    lines = (HERE / "followups.jsonl").read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    questions = {question.id: question for question in read_questions(CORPUS / "questions.jsonl")}
    chunks = pipeline.chunks()
    encoder = load_bi_encoder(pipeline.config.embedding)
    passages = encoder.embed([chunk.passage for chunk in chunks])
    for index, row in enumerate(rows):
        meant, before = questions[row["means"]], answered(questions[row["first"]], chunks)
        ask_llm = every > 0 and index % every == 0
        asked = ways(pipeline, row["follow_up"], before, ask_llm=ask_llm)
        asked["knowing"] = meant.text
        relevant = relevant_chunks(meant, chunks)
        similarities = encoder.embed(list(asked.values()), query=True) @ passages.T
        row["asked"], row["ranks"] = asked, {}
        for way, scores in zip(asked, similarities, strict=True):
            best = max(score for chunk, score in zip(chunks, scores, strict=True) if chunk.id in relevant)
            row["ranks"][way] = 1 + int((scores > best).sum())
        if ask_llm:
            print(f"{row['kind']}: {before.question} | {row['follow_up']} | {asked['llm']}", flush=True)
    return rows


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    share: Callable[[Sequence[bool]], str] = lambda hits: f"{fmean(hits):7.1%}"  # noqa: E731
    print(f"{'kind':9} {'way':9} {'n':>3} changed   first   top 5  top 50")
    for kind in dict.fromkeys(row["kind"] for row in rows):
        for way in ("typed", "subject", "previous", "llm", "knowing"):
            some = [row for row in rows if row["kind"] == kind and way in row["ranks"]]
            if not some:
                continue
            other = share([row["asked"][way] != row["follow_up"] for row in some])
            tops = [share([row["ranks"][way] <= most for row in some]) for most in (1, 5, 50)]
            print(f"{kind:9} {way:9} {len(some):>3} {other} {' '.join(tops)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="What each way of understanding a follow-up is worth.")
    parser.add_argument(
        "--llm", type=int, default=1, metavar="N", help="ask the LLM for every N-th row; 0: none"
    )
    parser.add_argument("--profile", help="whose LLM rewrites")
    parser.add_argument("--index", type=Path, help="a folder for the index, kept; none: a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = {"store.path": str(options.index or folder)}
        with open_pipeline(load_config(None, options.profile, settings)) as pipeline:
            pipeline.ingest([CORPUS])
            print_table(measure(pipeline, options.llm))


if __name__ == "__main__":
    main()
