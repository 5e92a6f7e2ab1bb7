"""The chunks of an index in one of Chroma's collections, in a folder or on a server: add, read, search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ragcli.store.metadata import check_filters, chroma_filter, to_chunk, to_metadata
from ragcli.types import Candidate, Chunk, Filters, SourceInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]

# Every source has a first chunk, and all chunks of a source have the metadata of their document.
_FIRST_CHUNKS = {"index": {"$eq": 0}}


@dataclass(frozen=True, slots=True)
class Update:
    """The new content of a source. `vectors` is float32 (len(chunks), dimension); `base` as in SourceInfo."""

    source: str
    title: str
    format: str
    sha256: str
    chunks: tuple[Chunk, ...]
    vectors: Vectors
    base: str = ""

    def info(self, now: str, *, base: str) -> SourceInfo:
        """The source's record, with its base in the form that the index stores."""
        return SourceInfo(self.source, self.title, self.format, len(self.chunks), self.sha256, now, base)


@dataclass(frozen=True, slots=True)
class ChunkTable:
    """`chroma` is Chroma's collection, or a `chroma_core.Reader` of it. `errors` turns what it raises into
    StoreErrors. The two numbers limit how many records are written or read, and found, in one call.
    """

    chroma: Any
    errors: Callable[[], AbstractContextManager[None]]
    records_per_call: int
    found_per_call: int

    def add(self, entries: Sequence[tuple[int, Update]]) -> None:
        """Add the chunks of each (generation, update)."""
        import numpy as np

        rows = [(generation, update, chunk) for generation, update in entries for chunk in update.chunks]
        vectors = np.concatenate([update.vectors for _, update in entries]) if entries else []
        for first in range(0, len(rows), self.records_per_call):
            part = slice(first, first + self.records_per_call)
            with self.errors():
                self.chroma.add(
                    ids=[row_id(generation, chunk.id) for generation, _, chunk in rows[part]],
                    embeddings=vectors[part],
                    documents=[chunk.text for _, _, chunk in rows[part]],
                    metadatas=[
                        to_metadata(chunk, generation=generation, format=update.format)
                        for generation, update, chunk in rows[part]
                    ],
                )

    def delete(self, generations: Sequence[int]) -> None:
        with self.errors():
            self.chroma.delete(where=_of(generations))

    def count(self) -> int:
        """The number of all chunks, hidden ones included."""
        with self.errors():
            return int(self.chroma.count())

    def of_generation(self, generation: int) -> tuple[Chunk, ...]:
        """In reading order."""
        chunks = [to_chunk(*pair) for pair in self.of_generations([generation])]
        return tuple(sorted(chunks, key=lambda chunk: chunk.index))

    def of_generations(self, generations: Sequence[int]) -> list[tuple[Mapping[str, Any], str]]:
        """(metadata, text) of each chunk, in no particular order."""
        return self._pages(_of(generations))

    def sample(self, hidden: Sequence[int]) -> tuple[Chunk, int] | None:
        """Any chunk that is not hidden, with the dimension of its vector; None if there is none."""
        where = chroma_filter(Filters(), hidden, lambda: ())
        include = ["metadatas", "documents", "embeddings"]
        with self.errors():
            found = self.chroma.get(where=where or None, limit=1, include=include)
        if not found["ids"]:
            return None
        return to_chunk(found["metadatas"][0], found["documents"][0]), len(found["embeddings"][0])

    def first_chunks(self) -> list[Mapping[str, Any]]:
        """The metadata of each source's first chunk."""
        return [metadata for metadata, _ in self._pages(_FIRST_CHUNKS)]

    def rows(self, ids: Sequence[str]) -> dict[str, tuple[Chunk, Vectors]]:
        """The chunks with these row ids and their vectors, float32 (dimension,); missing ones are omitted."""
        with self.errors():
            found = self.chroma.get(ids=list(ids), include=["metadatas", "documents", "embeddings"])
        rows = zip(found["metadatas"], found["documents"], found["embeddings"], strict=True)
        return {
            name: (to_chunk(metadata, text), vector)
            for name, (metadata, text, vector) in zip(found["ids"], rows, strict=True)
        }

    def warm(self, dimension: int) -> None:
        """Let Chroma do now what it puts off until the first search."""
        import numpy as np

        question: Vectors = np.ones((1, dimension), dtype=np.float32)
        with self.errors():
            self.chroma.query(query_embeddings=question, n_results=1, where=None, include=["distances"])

    def search(
        self,
        vectors: Vectors,
        n: int,
        filters: Filters,
        *,
        hidden: Sequence[int],
        sources: Callable[[], Sequence[SourceInfo]],
    ) -> tuple[tuple[Candidate, ...], ...]:
        """For each row of `vectors`, float32 (questions, dimension): the n nearest chunks by cosine that the
        filters let through and that are not of a `hidden` generation; ties by chunk id.

        `sources` gives all sources of the index, for filters by name. Raises UsageError for an unknown
        metadata key.
        """
        where = chroma_filter(filters, hidden, sources)
        found = [[] for _ in vectors] if where is None else self._nearest(vectors, n, where)
        if not any(found):
            check_filters(filters, self.first_chunks)
        return tuple(_ranked(pairs) for pairs in found)

    def _nearest(self, vectors: Vectors, n: int, where: dict[str, Any]) -> list[list[tuple[float, Chunk]]]:
        include = ["metadatas", "documents", "distances"]
        at_once = max(1, self.found_per_call // n)
        rows: list[Any] = []
        for first in range(0, len(vectors), at_once):
            part = vectors[first : first + at_once]
            with self.errors():
                found = self.chroma.query(
                    query_embeddings=part, n_results=n, where=where or None, include=include
                )
            rows += zip(found["distances"], found["metadatas"], found["documents"], strict=True)
        return [
            [
                (1.0 - float(distance), to_chunk(metadata, text))
                for distance, metadata, text in zip(*row, strict=True)
            ]
            for row in rows
        ]

    def _pages(self, where: dict[str, Any]) -> list[tuple[Any, Any]]:
        with self.errors():
            return list(pages(self.chroma, self.records_per_call, where=where))


def row_id(generation: int, chunk_id: str) -> str:
    """A chunk's id in Chroma, which may hold two generations of the same source at the same time."""
    return f"{generation}-{chunk_id}"


def pages(collection: Any, size: int, **query: Any) -> Iterator[tuple[Any, Any]]:
    """(metadata, document) of all records that match `query`, `size` of them in a call."""
    offset = 0
    while True:
        found = collection.get(limit=size, offset=offset, include=["metadatas", "documents"], **query)
        yield from zip(found["metadatas"], found["documents"], strict=True)
        offset += size
        if len(found["ids"]) < size:
            return


def _of(generations: Sequence[int]) -> dict[str, Any]:
    return {"generation": {"$in": list(generations)}}


def _ranked(pairs: Sequence[tuple[float, Chunk]]) -> tuple[Candidate, ...]:
    ordered = sorted(pairs, key=lambda pair: (-pair[0], pair[1].id))
    return tuple(
        Candidate(chunk=chunk, similarity=similarity, base_rank=rank)
        for rank, (similarity, chunk) in enumerate(ordered, start=1)
    )
