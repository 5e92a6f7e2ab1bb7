"""Rows of warm work: ingesting, reranking, comparing; and the memory of a growing ingest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
from speed_place import QUESTION, Place
from speed_rows import Row
from turns import Turn, run, works_in_turn

from ragcli import open_pipeline
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.encoders.headings import heading_similarities
from ragcli.encoders.reranking import load_reranker
from ragcli.models.locate import cross_encoder_files
from ragcli.pipeline import Pipeline
from ragcli.types import Candidate

CANDIDATES = 50
CLEAR = 0.05
JUDGED = 8
"""Questions whose candidates' order is compared."""

NEAREST = 10
SAMPLE = 500

Score = Callable[[str, Sequence[str]], Sequence[float]]


def ingest_rows(place: Place, rounds: int) -> Iterator[Row]:
    """Whole commands, started each time: what a user waits for."""
    passages = place.passages
    turns: dict[str, list[Turn]] = {"plain": [], "ragcli": []}
    encoder: list[float] = []
    embedder = load_bi_encoder(place.config.embedding, bulk=True)
    embedder.embed(passages[:50])
    # Minutes each: three rounds tell enough.
    for number in range(min(3, rounds)):
        plain = place.plain("ingest", str(place.passages_file), place.folder / f"plain-{number}")
        turns["plain"].append(run(plain))
        command = place.ragcli("ingest", str(place.documents), "--collection", f"round{number}")
        turns["ragcli"].append(run(command))
        start = time.perf_counter()
        embedder.embed(passages)
        encoder.append(time.perf_counter() - start)
    times = median(a.seconds / b.seconds for a, b in zip(turns["plain"], turns["ragcli"], strict=True))
    rate = len(passages) / median(turn.seconds for turn in turns["ragcli"])
    yield Row(
        f"ingest of {len(passages)} chunks",
        "at least 2.5 x the plain script",
        f"{times:.2f} x ({rate:.0f} chunks a second; the plain script is given the chunks)",
        times >= 2.5,
    )
    share = median(alone / whole.seconds for alone, whole in zip(encoder, turns["ragcli"], strict=True))
    yield Row(
        "the same, start and end of the process included",
        "at least 85 % of the encoder alone",
        f"{share:.0%} ({len(passages) / median(encoder):.0f} chunks a second alone)",
        share >= 0.85,
    )
    yield _neighbours_row(place)


def _neighbours_row(place: Place) -> Row:
    """Whether bulk encoding, which may be in bfloat16, finds the same neighbours as float32."""
    texts = place.passages[:SAMPLE]
    nearest = []
    for bulk in (False, True):
        rows = load_bi_encoder(place.config.embedding, bulk=bulk).embed(texts)
        near = rows @ rows.T - 2 * np.eye(len(texts), dtype=np.float32)
        nearest.append([set(row.tolist()) for row in np.argsort(-near, axis=1)[:, :NEAREST]])
    shared = np.mean([len(exact & found) / NEAREST for exact, found in zip(*nearest, strict=True)])
    return Row(f"its {NEAREST} nearest (quality)", "those of float32", f"{shared:.1%} shared")


def reranking_rows(place: Place, rounds: int) -> Iterator[Row]:
    from sentence_transformers import CrossEncoder

    found = _candidates(place)
    lists = [(question, [one.chunk.passage for one in candidates]) for question, candidates in found]
    _, texts = lists[0]
    locations = [one.chunk.location for one in found[0][1]]
    plain = CrossEncoder(cross_encoder_files("ragcli").folder)

    def predict(question: str, texts: Sequence[str]) -> Sequence[float]:
        return [float(score) for score in plain.predict([(question, text) for text in texts])]

    ours = load_reranker(place.config.reranking)
    embedder = load_bi_encoder(place.config.embedding)
    question = embedder.embed([QUESTION], query=True)
    seconds = works_in_turn(
        {
            "plain": lambda: predict(QUESTION, texts),
            "ragcli": lambda: ours.logits(QUESTION, texts),
            "headings": lambda: heading_similarities(embedder, question, [locations]),
        },
        rounds,
    )
    times = median(a / b for a, b in zip(seconds["plain"], seconds["ragcli"], strict=True))
    yield Row(
        f"reranking {len(texts)} candidates",
        "at least 3 x CrossEncoder.predict",
        f"{times:.2f} x ({median(seconds['ragcli']):.2f} s, plain {median(seconds['plain']):.2f} s)",
        times >= 3,
    )
    share = median(a / b for a, b in zip(seconds["headings"], seconds["ragcli"], strict=True))
    yield Row(
        "comparing their headings",
        "at most 0.15 x reranking them",
        f"{share:.2f} x ({median(seconds['headings']):.2f} s)",
        share <= 0.15,
    )
    yield _order_row([predict(*each) for each in lists], [ours.logits(*each) for each in lists])


def _candidates(place: Place) -> list[tuple[str, Sequence[Candidate]]]:
    assert place.passages
    with open_pipeline(place.config) as pipeline:
        return [
            (question, pipeline.search(question, rerank=False).candidates)
            for question in (QUESTION, *place.questions[: JUDGED - 1])
        ]


def _order_row(exact: Sequence[Sequence[float]], found: Sequence[Sequence[float]]) -> Row:
    share, pairs, ties = order_kept(exact, found)
    return Row(
        "its order (quality)",
        "99.5 % of float32's clear pairs, no new ties",
        f"{share:.1%} of {pairs} pairs, {ties} ties",
        share >= 0.995 and not ties,
    )


def order_kept(exact: Sequence[Sequence[float]], found: Sequence[Sequence[float]]) -> tuple[float, int, int]:
    """Of float32's adjacent pairs with scores more than CLEAR apart: the share in order, their number, and
    new ties among all adjacent pairs.
    """
    kept = pairs = ties = 0
    for theirs, ours in zip(exact, found, strict=True):
        order = sorted(range(len(theirs)), key=lambda place: -theirs[place])
        for above, below in pairwise(order):
            if theirs[above] - theirs[below] > CLEAR:
                pairs += 1
                kept += ours[above] > ours[below]
            ties += ours[above] == ours[below] and theirs[above] != theirs[below]
    return kept / max(1, pairs), pairs, ties


def explain_rows(place: Place, rounds: int) -> Iterator[Row]:
    """For the best passage of several questions: the longer a passage, the more words are left out."""
    assert place.passages
    figures = []
    words = []
    with open_pipeline(place.config) as pipeline:
        for question in (QUESTION, *place.questions[: JUDGED - 1]):
            best = pipeline.search(question).candidates[0]
            works: dict[str, Callable[[], object]] = {
                "search": partial(pipeline.search, question),
                "explain": partial(pipeline.explain, question, best),
            }
            seconds = works_in_turn(works, rounds)
            figures += [b / a for a, b in zip(seconds["search"], seconds["explain"], strict=True)]
            words.append(len(best.chunk.passage.split()))
    figure = median(figures)
    yield Row(
        "explaining a passage",
        f"at most 1.3 x a warm search with {CANDIDATES} candidates",
        f"{figure:.2f} x ({min(figures):.2f} to {max(figures):.2f}; {median(words):.0f} words, median)",
        figure <= 1.3,
    )


def compare_rows(place: Place, rounds: int) -> Iterator[Row]:
    """Both arms against one: all that is shared is done once."""
    assert place.passages
    figures = []
    with open_pipeline(place.config) as pipeline:
        pipeline.compare(QUESTION)
        for question in place.questions[:rounds]:
            whole, generated = _asked(pipeline, question)
            pipeline.ask(QUESTION)  # So that the server's cache holds another prompt again.
            start = time.perf_counter()
            pipeline.compare(question)
            compared = time.perf_counter() - start
            pipeline.ask(QUESTION)
            if generated:
                figures.append(compared / (whole + generated))
    figure = median(figures)
    yield Row(
        f"--compare, {len(figures)} questions",
        "at most 1.15 x ask + one generation",
        f"{figure:.2f} x",
        figure <= 1.15,
    )


def _asked(pipeline: Pipeline, question: str) -> tuple[float, float]:
    """Seconds of an answer, and those that the LLM took of them; 0 where it was not asked."""
    start = time.perf_counter()
    answer: Any = pipeline.ask(question)
    whole = time.perf_counter() - start
    spent = {timing.stage: timing.seconds for timing in answer.timings}
    return whole, spent.get("first token", 0.0) + spent.get("answer", 0.0)


def memory_rows(place: Place, rounds: int) -> Iterator[Row]:
    """An ingest of ten times the chunks may not hold much more."""
    sizes = (10_000, 100_000)
    held = []
    for size in sizes:
        folder = place.folder / f"memory-{size}"
        folder.mkdir()
        grown = Place(folder, place.data, size)
        held.append(run(grown.ragcli("ingest", str(grown.documents))).megabytes)
    figure = held[1] / held[0]
    yield Row(
        f"memory of an ingest of {sizes[1]:,} chunks",
        f"at most 1.3 x that of {sizes[0]:,}",
        f"{figure:.2f} x ({held[1]:.0f} MB, {held[0]:.0f} MB)",
        figure <= 1.3,
    )
