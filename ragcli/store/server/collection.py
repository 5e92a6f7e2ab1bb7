"""One collection on a Chroma server: what `collection.Store` is for a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ragcli.errors import UsageError
from ragcli.store.folder.chunks import Update
from ragcli.store.manifest import Manifest
from ragcli.store.metadata import (
    FIRST_CHUNKS,
    check_filters,
    conditions,
    conjunction,
    matching,
    pages,
    to_chunk,
    to_metadata,
)
from ragcli.store.server.generations import ServerRecords
from ragcli.store.server.lease import ServerLock
from ragcli.types import Candidate, Chunk, Filters, SourceInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]


class Place(Protocol):
    """Where the collection is: `server.ServerPlace`."""

    lock: ServerLock
    records: ServerRecords
    records_per_call: int
    sources_per_write: int

    def open(self, manifest: Manifest) -> Any: ...

    def set_width(self, opened: Any) -> None: ...

    def errors(self) -> AbstractContextManager[None]: ...

    def close(self) -> None: ...


class ServerStore:
    """Get one from `open_store`. Reading needs no lock; each change takes it, `writing` keeps it for many."""

    def __init__(self, place: Place, manifest: Manifest) -> None:
        self.manifest = manifest
        self._place = place
        self._lock = place.lock
        self._records = place.records
        self._opened: Any = None

    def __enter__(self) -> ServerStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what holds it open. The next use opens it again."""
        self._opened = None
        self._place.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the write lock, and clear away first what a killed writer left.

        Raises StoreError at once if another process is writing.
        """
        with self._lock as lock:
            if lock.depth == 1:
                self._sweep()
                self._place.set_width(self._chroma)
            yield

    def sources(self) -> tuple[SourceInfo, ...]:
        """What is in the index, by name."""
        return self._records.sources()

    def count(self) -> int:
        """Chunks in the index."""
        return self._records.count()

    def stored(self) -> int:
        """Chunks in Chroma; more than `count` where a killed writer left some."""
        with self._place.errors():
            return int(self._chroma.count())

    def sample(self) -> tuple[Chunk, int] | None:
        """Some chunk of the index and the dimension of its vector; None where there is none."""
        hidden = list(self._records.hidden().generations)
        where = {"generation": {"$nin": hidden}} if hidden else None
        with self._place.errors():
            found = self._chroma.get(where=where, limit=1, include=["metadatas", "documents", "embeddings"])
        if not found["ids"]:
            return None
        return to_chunk(found["metadatas"][0], found["documents"][0]), len(found["embeddings"][0])

    def check(self) -> None:
        """Nothing to do: a server looks after its own files."""

    def chunks(self, source: str) -> tuple[Chunk, ...]:
        """The chunks of one source in reading order; empty if it is not in the index."""
        generation = self._records.generation(source)
        if generation is None:
            return ()
        where = {"generation": generation}
        with self._place.errors():
            pairs = list(pages(self._chroma, self._place.records_per_call, where=where))
        return tuple(sorted((to_chunk(*pair) for pair in pairs), key=lambda chunk: chunk.index))

    def search(self, vector: Vectors, n: int, filters: Filters) -> tuple[Candidate, ...]:
        """The n nearest chunks of all that the filters let through, by cosine; ties by chunk id.

        `vector` is float32, (dimension,) or (1, dimension). Raises UsageError for an unknown metadata key.
        """
        (found,) = self.search_many(vector.reshape(1, -1), n, filters)
        return found

    def search_many(self, vectors: Vectors, n: int, filters: Filters) -> tuple[tuple[Candidate, ...], ...]:
        """`search` for each row of `vectors`, float32 (questions, dimension), in few requests."""
        if not len(vectors):
            return ()
        for _attempt in range(3):
            hidden = self._records.hidden()
            where = self._where(filters, hidden.generations)
            found = [[] for _ in vectors] if where is None else self._nearest(vectors, n, where)
            # Where a writer finished a source in between, look again: it may have been hidden on both sides.
            if self._records.hidden() == hidden:
                break
        if not any(found):
            check_filters(filters, self._first_chunks)
        return tuple(_ranked(pairs) for pairs in found)

    def search_words(self, question: str, vector: Vectors, n: int, filters: Filters) -> tuple[Candidate, ...]:
        """Refused: the words of a shared index would have to be kept on each reader's machine."""
        raise _no_words()

    def index_words(self) -> None:
        """Refused, as `search_words` is."""
        raise _no_words()

    def replace(
        self, source: str, chunks: Sequence[Chunk], vectors: Vectors, *, title: str, format: str, sha256: str
    ) -> None:
        """`replace_all` for one source. `vectors` is float32 (len(chunks), dimension)."""
        self.replace_all([Update(source, title, format, sha256, tuple(chunks), vectors)])

    def replace_all(self, updates: Sequence[Update]) -> None:
        """Put each source's chunks in the place of all it had; a search sees each source change whole.

        Many sources in one call cost little more than one: most of the time goes into waiting for the disk.
        """
        with self.writing():
            for first in range(0, len(updates), self._place.sources_per_write):
                self._write(updates[first : first + self._place.sources_per_write])

    def _write(self, updates: Sequence[Update]) -> None:
        generations = self._records.begin([update.source for update in updates])
        with self._place.errors():
            self._add(list(zip(generations, updates, strict=True)))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        infos = [update.info(now, base=update.base) for update in updates]
        self._lock.confirm()
        self._records.commit(zip(generations, infos, strict=True))
        self._sweep()

    def rebase(self, bases: Mapping[str, str]) -> None:
        """Let the names of these sources start from other folders (see `SourceInfo.base`)."""
        if bases:
            with self.writing():
                self._lock.confirm()
                self._records.rebase(bases)

    def remove(self, source: str) -> int:
        """Take a source out of the index. Returns how many chunks that were; 0 if it was not there."""
        with self.writing():
            removed = self._records.retire(source)
            self._sweep()
        return removed

    def _add(self, entries: Sequence[tuple[int, Update]]) -> None:
        import numpy as np

        ids = [f"{generation}-{chunk.id}" for generation, update in entries for chunk in update.chunks]
        texts = [chunk.text for _, update in entries for chunk in update.chunks]
        metadatas = [
            to_metadata(chunk, generation=generation, format=update.format)
            for generation, update in entries
            for chunk in update.chunks
        ]
        vectors = np.concatenate([update.vectors for _, update in entries]) if entries else []
        for first in range(0, len(ids), self._place.records_per_call):
            part = slice(first, first + self._place.records_per_call)
            self._chroma.add(
                ids=ids[part], embeddings=vectors[part], documents=texts[part], metadatas=metadatas[part]
            )

    def _sweep(self) -> None:
        stale = self._records.hidden().generations
        if stale:
            with self._place.errors():
                self._chroma.delete(where={"generation": {"$in": list(stale)}})
            self._records.forget(stale)

    def _where(self, filters: Filters, stale: Sequence[int]) -> dict[str, Any] | None:
        """The filter as Chroma wants it: {} lets all through. None: nothing can match."""
        parts = conditions(filters)
        if stale:
            parts.append({"generation": {"$nin": list(stale)}})
        if filters.sources:
            known = [info.source for info in self._records.sources()]
            wanted = matching(known, filters.sources)
            if not wanted:
                return None
            if len(wanted) < len(known):
                parts.append({"source": {"$in": wanted}})
        return conjunction(parts) or {}

    def _first_chunks(self) -> list[Any]:
        with self._place.errors():
            found = pages(self._chroma, self._place.records_per_call, where=FIRST_CHUNKS)
            return [metadata for metadata, _ in found]

    def _nearest(self, queries: Vectors, n: int, where: dict[str, Any]) -> list[list[tuple[float, Chunk]]]:
        include = ["metadatas", "documents", "distances"]
        # A response to many questions at once could be larger than a server sends.
        at_once = max(1, self._place.records_per_call * 10 // n)
        rows: list[Any] = []
        with self._place.errors():
            for first in range(0, len(queries), at_once):
                part = queries[first : first + at_once]
                found = self._chroma.query(
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

    @property
    def _chroma(self) -> Any:
        if self._opened is None:
            self._opened = self._place.open(self.manifest)
        return self._opened


def _no_words() -> UsageError:
    return UsageError(
        "Hybrid retrieval needs an index in a folder; this one is on a server.",
        hint="Use --retrieval dense, or an index in a folder (no store.url).",
    )


def _ranked(pairs: Sequence[tuple[float, Chunk]]) -> tuple[Candidate, ...]:
    ordered = sorted(pairs, key=lambda pair: (-pair[0], pair[1].id))
    return tuple(
        Candidate(chunk=chunk, similarity=similarity, base_rank=rank)
        for rank, (similarity, chunk) in enumerate(ordered, start=1)
    )
