"""A document's chunks as they are in the index, or as they would be cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

from ragcli import documents, store
from ragcli.config import Config
from ragcli.documents import chunking
from ragcli.encoders import bi_encoder
from ragcli.errors import IngestError, NothingFoundError
from ragcli.text.names import same_name
from ragcli.types import Chunk


@dataclass(frozen=True, slots=True)
class ShownChunk:
    """`repeated` is how many characters at its beginning repeat the end of the previous chunk."""

    chunk: Chunk
    repeated: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """`ingested_at` is empty for a file that is not in the index and was only cut now.

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

    Raises NothingFoundError if it is neither, IngestError if the file cannot be read.
    """
    try:
        return in_index(source, config)
    except NothingFoundError:
        if not Path(source).is_file():
            raise
    return _cut_now(Path(source), config)


def in_index(source: str, config: Config) -> Inspection:
    """A document as the index has it. Raises NothingFoundError where it has not."""
    with store.open_store(config, create=False) as index:
        infos = {info.source: info for info in index.sources()}
        name = _found(source, list(infos))
        if name is None:
            close = get_close_matches(source, list(infos), 1)
            hint = f"Did you mean {close[0]}?" if close else "ragcli list shows the names."
            raise NothingFoundError(f"{source} is not in the index.", hint=hint)
        info, built = infos[name], index.manifest
        return Inspection(
            source=name,
            title=info.title,
            format=info.format,
            ingested_at=info.ingested_at,
            changed=_has_changed(Path(info.base, name), info.sha256),
            chunk_size=built.chunk_size,
            chunk_overlap=built.chunk_overlap,
            chunks=with_repetitions(index.chunks(name)),
        )


def with_repetitions(chunks: Sequence[Chunk]) -> tuple[ShownChunk, ...]:
    """In reading order, each with what it repeats from the previous one."""
    pairs = pairwise([None, *chunks])
    return tuple(
        ShownChunk(chunk, max(0, min(before.end, chunk.end) - chunk.start) if before else 0)
        for before, chunk in pairs
        if chunk is not None
    )


def _found(source: str, known: Sequence[str]) -> str | None:
    """The index's name for `source`: as it was typed, as the index would name such a path, or either of them
    in another Unicode spelling.
    """
    typed = (source, documents.source_name(Path(source)))
    exact = next((name for name in typed if name in known), None)
    return exact or next((name for name in known if any(same_name(name, one) for one in typed)), None)


def _has_changed(path: Path, sha256: str) -> bool:
    try:
        return documents.file_sha256(path) != sha256
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
    encoder = bi_encoder.load_bi_encoder(config.embedding)
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
