"""Bring the index up to date with the files: add new ones, replace changed ones, drop those that are gone.

An ingest may be killed at any time: each source is replaced completely or not at all, and the next ingest
does the rest.

Reading, embedding and writing overlap, one group of files each, so that the encoder hardly ever waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ragcli import documents
from ragcli.config import Config
from ragcli.documents import UnreadableFile
from ragcli.documents.chunking import chunk
from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.errors import ConfigError, NothingFoundError
from ragcli.ingestion.planning import KEPT, Plan, Work, plan
from ragcli.stopwatch import Stopwatch
from ragcli.store import Index, Update, open_store
from ragcli.types import Chunk, Document, FileReport, FileStatus, IngestReport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]

Item = TypeVar("Item")

# Chunks embedded together, from whatever file: enough to sort by length, few enough for the memory.
_CHUNKS_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` files ("read", "store") or chunks ("embed": `total` grows as files are read).

    `share` is how much of the whole work is done, from 0 to 1, by the bytes of the files.
    """

    stage: str
    done: int
    total: int
    source: str
    share: float = 0.0


Listener = Callable[[Progress], None]


class _StoppedError(Exception):
    """The writer has given up, so what runs ahead of it stops as well."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    work: Work
    document: Document
    chunks: tuple[Chunk, ...]


def ingest(
    paths: Sequence[Path],
    *,
    config: Config,
    embedder: BiEncoder,
    prune: bool = False,
    dry_run: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Synchronise the index with the files below `paths`; other sources stay as they are.

    `prune` drops the sources whose files were below `paths` and are gone. A file that cannot be read is
    reported as skipped, and the index keeps what it has of it. `dry_run` reads and cuts, and writes nothing.

    Raises IngestError (a path that does not exist; with `prune`, a folder of which no file is left),
    ConfigError (chunks beyond the model's window), IndexMismatchError, StoreError (another ingest is
    running), ModelError.
    """
    _check_window(config, embedder)
    # Before the index is opened: a mistyped path must not leave an empty index behind.
    discovery = documents.discover(paths, config.ingest)
    with ExitStack() as stack:
        reader = stack.enter_context(documents.GuardedReader(config.ingest))
        run = _Run(config, embedder, reader, progress or (lambda _: None))
        index = _open(config, embedder, create=not dry_run)
        if index is not None:
            stack.enter_context(index)
        if index is not None and not dry_run:
            stack.enter_context(index.writing())
        with run.watch.stage("plan"):
            if index is not None:
                index.check()
            known = index.sources() if index is not None else ()
            todo = plan(paths, discovery, known, prune=prune)
        if index is None or dry_run:
            run.rehearse(todo)
        else:
            run.perform(todo, index)
    return run.report(todo, dry_run=dry_run)


class _Run:
    """One ingest: what it has written so far, and the seconds per stage."""

    def __init__(
        self, config: Config, embedder: BiEncoder, reader: documents.GuardedReader, progress: Listener
    ) -> None:
        self.watch = Stopwatch()
        self._started = time.perf_counter()
        self._config = config
        self._embedder = embedder
        self._reader = reader
        self._progress = progress
        self._files: list[FileReport] = []
        self._embedded = 0
        self._cut = 0
        self._bytes = self._bytes_read = 0
        self._share = 0.0
        self._stopped = Event()

    def perform(self, plan: Plan, index: Index) -> None:
        prepared = _ahead(_groups(self._prepared(plan.work)))
        with closing(_ahead(self._with_vectors(prepared))) as groups:
            try:
                for group, vectors in groups:
                    self._write(group, vectors, index, total=len(plan.work))
            except BaseException:
                self._stopped.set()
                # Do not wait for a file that takes long to parse.
                self._reader.__exit__(None, None, None)
                raise
        with self.watch.stage("store"):
            index.rebase(plan.moved)
            for info in plan.vanished:
                self._note(info.source, "removed", index.remove(info.source))

    def rehearse(self, plan: Plan) -> None:
        """What `perform` would do, without embedding and writing."""
        for prepared in self._prepared(plan.work):
            self._note_written(prepared)
        for info in plan.vanished:
            self._note(info.source, "removed", info.chunks)

    def report(self, plan: Plan, *, dry_run: bool) -> IngestReport:
        files = [*self._files, *plan.skipped]
        files += [FileReport(info.source, "unchanged", info.chunks) for info in plan.unchanged]
        files += [FileReport(info.source, "unchanged", info.chunks, KEPT) for info in plan.kept]
        files.sort(key=lambda file: file.source)
        replaced = {file.source for file in files if file.status == "replaced"}
        return IngestReport(
            files=tuple(files),
            chunks_written=sum(file.chunks for file in files if file.status in ("added", "replaced")),
            chunks_removed=sum(file.chunks for file in files if file.status == "removed")
            + sum(work.replaces or 0 for work in plan.work if work.source in replaced),
            seconds=time.perf_counter() - self._started,
            dry_run=dry_run,
            timings=self.watch.timings,
        )

    def _prepared(self, work: Sequence[Work]) -> Iterator[_Prepared]:
        """Reads and cuts each file; one that cannot be read is noted as skipped."""
        self._bytes = sum(item.size for item in work)
        for done, item in enumerate(work):
            self._check_stopped()
            self._tell("read", done, len(work), item.source)
            self._bytes_read += item.size
            try:
                with self.watch.stage("read"):
                    document = replace(self._reader.read(item.path), source=item.source)
                with self.watch.stage("chunk"):
                    chunks = chunk(document, self._config.chunking, self._embedder.token_spans)
            except UnreadableFile as problem:
                kept = "" if item.replaces is None else "; the index keeps its earlier text"
                self._files.append(FileReport(item.source, "skipped", 0, problem.reason + kept))
                continue
            self._cut += len(chunks)
            yield _Prepared(item, document, chunks)
        if work:
            self._tell("read", len(work), len(work), "")

    def _with_vectors(self, groups: Iterator[list[_Prepared]]) -> Iterator[tuple[list[_Prepared], Vectors]]:
        def advance(texts: int) -> None:
            self._check_stopped()
            self._embedded += texts
            self._tell("embed", self._embedded, self._cut, "")

        for group in groups:
            passages = [part.passage for prepared in group for part in prepared.chunks]
            self._load()
            with self.watch.stage("embed"):
                vectors = self._embedder.embed(passages, advance=advance)
            yield group, vectors

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise _StoppedError

    def _write(self, group: Sequence[_Prepared], vectors: Vectors, index: Index, *, total: int) -> None:
        # Chroma is imported, and opens the index, at the first change.
        with self.watch.stage("store", ("index",)):
            index.replace_all(_updates(group, vectors))
        for prepared in group:
            self._note_written(prepared)
        self._tell("store", len(self._files), total, group[-1].work.source)

    def _tell(self, stage: str, done: int, total: int, source: str) -> None:
        """What was read counts as far as its chunks are embedded, which takes nearly all of the time."""
        read = self._bytes_read / self._bytes if self._bytes else 0.0
        self._share = max(self._share, read * self._embedded / self._cut if self._cut else 0.0)
        self._progress(Progress(stage, done, total, source, self._share))

    def _load(self) -> None:
        """Loading at the first use is timed apart from the work."""
        if not self._embedder.is_warm:
            with self.watch.stage("load", ("bi-encoder",)):
                self._embedder.embed(["."])

    def _note_written(self, prepared: _Prepared) -> None:
        status: FileStatus = "added" if prepared.work.replaces is None else "replaced"
        self._note(prepared.work.source, status, len(prepared.chunks), prepared.document.notes)

    def _note(self, source: str, status: FileStatus, chunks: int, notes: tuple[str, ...] = ()) -> None:
        self._files.append(FileReport(source, status, chunks, notes=notes))


def _open(config: Config, embedder: BiEncoder, *, create: bool) -> Index | None:
    """The index; None if there is none and `create` is false."""
    try:
        return open_store(config, embedder, create=create)
    except NothingFoundError:
        return None


def _check_window(config: Config, embedder: BiEncoder) -> None:
    if config.chunking.size > embedder.window:
        raise ConfigError(
            f"chunking.size is {config.chunking.size}, but the bi-encoder {embedder.name} reads "
            f"{embedder.window} tokens at most.",
            hint=f"Set chunking.size to {embedder.window} or less.",
        )


def _updates(group: Sequence[_Prepared], vectors: Vectors) -> list[Update]:
    """The group's files, each with its rows of the vectors."""
    updates = []
    first = 0
    for prepared in group:
        document, end = prepared.document, first + len(prepared.chunks)
        rows = vectors[first:end]
        work = prepared.work
        update = Update(
            work.source,
            document.title,
            document.format,
            document.sha256,
            prepared.chunks,
            rows,
            base=work.base,
        )
        updates.append(update)
        first = end
    return updates


def _groups(prepared: Iterator[_Prepared]) -> Iterator[list[_Prepared]]:
    """Whole files of `_CHUNKS_AT_ONCE` chunks or more: that and the largest file bound the memory."""
    group: list[_Prepared] = []
    chunks = 0
    for item in prepared:
        group.append(item)
        chunks += len(item.chunks)
        if chunks >= _CHUNKS_AT_ONCE:
            yield group
            group, chunks = [], 0
    if group:
        yield group


def _ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """The same items; the next one is made in another thread while the caller works on this one."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ragcli-ahead") as other:
        coming = other.submit(_following, items)
        while made := coming.result():
            coming = other.submit(_following, items)
            yield made[0]


def _following(items: Iterator[Item]) -> tuple[Item, ...]:
    """The next item; an empty tuple at the end."""
    return tuple(islice(items, 1))
