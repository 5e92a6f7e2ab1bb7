"""Rows of large indexes: what Chroma's approximate search costs and finds, by its width.

The vectors are those of real passages, each repeated with Gaussian noise of half its length and brought back
to unit length: copies of a passage are then about as near (cosine 0.8) as passages on one matter are in a
large collection. Queries are passages perturbed in the same way. Exact search is numpy's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from speed_place import Place
from speed_rows import Row

from ragcli import load_config
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.store import Update, open_store
from ragcli.types import Chunk, Filters

SIZES = (10_000, 100_000)
LARGEST = 1_000_000
WIDTHS = (50, 100, 200, 400)
QUERIES = 200
NEAREST = 50
NOISE = 0.5
AT_ONCE = 5_000


def scale_rows(place: Place, rounds: int) -> Iterator[Row]:
    for size in SIZES:
        yield from size_rows(place, size)


def million_rows(place: Place, rounds: int) -> Iterator[Row]:
    yield from size_rows(place, LARGEST)


def size_rows(place: Place, size: int) -> Iterator[Row]:
    base = load_bi_encoder(place.config.embedding, bulk=True).embed(list(place.passages))
    yield from rows_of(base, place.folder / f"scale-{size}", size)


def rows_of(base: np.ndarray, folder: Path, size: int) -> Iterator[Row]:
    random = np.random.default_rng(5)
    queries = perturbed(base, QUERIES, random)
    vectors = perturbed(base, size, random)
    seconds = build(folder, vectors)
    held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1024**2
    yield Row(f"index of {size:,} chunks", "", f"{size / seconds:,.0f} chunks a second, {held:,.0f} MB")
    exact = [set(np.argpartition(-(vectors @ query), NEAREST)[:NEAREST].tolist()) for query in queries]
    yield search_row(folder, queries[:20], exact[:20], None, size)
    for width in WIDTHS:
        yield search_row(folder, queries, exact, width, size)


def perturbed(base: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    rows = base[np.arange(count) % len(base)]
    noise = random.normal(size=rows.shape).astype(np.float32)
    rows = rows + NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    found: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def build(folder: Path, vectors: np.ndarray) -> float:
    config = load_config(overrides={"store.path": str(folder)})
    start = time.perf_counter()
    encoder = SimpleNamespace(name="bench", fingerprint="bench", dimension=vectors.shape[1])
    with open_store(config, encoder, create=True) as index:
        for first in range(0, len(vectors), AT_ONCE):
            rows = vectors[first : first + AT_ONCE]
            chunks = tuple(chunk(first + number) for number in range(len(rows)))
            index.replace_all([Update(f"{first}.md", "", "markdown", "0", chunks, rows)])
    return time.perf_counter() - start


def chunk(number: int) -> Chunk:
    return replace(_CHUNK, id=str(number), index=number)


_CHUNK = Chunk(
    id="",
    source="a.md",
    index=0,
    title="",
    headings=(),
    text="a passage of a few words",
    start=0,
    end=24,
    line_start=1,
    line_end=1,
    page_start=None,
    page_end=None,
    tokens=6,
)


def search_row(folder: Path, queries: np.ndarray, exact: list[set[int]], width: int | None, size: int) -> Row:
    """Without a width: as it was built, the index opened for each question as a new command does."""
    overrides = {"store.path": str(folder), "store.search_width": width}
    config = load_config(overrides=overrides)
    milliseconds, found = [], []
    with open_store(config, create=False) as index:
        for number, (query, wanted) in enumerate(zip(queries, exact, strict=True)):
            if width is None:
                index.close()
            elif number == 0:
                index.search(query, NEAREST, Filters())
            start = time.perf_counter()
            candidates = index.search(query, NEAREST, Filters())
            milliseconds.append(1000 * (time.perf_counter() - start))
            found.append(len(wanted & {int(candidate.chunk.id) for candidate in candidates}) / NEAREST)
    p50, p95 = np.percentile(milliseconds, [50, 95])
    figure = f"recall@{NEAREST} {np.mean(found):.1%}, p50 {p50:.1f} ms, p95 {p95:.1f} ms"
    how = "opened each time" if width is None else f"store.search_width {width}"
    return Row(f"{size:,} chunks, {how}", "", figure)
