"""One collection: its chunks in Chroma, its sources in SQLite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ragcli.errors import StoreError
from ragcli.store.lock import WriteLock
from ragcli.store.manifest import Manifest, write_manifest
from ragcli.store.metadata import conditions, conjunction, matching, to_chunk, to_metadata
from ragcli.store.records import Records
from ragcli.types import Candidate, Chunk, Filters, SourceInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]

# Chroma takes 5,461 records a call at most, and says so only when it gets more.
_RECORDS_PER_CALL = 5000
_CHROMA_NAME = "chunks"
_DAMAGED_HINT = "If the index is damaged: ragcli reset, then ragcli ingest PATH..."


@dataclass(frozen=True, slots=True)
class Update:
    """What a source is to hold. `vectors` is float32 (len(chunks), dimension)."""

    source: str
    title: str
    format: str
    sha256: str
    chunks: tuple[Chunk, ...]
    vectors: Vectors


class Store:
    """Get one from `open_store`. Reading needs no lock; each change takes it, `writing` keeps it for many."""

    def __init__(self, folder: Path, manifest: Manifest, lock: WriteLock, *, search_width: int) -> None:
        self.manifest = manifest
        self._folder = folder
        self._lock = lock
        self._search_width = search_width
        self._records = Records(folder / "sources.sqlite3")
        self._client: Any = None
        self._opened: Any = None

    @classmethod
    def create(cls, folder: Path, manifest: Manifest, lock: WriteLock, *, search_width: int) -> Store:
        """A new, empty collection in `folder`. The manifest comes last: before it there is no index."""
        store = cls(folder, manifest, lock, search_width=search_width)
        try:
            folder.mkdir(parents=True)
            store._records.create()
            with _chroma_errors(folder):
                store._connect(create=True)
            write_manifest(folder, manifest)
        except OSError as error:
            hint = "Check the permissions of the folder that store.path names."
            raise StoreError(f"The index at {folder} cannot be created: {error}", hint=hint) from error
        return store

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of Chroma's files. The next use opens them again."""
        if self._client is not None:
            self._client.close()
        self._client = self._opened = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the write lock, and clear away first what a killed writer left.

        Raises StoreError at once if another process is writing.
        """
        with self._lock as lock:
            if lock.depth == 1:
                self._sweep()
            yield

    def sources(self) -> tuple[SourceInfo, ...]:
        """What is in the index, by name. Does not import Chroma."""
        return self._records.sources()

    def count(self) -> int:
        """Chunks in the index. Does not import Chroma."""
        return self._records.count()

    def chunks(self, source: str) -> tuple[Chunk, ...]:
        """The chunks of one source in reading order; empty if it is not in the index."""
        generation = self._records.generation(source)
        if generation is None:
            return ()
        with _chroma_errors(self._folder):
            found = self._chroma.get(where={"generation": generation}, include=["metadatas", "documents"])
        pairs = zip(found["metadatas"], found["documents"], strict=True)
        return tuple(sorted((to_chunk(*pair) for pair in pairs), key=lambda chunk: chunk.index))

    def search(self, vector: Vectors, n: int, filters: Filters) -> tuple[Candidate, ...]:
        """The n nearest chunks of all that the filters let through, by cosine; ties by chunk id.

        `vector` is float32, (dimension,) or (1, dimension). Raises UsageError for an unknown metadata key.
        """
        (found,) = self.search_many(vector.reshape(1, -1), n, filters)
        return found

    def search_many(self, vectors: Vectors, n: int, filters: Filters) -> tuple[tuple[Candidate, ...], ...]:
        """`search` for each row of `vectors`, float32 (questions, dimension), in one question to Chroma."""
        if not len(vectors):
            return ()
        for _attempt in range(3):
            stale = self._records.stale()
            where = self._where(filters, stale)
            found = [[] for _ in vectors] if where is None else self._nearest(vectors, n, where)
            # Where a writer finished a source in between, look again: it may have been hidden on both sides.
            if self._records.stale() == stale:
                break
        return tuple(_ranked(pairs) for pairs in found)

    def replace(
        self, source: str, chunks: Sequence[Chunk], vectors: Vectors, *, title: str, format: str, sha256: str
    ) -> None:
        """`replace_all` for one source. `vectors` is float32 (len(chunks), dimension)."""
        self.replace_all([Update(source, title, format, sha256, tuple(chunks), vectors)])

    def replace_all(self, updates: Sequence[Update]) -> None:
        """Put each source's chunks in the place of all it had; a search sees the change whole, at the end.

        Many sources in one call cost little more than one: most of the time goes into waiting for the disk.
        """
        with self.writing(), _chroma_errors(self._folder):
            generations = self._records.begin(len(updates))
            self._add(list(zip(generations, updates, strict=True)))
            now = datetime.now(UTC).isoformat(timespec="seconds")
            infos = [SourceInfo(u.source, u.title, u.format, len(u.chunks), u.sha256, now) for u in updates]
            self._records.commit(zip(generations, infos, strict=True))
            self._sweep()

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
        for first in range(0, len(ids), _RECORDS_PER_CALL):
            part = slice(first, first + _RECORDS_PER_CALL)
            self._chroma.add(
                ids=ids[part], embeddings=vectors[part], documents=texts[part], metadatas=metadatas[part]
            )

    def _sweep(self) -> None:
        stale = self._records.stale()
        if stale:
            with _chroma_errors(self._folder):
                self._chroma.delete(where={"generation": {"$in": stale}})
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

    def _nearest(self, queries: Vectors, n: int, where: dict[str, Any]) -> list[list[tuple[float, Chunk]]]:
        include = ["metadatas", "documents", "distances"]
        with _chroma_errors(self._folder):
            found = self._chroma.query(
                query_embeddings=queries, n_results=n, where=where or None, include=include
            )
        return [
            [
                (1.0 - float(distance), to_chunk(metadata, text))
                for distance, metadata, text in zip(*row, strict=True)
            ]
            for row in zip(found["distances"], found["metadatas"], found["documents"], strict=True)
        ]

    @property
    def _chroma(self) -> Any:
        if self._opened is None:
            self._connect(create=False)
        return self._opened

    def _connect(self, *, create: bool) -> None:
        import chromadb
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        self._client = chromadb.PersistentClient(path=str(self._folder / "chroma"), settings=settings)
        width = {"ef_search": self._search_width}
        if create:
            self._opened = self._client.create_collection(
                _CHROMA_NAME,
                embedding_function=None,
                configuration={"hnsw": {"space": self.manifest.distance, **width}},
                metadata=asdict(self.manifest),
            )
            return
        opened = self._client.get_collection(_CHROMA_NAME, embedding_function=None)
        if (opened.metadata or {}).get("fingerprint") != self.manifest.fingerprint:
            raise StoreError(f"{self._folder} holds the manifest of another index.", hint=_DAMAGED_HINT)
        if opened.configuration["hnsw"]["ef_search"] != self._search_width:
            opened.modify(configuration={"hnsw": width})
        self._opened = opened


def _ranked(pairs: Sequence[tuple[float, Chunk]]) -> tuple[Candidate, ...]:
    ordered = sorted(pairs, key=lambda pair: (-pair[0], pair[1].id))
    return tuple(
        Candidate(chunk=chunk, similarity=similarity, base_rank=rank)
        for rank, (similarity, chunk) in enumerate(ordered, start=1)
    )


@contextmanager
def _chroma_errors(folder: Path) -> Iterator[None]:
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, ValueError, OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise StoreError(f"Chroma cannot use the index at {folder}: {reason}", hint=_DAMAGED_HINT) from error
