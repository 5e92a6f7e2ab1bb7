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

from ragcli import Pipeline, load_config, open_pipeline
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
                timings = stage_seconds(pipeline, question)
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
    ratios = []
    with ExitStack() as stack:
        one, usual = (
            stack.enter_context(
                open_pipeline(load_config(None, PROFILE, {"store.path": folder, "llm.threads": threads}))
            )
            for threads in (1, 0)
        )
        for question in questions:
            seconds, usual_seconds = (answering_seconds(pipeline, question) for pipeline in (one, usual))
            if seconds and usual_seconds:
                ratios.append(seconds / usual_seconds)
    return Row(
        f"{PROFILE} on {usual_threads()} threads against one, {len(ratios)} questions",
        "faster",
        f"{median(ratios):.2f} x",
        median(ratios) > 1,
    )


def answering_seconds(pipeline: Pipeline, question: str) -> float:
    """All that comes after reranking; 0 if the question was declined without the LLM."""
    timings = stage_seconds(pipeline, question)
    return sum(timings[stage] for stage in timings.keys() - {*BEFORE}) if REST in timings else 0.0


def stage_seconds(pipeline: Pipeline, question: str) -> dict[str, float]:
    return {timing.stage: timing.seconds for timing in pipeline.ask(question).timings}
