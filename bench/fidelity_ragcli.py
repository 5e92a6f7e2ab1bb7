"""ragcli's reading of files, as one text in the order in which its chunks have the words."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fidelity_readers import Reading

if TYPE_CHECKING:
    from ragcli.types import Document


def ragcli(paths: Iterable[Path]) -> Iterator[Reading]:
    """Within the limits that an ingest has; a refused file has no text, and the reason as its note."""
    from ragcli.config import IngestConfig
    from ragcli.documents import GuardedReader, UnreadableFile

    with GuardedReader(IngestConfig()) as reader:
        for path in paths:
            started = time.perf_counter()
            try:
                document = reader.read(path)
            except UnreadableFile as problem:
                yield Reading(None, notes=[problem.reason])
                continue
            yield as_reading(document, time.perf_counter() - started)


def as_reading(document: Document, seconds: float = 0.0) -> Reading:
    """A heading is not separate text: it is read where its section begins."""
    parts: list[str] = []
    headings: list[str] = []
    open_now: tuple[str, ...] = ()
    page = None
    for block in document.blocks:
        if document.format == "pptx" and block.page != page:
            # The next slide may have the same title.
            open_now, page = (), block.page
        kept = 0
        while kept < min(len(open_now), len(block.headings)) and open_now[kept] == block.headings[kept]:
            kept += 1
        headings += block.headings[kept:]
        parts += [*block.headings[kept:], document.text[block.start : block.end]]
        open_now = block.headings
    return Reading(
        "\n".join(parts),
        [document.title, *headings],
        spare=document.title,
        seconds=seconds,
        notes=list(getattr(document, "notes", ())),
    )
