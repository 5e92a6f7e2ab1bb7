"""Rows of the larger local LLM: the wait for its first token, and its memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from speed_place import CORPORA, RAGCLI, Place
from speed_rows import Row
from turns import run

from ragcli import load_config, open_pipeline
from ragcli.answering import REST
from ragcli.evaluation.questions import read_questions
from ragcli.llm.local import usual_threads

PROFILE = "local-large"
ASKED = 25
THREADS_ASKED = 6
BEFORE = ("load", "embed", "retrieve", "rerank")


def large_rows(place: Place, rounds: int) -> Iterator[Row]:
    """On the bundled articles, whose length is that of documents, with every n-th of their questions.
    Needs the model: ragcli models prepare --profile local-large.
    """
    every = read_questions(CORPORA / "homonyms" / "questions.jsonl")
    questions = [question.text for question in every[:: len(every) // ASKED]]
    with tempfile.TemporaryDirectory() as folder:
        waits = []
        with open_pipeline(load_config(None, PROFILE, {"store.path": folder})) as pipeline:
            pipeline.ingest([CORPORA / "homonyms"])
            for question in questions:
                timings = {timing.stage: timing.seconds for timing in pipeline.ask(question).timings}
                if REST in timings:  # Else it was declined without the LLM.
                    waits.append(sum(timings[stage] for stage in timings.keys() - {*BEFORE, REST}))
        yield Row(
            f"first token of {PROFILE}, {len(waits)} questions",
            "at most 4 s after reranking (median)",
            f"{median(waits):.2f} s",
            median(waits) <= 4,
        )
        yield threads_row(folder, questions[:THREADS_ASKED])
        file = Path(folder) / "config.toml"
        file.write_text(f'[store]\npath = "{folder}"\n', encoding="utf-8")
        asked = run([RAGCLI, "ask", questions[0], "--profile", PROFILE, "--config", str(file)])
        yield Row(
            f"memory of ask, {PROFILE}", "under 2,200 MB", f"{asked.megabytes:.0f} MB", asked.megabytes < 2200
        )


def threads_row(folder: str, questions: Sequence[str]) -> Row:
    """One thread against the usual ones, question by question, in turn: reading the prompt and writing."""
    seconds: dict[int, list[float]] = {1: [], 0: []}
    with ExitStack() as stack:
        pipelines = {
            threads: stack.enter_context(
                open_pipeline(load_config(None, PROFILE, {"store.path": folder, "llm.threads": threads}))
            )
            for threads in seconds
        }
        for question in questions:
            for threads, pipeline in pipelines.items():
                timings = {timing.stage: timing.seconds for timing in pipeline.ask(question).timings}
                if REST in timings:
                    seconds[threads].append(sum(timings[stage] for stage in timings.keys() - {*BEFORE}))
    ratio = median(one / usual for one, usual in zip(seconds[1], seconds[0], strict=True))
    return Row(
        f"{PROFILE} on one thread against {usual_threads()}, {len(seconds[0])} questions",
        "more than 1",
        f"{ratio:.2f} x",
        ratio > 1,
    )
