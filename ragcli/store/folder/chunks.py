"""Chunks and vectors in Chroma. A `folder` here is the chroma/ of a version or of a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ragcli.store.embedding_functions import named_functions
from ragcli.store.folder.chroma_core import Reader, open_reader
from ragcli.store.folder.chroma_files import (
    COLLECTION,
    chroma_errors,
    close_client,
    create_collection,
    open_collection,
)
from ragcli.store.manifest import Manifest
from ragcli.store.metadata import FIRST_CHUNKS, to_chunk, to_metadata
from ragcli.types import Chunk, SourceInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]

# Chroma takes 5,461 records a call at most, and says so only when it gets more.
_RECORDS_PER_CALL = 5000
# Chroma binds each id that a query found to a variable of one SQL statement; SQLite has 32,766 of them.
_FOUND_PER_CALL = 30_000


@dataclass(frozen=True, slots=True)
class Update:
    """What a source is to hold. `vectors` is float32 (len(chunks), dimension); `base` as in SourceInfo."""

    source: str
    title: str
    format: str
    sha256: str
    chunks: tuple[Chunk, ...]
    vectors: Vectors
    base: str = ""

    def info(self, now: str, *, base: str) -> SourceInfo:
        """The source's record, with its base as the index keeps it."""
        return SourceInfo(self.source, self.title, self.format, len(self.chunks), self.sha256, now, base)


class ChromaChunks:
    """One folder is open at a time, until another is used or `close`."""

    def __init__(self, manifest: Manifest, *, search_width: int) -> None:
        self._manifest = manifest
        self._search_width = search_width
        self._client: Any = None
        self._opened: Any = None
        self._opened_at: Path | None = None

    def close(self) -> None:
        if self._client is not None:
            close_client(self._client)
        self._client = self._opened = self._opened_at = None

    def create(self, folder: Path) -> None:
        """A new, empty collection in `folder`."""
        close_client(create_collection(folder, self._manifest, search_width=self._search_width))

    def settle(self, folder: Path) -> None:
        """Nobody uses `folder` afterwards until it is published. What Chroma puts off until somebody searches
        is done now, so that reading changes no file of its graph.
        """
        import numpy as np

        self.close()
        with chroma_errors(folder):
            question: Vectors = np.ones((1, self._manifest.dimension), dtype=np.float32)
            self._at(folder).query(query_embeddings=question, n_results=1, where=None, include=["distances"])
        self.close()

    def add(self, folder: Path, entries: Sequence[tuple[int, Update]]) -> None:
        """The chunks of (generation, update)."""
        import numpy as np

        ids = [f"{generation}-{chunk.id}" for generation, update in entries for chunk in update.chunks]
        texts = [chunk.text for _, update in entries for chunk in update.chunks]
        metadatas = [
            to_metadata(chunk, generation=generation, format=update.format)
            for generation, update in entries
            for chunk in update.chunks
        ]
        vectors = np.concatenate([update.vectors for _, update in entries]) if entries else []
        chunks = self._at(folder, for_reading=False)
        for first in range(0, len(ids), _RECORDS_PER_CALL):
            part = slice(first, first + _RECORDS_PER_CALL)
            chunks.add(
                ids=ids[part], embeddings=vectors[part], documents=texts[part], metadatas=metadatas[part]
            )

    def delete(self, folder: Path, generations: Sequence[int]) -> None:
        self._at(folder, for_reading=False).delete(where={"generation": {"$in": list(generations)}})

    def of_generation(self, folder: Path, generation: int) -> tuple[Chunk, ...]:
        """In reading order."""
        with chroma_errors(folder):
            found = self._at(folder).get(where={"generation": generation}, include=["metadatas", "documents"])
        pairs = zip(found["metadatas"], found["documents"], strict=True)
        return tuple(sorted((to_chunk(*pair) for pair in pairs), key=lambda chunk: chunk.index))

    def count(self, folder: Path) -> int:
        with chroma_errors(folder):
            return int(self._at(folder).count())

    def sample(self, folder: Path, where: dict[str, Any] | None) -> tuple[Chunk, int] | None:
        """Some chunk with its vector's dimension; None where there is none."""
        with chroma_errors(folder):
            found = self._at(folder).get(
                where=where or None, limit=1, include=["metadatas", "documents", "embeddings"]
            )
        if not found["ids"]:
            return None
        return to_chunk(found["metadatas"][0], found["documents"][0]), len(found["embeddings"][0])

    def first_chunks(self, folder: Path) -> Sequence[Mapping[str, Any]]:
        """The metadata of each source's first chunk."""
        with chroma_errors(folder):
            found = self._at(folder).get(where=FIRST_CHUNKS, include=["metadatas"])
        return list(found["metadatas"])

    def collection(self, folder: Path) -> Any:
        """What reads the collection, for other ways of reading it; until another folder is used."""
        return self._at(folder)

    def nearest(
        self, folder: Path, queries: Vectors, n: int, where: dict[str, Any]
    ) -> list[list[tuple[float, Chunk]]]:
        """For each query, float32 (queries, dimension): the n nearest chunks with their cosines."""
        at_once = max(1, _FOUND_PER_CALL // n)
        rows: list[Any] = []
        for first in range(0, len(queries), at_once):
            with chroma_errors(folder):
                found = self._at(folder).query(
                    query_embeddings=queries[first : first + at_once],
                    n_results=n,
                    where=where or None,
                    include=["metadatas", "documents", "distances"],
                )
            rows += zip(found["distances"], found["metadatas"], found["documents"], strict=True)
        return [
            [
                (1.0 - float(distance), to_chunk(metadata, text))
                for distance, metadata, text in zip(*row, strict=True)
            ]
            for row in rows
        ]

    def _at(self, folder: Path, *, for_reading: bool = True) -> Any:
        if self._opened_at != folder or (isinstance(self._opened, Reader) and not for_reading):
            self.close()
            # A version never changes, so what Chroma's core read of it stays true.
            self._client = self._opened = self._reader_of(folder) if for_reading else None
            if self._opened is None:
                self._client, self._opened = open_collection(
                    folder, self._manifest, search_width=self._search_width, for_reading=for_reading
                )
            self._opened_at = folder
        return self._opened

    def _reader_of(self, folder: Path) -> Reader | None:
        """Chroma's core alone, which opens at once; None where there is something to change or object to."""
        reader = open_reader(folder, COLLECTION)
        if reader is None:
            return None
        width = (reader.configuration.get("hnsw") or {}).get("ef_search")
        is_ours = reader.metadata.get("fingerprint") == self._manifest.fingerprint
        if is_ours and width == self._search_width and not any(named_functions(reader.configuration)):
            return reader
        reader.close()
        return None
