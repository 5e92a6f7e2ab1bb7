"""The chunks of a collection by their words: a lexical index, built from the chunks in Chroma.

Before each search it is updated to the generations of the version that is read, so it is never stale; a
generation that it has already costs nothing. One file serves all versions: no two published generations have
the same number. It takes no lock: a search must work while an ingest writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ragcli.errors import StoreError
from ragcli.retrieval.lexical import Entry, Hit, LexicalIndex, bring_in_step
from ragcli.store.chunk_table import ChunkTable, row_id
from ragcli.store.folder.generations import Records
from ragcli.store.metadata import check_filters, facts, matching, to_chunk
from ragcli.types import Candidate, Chunk, Filters, SourceInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]

FILE = "words.sqlite3"
# Chunks fetched and indexed in one transaction.
_AT_ONCE = 2000
# A process that reads another version may delete what this one needs, but not many times in a row.
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Found:
    hit: Hit
    chunk: Chunk
    similarity: float


class WordSearch:
    """`records` and `table` are those of the version that is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index = LexicalIndex(folder / FILE)

    def close(self) -> None:
        self._index.close()

    def bring_in_step(self, records: Records, table: ChunkTable) -> Mapping[int, SourceInfo]:
        """Index what is missing. Returns the current generations."""
        current = records.current()
        sizes = {generation: info.chunks for generation, info in current.items()}

        def load(generations: Sequence[int]) -> dict[int, list[Entry]]:
            found = _entries(table, generations)
            return {one: entries for one, entries in found.items() if len(entries) == sizes[one]}

        bring_in_step(self._index, sizes, load, at_once=_AT_ONCE)
        return current

    def search(
        self, records: Records, table: ChunkTable, question: str, vector: Vectors, n: int, filters: Filters
    ) -> tuple[Candidate, ...]:
        """The n best chunks by BM25, with their similarity to `vector`, float32 (dimension,)."""
        for _attempt in range(_ATTEMPTS):
            current = self.bring_in_step(records, table)
            hits = self._index.search(question, n, _wanted(current, filters), filters.where)
            found = None if hits is None else _fetch(table, hits, vector)
            if found is not None:
                if not found:
                    check_filters(filters, table.first_chunks)
                return tuple(
                    Candidate(
                        chunk=one.chunk,
                        similarity=one.similarity,
                        base_rank=rank,
                        lexical_rank=rank,
                        bm25=one.hit.score,
                    )
                    for rank, one in enumerate(found, start=1)
                )
        raise StoreError(
            f"The words of the index at {self._folder} cannot be brought in step with its chunks.",
            hint="If no ingest is running, the index is damaged: ragcli reset, then ragcli ingest PATH...",
        )


def _wanted(current: Mapping[int, SourceInfo], filters: Filters) -> list[int]:
    """The generations of the sources that match the globs."""
    if not filters.sources:
        return list(current)
    sources = set(matching([info.source for info in current.values()], filters.sources))
    return [generation for generation, info in current.items() if info.source in sources]


def _entries(table: ChunkTable, generations: Sequence[int]) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = {generation: [] for generation in generations}
    for metadata, text in table.of_generations(generations):
        chunk = to_chunk(metadata, text)
        found[metadata["generation"]].append(Entry(chunk.id, chunk.passage, facts(metadata)))
    return found


def _fetch(table: ChunkTable, hits: Sequence[Hit], vector: Vectors) -> list[_Found] | None:
    """The chunks of the hits, in their order; None if Chroma no longer has one of them."""
    import numpy as np

    if not hits:
        return []
    ids = [row_id(hit.part, hit.name) for hit in hits]
    rows = table.rows(ids)
    if len(rows) < len(hits):
        return None
    # Chroma stores unit vectors as it got them: the dot product is the cosine.
    similarities = np.asarray([rows[name][1] for name in ids], dtype=np.float32) @ vector.reshape(-1)
    return [
        _Found(hit, rows[name][0], float(similarity))
        for hit, name, similarity in zip(hits, ids, similarities, strict=True)
    ]
