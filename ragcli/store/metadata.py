"""Chunks to records in Chroma and back, and filters in the form that Chroma takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ragcli.errors import UsageError
from ragcli.text.names import nfc
from ragcli.types import Chunk, Filters, MetadataValue, SourceInfo

# The keys of ragcli's own that --where may name; the rest of the metadata is bookkeeping.
FILTERABLE = (
    "source",
    "title",
    "format",
    "index",
    "line_start",
    "line_end",
    "page_start",
    "page_end",
    "tokens",
)

# Prefix of what a document says about itself (author, date), so that it never replaces a key of ragcli's own.
_OWN = "own:"


def to_metadata(chunk: Chunk, *, generation: int, format: str) -> dict[str, MetadataValue]:
    """Chroma has no lists and no None: headings become JSON, and missing lines and pages are left out."""
    found: dict[str, MetadataValue | None] = {
        "chunk_id": chunk.id,
        "generation": generation,
        "source": chunk.source,
        "title": chunk.title,
        "format": format,
        "headings": json.dumps(chunk.headings, ensure_ascii=False),
        "index": chunk.index,
        "start": chunk.start,
        "end": chunk.end,
        "line_start": chunk.line_start,
        "line_end": chunk.line_end,
        "page_start": chunk.page_start,
        "page_end": chunk.page_end,
        "tokens": chunk.tokens,
        **{_OWN + key: value for key, value in chunk.metadata if key not in FILTERABLE},
    }
    return {key: value for key, value in found.items() if value is not None}


def facts(metadata: Mapping[str, Any]) -> dict[str, MetadataValue]:
    """The part of a chunk's metadata that a filter may name."""
    return {
        key.removeprefix(_OWN): value
        for key, value in metadata.items()
        if key in FILTERABLE or key.startswith(_OWN)
    }


def to_chunk(metadata: Mapping[str, Any], text: str) -> Chunk:
    return Chunk(
        id=metadata["chunk_id"],
        source=metadata["source"],
        index=metadata["index"],
        title=metadata["title"],
        headings=tuple(json.loads(metadata["headings"])),
        text=text,
        start=metadata["start"],
        end=metadata["end"],
        line_start=metadata.get("line_start"),
        line_end=metadata.get("line_end"),
        page_start=metadata.get("page_start"),
        page_end=metadata.get("page_end"),
        tokens=metadata["tokens"],
        format=metadata["format"],
        metadata=tuple(
            (key.removeprefix(_OWN), value) for key, value in metadata.items() if key.startswith(_OWN)
        ),
    )


def matching(sources: Sequence[str], globs: Sequence[str]) -> list[str]:
    """The sources that one of the globs matches, in any Unicode spelling; a folder's name matches all that is
    in it.
    """
    names = {nfc(glob).removeprefix("./").rstrip("/") for glob in globs}
    patterns = [*names, *(f"{name}/*" for name in names)]
    # A name may contain characters with a meaning in globs, like "[1].md": it still matches itself.
    return [
        source
        for source, name in ((source, nfc(source)) for source in sources)
        if name in names or any(fnmatchcase(name, pattern) for pattern in patterns)
    ]


def check_filters(filters: Filters, first_chunks: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
    """Raises UsageError for a key that no chunk has. Call it if nothing was found.

    `first_chunks` gives the metadata of each source's first chunk: what documents say about themselves.
    """
    unknown = [key for key, _ in filters.where if key not in FILTERABLE]
    if not unknown:
        return
    known = {key for metadata in first_chunks() for key in facts(metadata)} | set(FILTERABLE)
    own = sorted(known - set(FILTERABLE))
    for key in unknown:
        if key not in known:
            hint = f"Known are: {', '.join((*FILTERABLE, *own))}."
            raise UsageError(f"There is no metadata {key!r} to filter on.", hint=hint)


def chroma_filter(
    filters: Filters, hidden: Sequence[int], sources: Callable[[], Sequence[SourceInfo]]
) -> dict[str, Any] | None:
    """The filters in Chroma's form, with `hidden` generations excluded: {} matches everything, None means
    that nothing can match. `sources` gives all sources of the index.
    """
    parts: list[dict[str, Any]] = [
        {key if key in FILTERABLE else _OWN + key: {"$eq": value}} for key, value in filters.where
    ]
    if hidden:
        parts.append({"generation": {"$nin": list(hidden)}})
    if filters.sources:
        known = [info.source for info in sources()]
        wanted = matching(known, filters.sources)
        if not wanted:
            return None
        if len(wanted) < len(known):
            parts.append({"source": {"$in": wanted}})
    # Chroma refuses an $and of fewer than two conditions.
    return {"$and": parts} if len(parts) > 1 else next(iter(parts), {})
