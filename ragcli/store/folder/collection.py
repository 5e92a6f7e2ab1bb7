"""One collection: its chunks in Chroma, its sources in SQLite."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ragcli.errors import NothingFoundError, StoreError
from ragcli.store.chunk_table import ChunkTable, Update
from ragcli.store.folder import versions
from ragcli.store.folder.bases import full_base, kept_base
from ragcli.store.folder.chroma_files import check_database, chroma_errors
from ragcli.store.folder.chunks import FolderChunks
from ragcli.store.folder.generations import Records
from ragcli.store.folder.place import FolderPlace
from ragcli.store.folder.seal import DAMAGED_HINT
from ragcli.store.folder.word_index import WordSearch
from ragcli.store.manifest import Manifest, read_manifest, write_manifest
from ragcli.types import Candidate, Chunk, Filters, SourceInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]

_Result = TypeVar("_Result")

# A long ingest publishes what it has after this many seconds, but never spends more than this share of its
# time on that. A killed ingest has to repeat what was not published.
_CHECKPOINT_SECONDS = 30.0
_CHECKPOINT_SHARE = 0.05


class Store:
    """Use `open_store` to get one. Reading needs no lock and sees one complete version, whatever others write
    (see `versions`). Each change takes the lock and publishes a version; `writing` does so for many changes.
    """

    def __init__(self, place: FolderPlace, manifest: Manifest) -> None:
        self.manifest = manifest
        self._folder = place.folder
        self._lock = place.lock
        self._chunks = FolderChunks(manifest, search_width=place.search_width)
        self._words = WordSearch(place.folder)
        self._draft: Path | None = None
        self._draft_is_sound = True
        self._next_checkpoint = 0.0

    @classmethod
    def create(cls, place: FolderPlace, manifest: Manifest) -> Store:
        """A new, empty collection. The manifest comes last: before it there is no index."""
        folder = place.folder
        store = cls(place, manifest)
        try:
            draft = versions.new_draft(folder)
            _records(draft).create()
            with chroma_errors(folder):
                store._chunks.create(draft / "chroma")
            versions.publish(draft)
            write_manifest(folder, manifest)
        except OSError as error:
            hint = "Check the folder's permissions and the room on its disk."
            raise StoreError(f"The index at {folder} cannot be created: {error}", hint=hint) from error
        return store

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all files. The next use opens them again."""
        self._words.close()
        self._chunks.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the write lock, and publish the changes at the end as one version.

        Raises StoreError at once if another process is writing, and if the changes cannot be written: then
        the index is as it was, or as it was last published.
        """
        with self._lock as lock:
            if lock.depth > 1:
                yield
                return
            self._check_still_there()
            try:
                if self._read(lambda place: _records(place).stale()):
                    with self._change() as draft:
                        self._sweep(draft)
                yield
            finally:
                self._end_draft()

    def sources(self) -> tuple[SourceInfo, ...]:
        """The documents in the index, by name. Does not import Chroma."""
        infos = self._read(lambda place: _records(place).sources())
        return tuple(replace(info, base=full_base(info.base, info.source, self._folder)) for info in infos)

    def count(self) -> int:
        """Chunks in the index. Does not import Chroma."""
        return self._read(lambda place: _records(place).count())

    def stored(self) -> int:
        """Chunks in Chroma: more than `count` after an interrupted write, fewer if some are lost."""
        return self._read(lambda place: self._table(place).count())

    def sample(self) -> tuple[Chunk, int] | None:
        """Any chunk of the index with the dimension of its vector; None if there is none."""
        return self._read(lambda place: self._table(place).sample(_records(place).stale()))

    def is_empty(self) -> bool:
        """Does not import Chroma."""
        return self.count() == 0

    def check(self) -> None:
        """Raises StoreError if the index is damaged, as far as that shows without reading every chunk."""
        self._read(self._check_at)

    def chunks(self, source: str) -> tuple[Chunk, ...]:
        """The chunks of one source in reading order; empty if it is not in the index."""

        def found(place: Path) -> tuple[Chunk, ...]:
            generation = _records(place).generation(source)
            return () if generation is None else self._table(place).of_generation(generation)

        return self._read(found)

    def warm(self) -> None:
        """Read what a search needs, so that the first one does not wait for it."""
        self._read(lambda place: self._table(place).warm(self.manifest.dimension))

    def search(self, vector: Vectors, n: int, filters: Filters) -> tuple[Candidate, ...]:
        """The n nearest chunks that match the filters, by cosine; ties by chunk id.

        `vector` is float32, (dimension,) or (1, dimension). Raises UsageError for an unknown metadata key.
        """
        (found,) = self.search_many(vector.reshape(1, -1), n, filters)
        return found

    def search_many(self, vectors: Vectors, n: int, filters: Filters) -> tuple[tuple[Candidate, ...], ...]:
        """`search` for each row of `vectors`, float32 (questions, dimension), in few calls of Chroma."""
        if not len(vectors):
            return ()

        def found(place: Path) -> tuple[tuple[Candidate, ...], ...]:
            records = _records(place)
            return self._table(place).search(
                vectors, n, filters, hidden=records.stale(), sources=records.sources
            )

        return self._read(found)

    def search_words(self, question: str, vector: Vectors, n: int, filters: Filters) -> tuple[Candidate, ...]:
        """The n best chunks by BM25, each with its similarity to `vector`, the question's (dimension,).

        Raises UsageError for an unknown metadata key, StoreError if SQLite cannot search for words.
        """

        def found(place: Path) -> tuple[Candidate, ...]:
            return self._words.search(_records(place), self._table(place), question, vector, n, filters)

        # In the published version, even while this store writes: only published generations are unique.
        return self._read_published(found)

    def index_words(self) -> None:
        """Index the words of new chunks, as the next `search_words` would do first."""
        self._read_published(lambda place: self._words.bring_in_step(_records(place), self._table(place)))

    def replace_all(self, updates: Sequence[Update]) -> None:
        """Replace all chunks of each source; a search sees the whole change, at the end.

        Many sources in one call cost little more than one: most of the time is spent waiting for the disk.
        """
        with self.writing():
            with self._change() as draft:
                records = _records(draft)
                generations = records.begin(len(updates))
                self._table(draft, writing=True).add(list(zip(generations, updates, strict=True)))
                now = datetime.now(UTC).isoformat(timespec="seconds")
                infos = [update.info(now, base=kept_base(update.base, self._folder)) for update in updates]
                records.commit(zip(generations, infos, strict=True))
                self._sweep(draft)
            if time.monotonic() > self._next_checkpoint:
                self._checkpoint(draft)

    def rebase(self, bases: Mapping[str, str]) -> None:
        """Set the folders that the names of these sources are relative to (see `SourceInfo.base`)."""
        if not bases:
            return
        with self.writing(), self._change() as draft:
            _records(draft).rebase({name: kept_base(base, self._folder) for name, base in bases.items()})

    def remove(self, source: str) -> int:
        """Remove a source. Returns how many chunks it had; 0 if it was not in the index."""
        with self.writing():
            if self._read(lambda place: _records(place).generation(source)) is None:
                return 0
            with self._change() as draft:
                removed = _records(draft).retire(source)
                self._sweep(draft)
        return removed

    def _read(self, work: Callable[[Path], _Result]) -> _Result:
        """A writer reads its draft, everybody else the current version."""
        return self._read_published(work) if self._draft is None else work(self._draft)

    def _read_published(self, work: Callable[[Path], _Result]) -> _Result:
        """Raises NothingFoundError, not that files are damaged, if another process deletes the index."""
        try:
            return versions.reading(self._folder, work)
        except StoreError as error:
            if read_manifest(self._folder) is not None:
                raise
            raise NothingFoundError(
                f"The index at {self._folder} was deleted in the meantime.", hint="Run: ragcli ingest PATH..."
            ) from error

    def _check_still_there(self) -> None:
        if read_manifest(self._folder) != self.manifest:
            raise StoreError(
                f"The index at {self._folder} was deleted or built again in the meantime.",
                hint="Run the command again.",
            )

    @contextmanager
    def _change(self) -> Iterator[Path]:
        """The draft to change. After a failure it is not published: Chroma may have written half of it."""
        if self._draft is None:
            self.close()
            self._draft = versions.draft_of_current(self._folder)
            self._draft_is_sound = True
            self._next_checkpoint = time.monotonic() + _CHECKPOINT_SECONDS
        try:
            with chroma_errors(self._folder):
                yield self._draft
        except Exception:
            self._draft_is_sound = False
            raise

    def _check_at(self, place: Path) -> None:
        with chroma_errors(self._folder):
            check_database(place / "chroma")
        lost = _records(place).count() - self._table(place).count()
        if lost > 0:
            raise StoreError(
                f"The index at {self._folder} is damaged: {lost:,} of its chunks are missing in Chroma.",
                hint=DAMAGED_HINT,
            )

    def _checkpoint(self, draft: Path) -> None:
        started = time.monotonic()
        self._chunks.settle(draft / "chroma")
        versions.publish(draft, keep_draft=True)
        took = time.monotonic() - started
        self._next_checkpoint = time.monotonic() + max(_CHECKPOINT_SECONDS, took / _CHECKPOINT_SHARE)

    def _end_draft(self) -> None:
        """Publish the draft, even after an interruption: each source in it is complete at any time."""
        if self._draft is None:
            return
        draft, self._draft = self._draft, None
        try:
            if self._draft_is_sound:
                self._chunks.settle(draft / "chroma")
        except StoreError:
            self._draft_is_sound = False
            raise
        finally:
            self.close()
            if not self._draft_is_sound:
                versions.discard(draft)
        if self._draft_is_sound:
            versions.publish(draft)

    def _sweep(self, draft: Path) -> None:
        """Delete the chunks that belong to no source."""
        records = _records(draft)
        stale = records.stale()
        if stale:
            self._table(draft, writing=True).delete(stale)
            records.forget(stale)

    def _table(self, place: Path, *, writing: bool = False) -> ChunkTable:
        return self._chunks.table(place / "chroma", writing=writing)


def _records(place: Path) -> Records:
    return Records(place / "sources.sqlite3")
