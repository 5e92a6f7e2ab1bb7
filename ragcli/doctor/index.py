"""Compares the index with its manifest: its size, its model, and whether it finds its own chunks."""

from __future__ import annotations

from ragcli import store
from ragcli.config import Config
from ragcli.doctor.finding import Finding, problem
from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.errors import NothingFoundError, RagcliError
from ragcli.types import Filters

PART = "index"
# Passages with the same words, such as footers, rank next to the one that is searched.
NEIGHBOURS = 10
# The cosine of a text with itself, where one of the two was computed in bfloat16, is above 0.99.
SAME_TEXT = 0.95


def check_index(config: Config, embedder: BiEncoder | None) -> Finding:
    """Without an embedder only the counts are checked."""
    try:
        with store.open_store(config, embedder, create=False) as index:
            return _examined(config, index, embedder)
    except NothingFoundError as error:
        return problem(PART, "warning", error)
    except RagcliError as error:
        return problem(PART, "broken", error)


def _examined(config: Config, index: store.Index, embedder: BiEncoder | None) -> Finding:
    again = f"ragcli reset --collection {config.collection} && ragcli ingest PATH..."
    count, stored = index.count(), index.stored()
    what = f"{config.collection}: {count:,} chunks of {len(index.sources()):,} documents"
    if count == 0:
        return Finding(PART, "warning", f"{config.collection} is empty", "ragcli ingest PATH...")
    if stored < count:
        return Finding(PART, "broken", f"{what}, but only {stored:,} are in Chroma", again)
    if embedder is not None and (fault := _lost(index, embedder)):
        return Finding(PART, "broken", f"{what}; {fault}", again)
    if stored > count:
        left = f"{what}, and {stored - count:,} that an interrupted ingest left (never shown)"
        return Finding(PART, "warning", left, "ragcli ingest PATH...")
    built, wanted = index.manifest, config.chunking
    if (built.chunk_size, built.chunk_overlap) != (wanted.size, wanted.overlap):
        cut = f"{what}, cut at {built.chunk_size} tokens, overlap {built.chunk_overlap}; the settings differ"
        return Finding(PART, "warning", cut, again)
    checked = ", found by its own text" if embedder is not None else ""
    return Finding(PART, "ok", f"{what}{checked}")


def _lost(index: store.Index, embedder: BiEncoder) -> str:
    """What is wrong with one stored chunk; empty if its text finds it."""
    sample = index.sample()
    if sample is None:
        return "no chunk can be read"
    chunk, dimension = sample
    if dimension != index.manifest.dimension:
        return f"its vectors have {dimension} dimensions, the manifest says {index.manifest.dimension}"
    (vector,) = embedder.embed([chunk.passage])
    nearest = index.search(vector, NEIGHBOURS, Filters())
    own = [candidate.similarity for candidate in nearest if candidate.chunk.passage == chunk.passage]
    if max(own, default=0.0) < SAME_TEXT:
        return f"a chunk of {chunk.source} is not found by its own text"
    return ""
