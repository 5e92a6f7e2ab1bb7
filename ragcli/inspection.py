"""A document's chunks as they are in the index, or as they would be cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

from ragcli import chunking, documents, embedding, store
from ragcli.config import Config
from ragcli.errors import IngestError, NothingFoundError
from ragcli.types import Chunk


@dataclass(frozen=True, slots=True)
class ShownChunk:
    """`repeated` is how many characters at its beginning are the end of the chunk before."""

    chunk: Chunk
    repeated: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """`ingested_at` is empty for a file that is not in the index and was cut now.

    `changed`: the file's contents are no longer those that were ingested. `chunk_size` and `chunk_overlap`
    are in tokens.
    """

    source: str
    title: str
    format: str
    ingested_at: str
    changed: bool
    chunk_size: int
    chunk_overlap: int
    chunks: tuple[ShownChunk, ...]


def inspect(source: str, config: Config) -> Inspection:
    """`source` is a name as the index has it, or a file's path. Loads no model's weights.

    Raises NothingFoundError where it is neither, IngestError for a file that cannot be read.
    """
    known: list[str] = []
    try:
        with store.open_store(config, create=False) as index:
            infos = {info.source: info for info in index.sources()}
            name = next((name for name in _names(source) if name in infos), None)
            if name is not None:
                info, built = infos[name], index.manifest
                return Inspection(
                    source=name,
                    title=info.title,
                    format=info.format,
                    ingested_at=info.ingested_at,
                    changed=_has_changed(name, info.sha256),
                    chunk_size=built.chunk_size,
                    chunk_overlap=built.chunk_overlap,
                    chunks=with_repetitions(index.chunks(name)),
                )
            known = list(infos)
    except NothingFoundError:
        if not Path(source).is_file():
            raise
    if not Path(source).is_file():
        close = get_close_matches(source, known, 1)
        hint = f"Did you mean {close[0]}?" if close else "ragcli list shows the names."
        raise NothingFoundError(f"{source} is neither in the index nor a file.", hint=hint)
    return _cut_now(Path(source), config)


def with_repetitions(chunks: Sequence[Chunk]) -> tuple[ShownChunk, ...]:
    """In reading order, each with what it repeats of the one before."""
    pairs = pairwise([None, *chunks])
    return tuple(
        ShownChunk(chunk, max(0, min(before.end, chunk.end) - chunk.start) if before else 0)
        for before, chunk in pairs
        if chunk is not None
    )


def _names(source: str) -> tuple[str, str]:
    """As it was typed, and as the index would name such a path."""
    return source, documents.source_name(Path(source))


def _has_changed(name: str, sha256: str) -> bool:
    try:
        return documents.file_sha256(Path(name)) != sha256
    except documents.UnreadableFile:
        return False


def _cut_now(path: Path, config: Config) -> Inspection:
    try:
        with documents.GuardedReader(config.ingest) as reader:
            document = reader.read(path)
    except documents.UnreadableFile as problem:
        raise IngestError(
            f"{path} cannot be shown: {problem.reason}.", hint="ragcli ingest would skip it."
        ) from problem
    encoder = embedding.load_bi_encoder(config.embedding)
    chunks = chunking.chunk(document, config.chunking, encoder.token_spans)
    return Inspection(
        source=document.source,
        title=document.title,
        format=document.format,
        ingested_at="",
        changed=False,
        chunk_size=config.chunking.size,
        chunk_overlap=config.chunking.overlap,
        chunks=with_repetitions(chunks),
    )
