"""One collection on a Chroma server; `folder.collection.Store` does the same in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from ragcli.errors import UsageError
from ragcli.store.chunk_table import ChunkTable, Update
from ragcli.store.manifest import Manifest
from ragcli.store.server.generations import ServerRecords
from ragcli.store.server.place import ServerPlace
from ragcli.types import Candidate, Chunk, Filters, SourceInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]


# So many fit into one call, and their generations, old and new, into the state.
_SOURCES_PER_WRITE = 250


class ServerStore:
    """Use `open_store` to get one. Reading needs no lock; each change takes it, or `writing` for many."""

    def __init__(self, place: ServerPlace, manifest: Manifest) -> None:
        self.manifest = manifest
        self._place = place
        self._lock = place.lock
        self._records = ServerRecords(place)

    @classmethod
    def create(cls, place: ServerPlace, manifest: Manifest) -> ServerStore:
        """A new, empty collection. What has the manifest comes last: before it there is no index."""
        store = cls(place, manifest)
        place.create_sources()
        store._records.create()
        place.create_chunks(manifest)
        return store

    def __enter__(self) -> ServerStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget what is open. The next use opens it again."""
        self._place.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the write lock, and first delete what a killed writer left.

        Raises StoreError at once if another process is writing.
        """
        with self._lock as lock:
            if lock.depth == 1:
                self._sweep()
                self._place.set_width(self._table.chroma)
            yield

    def sources(self) -> tuple[SourceInfo, ...]:
        """The documents in the index, by name."""
        return self._records.sources()

    def count(self) -> int:
        """Chunks in the index."""
        return self._records.count()

    def is_empty(self) -> bool:
        return self._records.is_empty()

    def stored(self) -> int:
        """Chunks in Chroma: more than `count` if a killed writer left some."""
        return self._table.count()

    def sample(self) -> tuple[Chunk, int] | None:
        """Any chunk of the index with the dimension of its vector; None if there is none."""
        return self._table.sample(self._records.hidden().generations)

    def check(self) -> None:
        """Does nothing: a server checks its own files."""

    def chunks(self, source: str) -> tuple[Chunk, ...]:
        """The chunks of one source in reading order; empty if it is not in the index."""
        generation = self._records.generation(source)
        return () if generation is None else self._table.of_generation(generation)

    def warm(self) -> None:
        """Let the server read what a search needs, so that the first one does not wait for it."""
        self._table.warm(self.manifest.dimension)

    def search(self, vector: Vectors, n: int, filters: Filters) -> tuple[Candidate, ...]:
        """The n nearest chunks that match the filters, by cosine; ties by chunk id.

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
            found = self._table.search(
                vectors, n, filters, hidden=hidden.generations, sources=self._records.sources
            )
            # If a writer finished a source meanwhile, both its generations may have been hidden.
            if self._records.hidden() == hidden:
                break
        return found

    def search_words(self, question: str, vector: Vectors, n: int, filters: Filters) -> tuple[Candidate, ...]:
        """Refused: the words of a shared index would have to be stored on each reader's machine."""
        raise _no_words()

    def index_words(self) -> None:
        """Refused, as `search_words` is."""
        raise _no_words()

    def replace_all(self, updates: Sequence[Update]) -> None:
        """Replace all chunks of each source; a search sees each source as it was before or as it is after.

        Many sources in one call cost little more than one: most of the time is spent waiting for the disk.
        """
        with self.writing():
            for first in range(0, len(updates), _SOURCES_PER_WRITE):
                self._write(updates[first : first + _SOURCES_PER_WRITE])

    def _write(self, updates: Sequence[Update]) -> None:
        generations = self._records.begin([update.source for update in updates])
        self._table.add(list(zip(generations, updates, strict=True)))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        infos = [update.info(now, base=update.base) for update in updates]
        self._lock.confirm()
        self._records.commit(zip(generations, infos, strict=True))
        self._sweep()

    def rebase(self, bases: Mapping[str, str]) -> None:
        """Set the folders that the names of these sources are relative to (see `SourceInfo.base`)."""
        if bases:
            with self.writing():
                self._lock.confirm()
                self._records.rebase(bases)

    def remove(self, source: str) -> int:
        """Remove a source. Returns how many chunks it had; 0 if it was not in the index."""
        with self.writing():
            removed = self._records.retire(source)
            self._sweep()
        return removed

    def _sweep(self) -> None:
        stale = self._records.hidden().generations
        if stale:
            self._table.delete(stale)
            self._records.forget(stale)

    @property
    def _table(self) -> ChunkTable:
        return self._place.table(self.manifest)


def _no_words() -> UsageError:
    return UsageError(
        "Hybrid retrieval needs an index in a folder; this one is on a server.",
        hint="Use --retrieval dense, or an index in a folder (no store.url).",
    )
