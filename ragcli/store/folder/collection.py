"""One collection: its chunks in Chroma, its sources in SQLite."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ragcli.errors import StoreError
from ragcli.store.folder import versions
from ragcli.store.folder.bases import full_base, kept_base
from ragcli.store.folder.chroma_files import check_database, chroma_errors
from ragcli.store.folder.chunks import ChromaChunks, Update
from ragcli.store.folder.generations import Records
from ragcli.store.folder.lock import WriteLock
from ragcli.store.folder.seal import DAMAGED_HINT
from ragcli.store.folder.word_index import WordSearch
from ragcli.store.manifest import Manifest, read_manifest, write_manifest
from ragcli.store.metadata import check_filters, conditions, conjunction, matching
from ragcli.types import Candidate, Chunk, Filters, SourceInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]

_Result = TypeVar("_Result")

# A long writing publishes what it has after so many seconds, but never spends more than a part of its time on
# that. It is what a killed ingest has to do again.
_CHECKPOINT_SECONDS = 30.0
_CHECKPOINT_SHARE = 0.05


class Store:
    """Get one from `open_store`. Reading needs no lock and sees one version whole, whatever others write (see
    `versions`); each change takes the lock and publishes a version, `writing` does both for many changes.
    """

    def __init__(self, folder: Path, manifest: Manifest, lock: WriteLock, *, search_width: int) -> None:
        self.manifest = manifest
        self._folder = folder
        self._lock = lock
        self._chroma = ChromaChunks(manifest, search_width=search_width)
        self._words = WordSearch(folder)
        self._draft: Path | None = None
        self._draft_is_sound = True
        self._next_checkpoint = 0.0

    @classmethod
    def create(cls, folder: Path, manifest: Manifest, lock: WriteLock, *, search_width: int) -> Store:
        """A new, empty collection in `folder`. The manifest comes last: before it there is no index."""
        store = cls(folder, manifest, lock, search_width=search_width)
        try:
            draft = versions.new_draft(folder)
            _records(draft).create()
            with chroma_errors(folder):
                store._chroma.create(draft / "chroma")
            versions.publish(folder)
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
        """Let go of all files. The next use opens them again."""
        self._words.close()
        self._chroma.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the write lock, and publish at the end what was changed, as one version.

        Raises StoreError at once if another process is writing, and where the changes cannot be written: then
        the index is as it was, or as a long writing last published it.
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
        """What is in the index, by name. Does not import Chroma."""
        infos = self._read(lambda place: _records(place).sources())
        return tuple(replace(info, base=full_base(info.base, info.source, self._folder)) for info in infos)

    def count(self) -> int:
        """Chunks in the index. Does not import Chroma."""
        return self._read(lambda place: _records(place).count())

    def stored(self) -> int:
        """Chunks in Chroma: more than `count` after an interrupted write, fewer where some are lost."""
        return self._read(lambda place: self._chroma.count(place / "chroma"))

    def sample(self) -> tuple[Chunk, int] | None:
        """Some chunk of the index with its vector's dimension; None where there is none."""
        return self._read(
            lambda place: self._chroma.sample(place / "chroma", _where(_records(place), Filters()))
        )

    def check(self) -> None:
        """Raises StoreError where the index is damaged, as far as that shows without reading every chunk."""
        self._read(self._check_at)

    def chunks(self, source: str) -> tuple[Chunk, ...]:
        """The chunks of one source in reading order; empty if it is not in the index."""
        return self._read(partial(self._chunks_at, source))

    def search(self, vector: Vectors, n: int, filters: Filters) -> tuple[Candidate, ...]:
        """The n nearest chunks of all that the filters let through, by cosine; ties by chunk id.

        `vector` is float32, (dimension,) or (1, dimension). Raises UsageError for an unknown metadata key.
        """
        (found,) = self.search_many(vector.reshape(1, -1), n, filters)
        return found

    def search_many(self, vectors: Vectors, n: int, filters: Filters) -> tuple[tuple[Candidate, ...], ...]:
        """`search` for each row of `vectors`, float32 (questions, dimension), in few questions to Chroma."""
        if not len(vectors):
            return ()
        return self._read(partial(self._search_at, vectors, n, filters))

    def search_words(self, question: str, vector: Vectors, n: int, filters: Filters) -> tuple[Candidate, ...]:
        """The n best chunks by BM25, each with its similarity to `vector`, the question's (dimension,).

        Raises UsageError for an unknown metadata key, StoreError where SQLite cannot search for words.
        """

        def found(place: Path) -> tuple[Candidate, ...]:
            with chroma_errors(self._folder):
                chunks = self._chroma.collection(place / "chroma")
                return self._words.search(_records(place), chunks, question, vector, n, filters)

        # What is published, even while this very store writes: only published generations are unique.
        return versions.reading(self._folder, found)

    def index_words(self) -> None:
        """What `search_words` would do first: index the words of what is new since it was last called."""

        def indexed(place: Path) -> None:
            with chroma_errors(self._folder):
                self._words.bring_in_step(_records(place), self._chroma.collection(place / "chroma"))

        versions.reading(self._folder, indexed)

    def replace(
        self, source: str, chunks: Sequence[Chunk], vectors: Vectors, *, title: str, format: str, sha256: str
    ) -> None:
        """`replace_all` for one source. `vectors` is float32 (len(chunks), dimension)."""
        self.replace_all([Update(source, title, format, sha256, tuple(chunks), vectors)])

    def replace_all(self, updates: Sequence[Update]) -> None:
        """Put each source's chunks in the place of all it had; a search sees the change whole, at the end.

        Many sources in one call cost little more than one: most of the time goes into waiting for the disk.
        """
        with self.writing():
            with self._change() as draft:
                records = _records(draft)
                generations = records.begin(len(updates))
                self._chroma.add(draft / "chroma", list(zip(generations, updates, strict=True)))
                now = datetime.now(UTC).isoformat(timespec="seconds")
                infos = [update.info(now, base=kept_base(update.base, self._folder)) for update in updates]
                records.commit(zip(generations, infos, strict=True))
                self._sweep(draft)
            if time.monotonic() > self._next_checkpoint:
                self._checkpoint()

    def rebase(self, bases: Mapping[str, str]) -> None:
        """Let the names of these sources start from other folders (see `SourceInfo.base`)."""
        if not bases:
            return
        with self.writing(), self._change() as draft:
            _records(draft).rebase({name: kept_base(base, self._folder) for name, base in bases.items()})

    def remove(self, source: str) -> int:
        """Take a source out of the index. Returns how many chunks that were; 0 if it was not there."""
        with self.writing():
            if self._read(lambda place: _records(place).generation(source)) is None:
                return 0
            with self._change() as draft:
                removed = _records(draft).retire(source)
                self._sweep(draft)
        return removed

    def _read(self, work: Callable[[Path], _Result]) -> _Result:
        """A writer reads what it writes, everybody else the current version."""
        return versions.reading(self._folder, work) if self._draft is None else work(self._draft)

    def _check_still_there(self) -> None:
        if read_manifest(self._folder) != self.manifest:
            raise StoreError(
                f"The index at {self._folder} was deleted or built anew meanwhile.",
                hint="Run the command again.",
            )

    @contextmanager
    def _change(self) -> Iterator[Path]:
        """The draft to change. After a failure it is not to be published: Chroma may have written a half."""
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
        lost = _records(place).count() - self._chroma.count(place / "chroma")
        if lost > 0:
            raise StoreError(
                f"The index at {self._folder} is damaged: {lost:,} of its chunks are missing in Chroma.",
                hint=DAMAGED_HINT,
            )

    def _checkpoint(self) -> None:
        started = time.monotonic()
        self._settle()
        versions.publish(self._folder, keep_draft=True)
        took = time.monotonic() - started
        self._next_checkpoint = time.monotonic() + max(_CHECKPOINT_SECONDS, took / _CHECKPOINT_SHARE)

    def _end_draft(self) -> None:
        """An interrupted writing keeps what it did: sources are whole in a draft at any time."""
        if self._draft is None:
            return
        try:
            if self._draft_is_sound:
                self._settle()
        except StoreError:
            self._draft_is_sound = False
            raise
        finally:
            self.close()
            self._draft = None
            if not self._draft_is_sound:
                versions.discard(self._folder)
        if self._draft_is_sound:
            versions.publish(self._folder)

    def _settle(self) -> None:
        self.close()
        if self._draft is not None:
            self._chroma.settle(self._draft / "chroma")

    def _sweep(self, draft: Path) -> None:
        """Delete the chunks that no source counts as its own."""
        records = _records(draft)
        stale = records.stale()
        if stale:
            self._chroma.delete(draft / "chroma", stale)
            records.forget(stale)

    def _chunks_at(self, source: str, place: Path) -> tuple[Chunk, ...]:
        generation = _records(place).generation(source)
        if generation is None:
            return ()
        return self._chroma.of_generation(place / "chroma", generation)

    def _search_at(
        self, vectors: Vectors, n: int, filters: Filters, place: Path
    ) -> tuple[tuple[Candidate, ...], ...]:
        where = _where(_records(place), filters)
        if where is None:
            return tuple(() for _ in vectors)
        found = self._chroma.nearest(place / "chroma", vectors, n, where)
        if not any(found):
            check_filters(filters, partial(self._chroma.first_chunks, place / "chroma"))
        return tuple(_ranked(pairs) for pairs in found)


def _records(place: Path) -> Records:
    return Records(place / "sources.sqlite3")


def _where(records: Records, filters: Filters) -> dict[str, Any] | None:
    """The filter as Chroma wants it: {} lets all through. None: nothing can match."""
    parts = conditions(filters)
    stale = records.stale()
    if stale:
        parts.append({"generation": {"$nin": list(stale)}})
    if filters.sources:
        known = [info.source for info in records.sources()]
        wanted = matching(known, filters.sources)
        if not wanted:
            return None
        if len(wanted) < len(known):
            parts.append({"source": {"$in": wanted}})
    return conjunction(parts) or {}


def _ranked(pairs: Sequence[tuple[float, Chunk]]) -> tuple[Candidate, ...]:
    ordered = sorted(pairs, key=lambda pair: (-pair[0], pair[1].id))
    return tuple(
        Candidate(chunk=chunk, similarity=similarity, base_rank=rank)
        for rank, (similarity, chunk) in enumerate(ordered, start=1)
    )
