"""Rows of warm work: ingesting, reranking, comparing; and the memory of a growing ingest."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
from speed_place import PYTHON, QUESTION, Place
from speed_rows import Row
from turns import Turn, run, works_in_turn

from ragcli import load_config, open_pipeline
from ragcli.embedding import load_bi_encoder
from ragcli.models import cross_encoder_files
from ragcli.reranking import load_reranker

CANDIDATES = 50
CLEAR = 0.05


def ingest_rows(place: Place, rounds: int) -> Iterator[Row]:
    """Whole commands, started anew each time: what a user waits for."""
    passages = place.passages
    turns: dict[str, list[Turn]] = {"plain": [], "ragcli": []}
    encoder: list[float] = []
    embedder = load_bi_encoder(place.config.embedding, bulk=True)
    embedder.embed(passages[:50])
    for number in range(max(1, rounds // 2)):
        turns["plain"].append(
            run(place.plain("ingest", str(place.passages_file), place.folder / f"plain-{number}"))
        )
        command = place.ragcli("ingest", str(place.documents), "--collection", f"round{number}")
        turns["ragcli"].append(run(command))
        start = time.perf_counter()
        embedder.embed(passages)
        encoder.append(time.perf_counter() - start)
    times = median(a.seconds / b.seconds for a, b in zip(turns["plain"], turns["ragcli"], strict=True))
    count = len(passages)
    rate = count / median(turn.seconds for turn in turns["ragcli"])
    yield Row(
        f"ingest of {count} chunks",
        "at least 2.5 x the plain script",
        f"{times:.2f} x ({rate:.0f} chunks a second; the plain script is given the chunks)",
        times >= 2.5,
    )
    share = median(alone / whole.seconds for alone, whole in zip(encoder, turns["ragcli"], strict=True))
    yield Row("the same", "at least 85 % of the encoder alone", f"{share:.0%}", share >= 0.85)


def reranking_rows(place: Place, rounds: int) -> Iterator[Row]:
    from sentence_transformers import CrossEncoder

    with open_pipeline(place.config) as pipeline:
        pipeline.ingest([place.documents])
        found = pipeline.search(QUESTION, rerank=False).candidates
    texts = [candidate.chunk.passage for candidate in found][:CANDIDATES]
    pairs = [(QUESTION, text) for text in texts]
    settings = place.config.reranking
    plain = CrossEncoder(cross_encoder_files("ragcli").folder)
    works = {
        "plain": lambda: plain.predict(pairs),
        "one": lambda: load_once["one"].logits(QUESTION, texts),
        "bulk": lambda: load_once["bulk"].logits(QUESTION, texts),
    }
    load_once = {"one": load_reranker(settings), "bulk": load_reranker(settings, bulk=True)}
    seconds = works_in_turn(works, rounds)
    for name, words in (("one", "for a question"), ("bulk", "in bulk")):
        times = median(a / b for a, b in zip(seconds["plain"], seconds[name], strict=True))
        yield Row(
            f"reranking {len(texts)} candidates, {words}",
            "at least 3 x CrossEncoder.predict",
            f"{times:.2f} x ({median(seconds[name]):.2f} s)",
            times >= 3,
        )
        yield _order_row(words, plain, load_once[name], place)


def _order_row(words: str, plain: object, ours: object, place: Place) -> Row:
    """Adjacent pairs of float32's order whose scores differ clearly: the share that stays in order."""
    questions = ("what is heat transfer?", QUESTION, "wing in a slipstream", "how are shock waves formed?")
    kept = all_pairs = ties = 0
    for question in questions:
        texts = list(place.passages[:250])
        theirs = np.asarray(plain.predict([(question, text) for text in texts]))  # type: ignore[attr-defined]
        found = np.asarray(ours.logits(question, texts))  # type: ignore[attr-defined]
        order = np.argsort(-theirs, kind="stable")
        for above, below in pairwise(order):
            if theirs[above] - theirs[below] > CLEAR:
                all_pairs += 1
                kept += bool(found[above] > found[below])
            ties += bool(found[above] == found[below] and theirs[above] != theirs[below])
    share = kept / max(1, all_pairs)
    return Row(
        f"its order, {words}",
        "99.5 % of float32's clear pairs, no new ties",
        f"{share:.1%} of {all_pairs} pairs, {ties} ties",
        share >= 0.995 and not ties,
    )


def compare_rows(place: Place, rounds: int) -> Iterator[Row]:
    """Both arms against one: all that is shared is done once."""
    with open_pipeline(place.config) as pipeline:
        pipeline.ingest([place.documents])

        def seconds(work: str) -> tuple[float, float]:
            start = time.perf_counter()
            found = getattr(pipeline, work)(QUESTION)
            whole = time.perf_counter() - start
            answers = [found] if work == "ask" else [found.base, found.reranked]
            spent = [
                timing.seconds
                for answer in answers
                if answer is not None
                for timing in answer.timings
                if timing.stage in ("first token", "answer")
            ]
            return whole, sum(spent)

        seconds("compare")
        figures = []
        for _ in range(rounds):
            asked, generated = seconds("ask")
            compared, _ = seconds("compare")
            figures.append(compared / (asked + generated))
    figure = median(figures)
    yield Row("--compare", "at most 1.15 x ask + one generation", f"{figure:.2f} x", figure <= 1.15)


def memory_rows(place: Place, rounds: int) -> Iterator[Row]:
    """An ingest of ten times the chunks may not hold much more."""
    sizes = (10_000, 100_000)
    held = []
    for size in sizes:
        folder = place.folder / f"memory-{size}"
        folder.mkdir()
        grown = Place(folder, None, size // 4)
        held.append(run(grown.ragcli("ingest", str(grown.documents))).megabytes)
    figure = held[1] / held[0]
    yield Row(
        f"memory of an ingest of {sizes[1]:,} chunks",
        f"at most 1.3 x that of {sizes[0]:,}",
        f"{figure:.2f} x ({held[1]:.0f} MB, {held[0]:.0f} MB)",
        figure <= 1.3,
    )
