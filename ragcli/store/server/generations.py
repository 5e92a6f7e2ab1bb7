"""Which generation of each source counts, in a collection on the server (see `folder.generations` for why).

A server has no transactions over several records, so each step is the writing of a single record. The record
of a source names its current generation: writing it is the commit. The record `state` has the next free
number and the suspects: generations whose chunks may be there although they are not current. A writer adds
them before its first chunk and removes them after the last one is deleted, so what a killed writer left is
found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragcli.store.chunk_table import pages
from ragcli.store.server.place import RECORDS_PER_CALL, ServerPlace
from ragcli.types import SourceInfo

_STATE = "state"
_IS_SOURCE = {"kind": "source"}
# Chroma requires a vector for every record, but nothing searches these by vector.
_VECTOR = [1.0]


@dataclass(frozen=True, slots=True)
class Hidden:
    """The generations whose chunks may be in Chroma and must not be shown.

    `mark` rises with every write: if it and the generations are unchanged, nothing was written in between.
    """

    generations: tuple[int, ...]
    mark: int


class ServerRecords:
    """Only the holder of the write lock may call what changes them."""

    def __init__(self, place: ServerPlace) -> None:
        self._place = place

    def create(self) -> None:
        self._write_state(1, [])

    def count(self) -> int:
        """Chunks of all sources."""
        return sum(info.chunks for info in self.sources())

    def is_empty(self) -> bool:
        with self._place.errors():
            where = {"$and": [_IS_SOURCE, {"chunks": {"$gt": 0}}]}
            return not self._place.sources().get(where=where, limit=1)["ids"]

    def sources(self) -> tuple[SourceInfo, ...]:
        with self._place.errors():
            rows = list(pages(self._place.sources(), RECORDS_PER_CALL, where=_IS_SOURCE))
        return tuple(sorted((_info(metadata) for metadata, _ in rows), key=lambda info: info.source))

    def generation(self, source: str) -> int | None:
        """The source's current generation, None if it is not in the index."""
        found = self._current([source])
        return found[0] if found else None

    def hidden(self) -> Hidden:
        """The generations whose chunks may be in Chroma and must not be shown."""
        mark, suspects = self._state()
        if not suspects:
            return Hidden((), mark)
        with self._place.errors():
            where = {"generation": {"$in": suspects}}
            rows = list(pages(self._place.sources(), RECORDS_PER_CALL, where=where))
        current = {metadata["generation"] for metadata, _ in rows}
        return Hidden(tuple(sorted(set(suspects) - current)), mark)

    def begin(self, sources: Sequence[str]) -> list[int]:
        """New generations for these sources, hidden until they are committed."""
        first, suspects = self._state()
        new = list(range(first, first + len(sources)))
        self._write_state(first + len(sources), [*suspects, *self._current(sources), *new])
        return new

    def commit(self, entries: Iterable[tuple[int, SourceInfo]]) -> None:
        """Make each generation the current one of its source, and the one before it hidden."""
        entries = list(entries)
        if entries:
            with self._place.errors():
                self._place.sources().upsert(
                    ids=[_id(info.source) for _, info in entries],
                    embeddings=[_VECTOR] * len(entries),
                    metadatas=[_metadata(generation, info) for generation, info in entries],
                )
        self._strike_out({generation for generation, _ in entries})

    def rebase(self, bases: Mapping[str, str]) -> None:
        rows = list(bases.items())
        for first in range(0, len(rows), RECORDS_PER_CALL):
            part = rows[first : first + RECORDS_PER_CALL]
            with self._place.errors():
                # Chroma leaves keys that an update does not name as they are.
                self._place.sources().update(
                    ids=[_id(source) for source, _ in part], metadatas=[{"base": base} for _, base in part]
                )

    def retire(self, source: str) -> int:
        """Remove the source; its generation becomes hidden. Returns how many chunks it had."""
        with self._place.errors():
            found = self._place.sources().get(ids=[_id(source)], include=["metadatas"])["metadatas"]
        if not found:
            return 0
        following, suspects = self._state()
        self._write_state(following, [*suspects, found[0]["generation"]])
        with self._place.errors():
            self._place.sources().delete(ids=[_id(source)])
        return int(found[0]["chunks"])

    def forget(self, generations: Iterable[int]) -> None:
        """These hidden generations have no chunk left in Chroma."""
        self._strike_out(set(generations))

    def _strike_out(self, generations: set[int]) -> None:
        following, suspects = self._state()
        self._write_state(following, [suspect for suspect in suspects if suspect not in generations])

    def _current(self, sources: Sequence[str]) -> list[int]:
        """The current generations of those of the sources that are in the index."""
        with self._place.errors():
            found = self._place.sources().get(ids=[_id(name) for name in sources], include=["metadatas"])
        return [int(metadata["generation"]) for metadata in found["metadatas"]]

    def _state(self) -> tuple[int, list[int]]:
        """The next free generation, and the suspects."""
        with self._place.errors():
            found = self._place.sources().get(ids=[_STATE], include=["metadatas", "documents"])
        return int(found["metadatas"][0]["next"]), json.loads(found["documents"][0])

    def _write_state(self, following: int, suspects: Sequence[int]) -> None:
        with self._place.errors():
            self._place.sources().upsert(
                ids=[_STATE],
                embeddings=[_VECTOR],
                metadatas=[{"kind": _STATE, "next": following}],
                # Chroma Cloud allows a document 16 kB and a metadata value 4.
                documents=[json.dumps(sorted(set(suspects)), separators=(",", ":"))],
            )


def _id(source: str) -> str:
    """A hash, since a path may be too long for an id."""
    return hashlib.sha256(source.encode()).hexdigest()


def _metadata(generation: int, info: SourceInfo) -> dict[str, str | int]:
    return {
        **_IS_SOURCE,
        "source": info.source,
        "title": info.title,
        "format": info.format,
        "chunks": info.chunks,
        "sha256": info.sha256,
        "ingested_at": info.ingested_at,
        "generation": generation,
        "base": info.base,
    }


def _info(metadata: dict[str, Any]) -> SourceInfo:
    return SourceInfo(
        source=metadata["source"],
        title=metadata["title"],
        format=metadata["format"],
        chunks=int(metadata["chunks"]),
        sha256=metadata["sha256"],
        ingested_at=metadata["ingested_at"],
        base=metadata.get("base", ""),
    )
