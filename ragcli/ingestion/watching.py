"""Keep an index up to date with files that change: look at them repeatedly, and ingest what has settled."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from ragcli import documents
from ragcli.config import IngestConfig
from ragcli.errors import IndexBusyError
from ragcli.types import IngestReport

LOOK_SECONDS = 2.0
# Files that are still being written are waited for, but not for ever: a log never settles.
PATIENCE_SECONDS = 60.0

State: TypeAlias = frozenset[tuple[str, int, int, int]]
"""(path, size, time of change, time of the record's change) of all files that an ingest would read."""

Pause = Callable[[float], None]


def watch(
    paths: Sequence[Path],
    config: IngestConfig,
    ingest: Callable[[], IngestReport],
    *,
    pause: Pause = time.sleep,
) -> Iterator[IngestReport | IndexBusyError]:
    """Endless: the first ingest, then one each time that the files have changed and settled.

    A report contains what changed, without unchanged files. If another process is writing to the index, the
    error is given once and the ingest tried again. Anything else that is raised ends it.
    """
    before: State = frozenset()
    ingested: State | None = None
    waited, told = 0.0, False
    while True:
        now = look(paths, config)
        is_settled = ingested is None or now == before or waited >= PATIENCE_SECONDS
        if now != ingested and is_settled:
            try:
                yield _changes(ingest())
                # The state before the ingest: what changed during it is seen at the next look.
                ingested, waited, told = now, 0.0, False
            except IndexBusyError as busy:
                if not told:
                    yield busy
                told = True
        before = now
        pause(LOOK_SECONDS)
        waited = waited + LOOK_SECONDS if now != ingested else 0.0


def look(paths: Sequence[Path], config: IngestConfig) -> State:
    """Raises IngestError, as an ingest of these paths does."""
    found = []
    for path in documents.discover(paths, config).files:
        try:
            status = os.stat(path)
        except OSError:
            # It is gone since it was found: the next look shows that.
            continue
        found.append((str(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return frozenset(found)


def _changes(report: IngestReport) -> IngestReport:
    return replace(report, files=tuple(file for file in report.files if file.status != "unchanged"))
