"""A document's chunks, one below the other: heading, place, tokens, text, and what is repeated."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ragcli.documents.inspection import Inspection, ShownChunk
from ragcli.reporting import plain_text as words
from ragcli.reporting.as_json import Fields
from ragcli.reporting.screens.terminal import READING_WIDTH

MARGIN = 4


def fields(found: Inspection) -> Fields:
    """For JSON."""
    return {
        "source": found.source,
        "title": found.title,
        "format": found.format,
        "in_index": bool(found.ingested_at),
        "ingested_at": found.ingested_at,
        "changed": found.changed,
        "chunk_size": found.chunk_size,
        "chunk_overlap": found.chunk_overlap,
        "chunks": [_chunk_fields(shown) for shown in found.chunks],
    }


def _chunk_fields(shown: ShownChunk) -> Fields:
    chunk = shown.chunk
    return {
        "chunk_id": chunk.id,
        "index": chunk.index,
        "headings": list(chunk.headings),
        "location": chunk.location,
        "tokens": chunk.tokens,
        "line_start": chunk.line_start,
        "line_end": chunk.line_end,
        "page_start": chunk.page_start,
        "page_end": chunk.page_end,
        "place": words.place(chunk),
        "start": chunk.start,
        "end": chunk.end,
        "repeated": shown.repeated,
        "text": chunk.text,
    }


def print_inspection(console: Console, found: Inspection) -> None:
    """Text repeated from the previous chunk is between marks, and dim on a terminal."""
    tokens = sum(shown.chunk.tokens for shown in found.chunks)
    facts = [found.title, found.format, words.count(len(found.chunks), "chunk"), f"{tokens:,} tokens"]
    cut = f"cut at {found.chunk_size} tokens, overlap {found.chunk_overlap}"
    console.print(Text(words.one_line(found.source), style="heading"), soft_wrap=not console.is_terminal)
    line = words.one_line(" · ".join([*facts, cut]))
    console.print(Text(line, style="quiet"), soft_wrap=not console.is_terminal)
    for shown in found.chunks:
        console.print()
        _print_chunk(console, shown)


def _print_chunk(console: Console, shown: ShownChunk) -> None:
    chunk = shown.chunk
    place = " · ".join(filter(None, [words.place(chunk), words.count(chunk.tokens, "token")]))
    if shown.repeated:
        place += f" · begins with {words.count(shown.repeated, 'character')} of the chunk before"
    head = Text(f"{chunk.index + 1:>{MARGIN - 1}} ", style="number")
    head.append(words.chunk_title(chunk), style="heading")
    body = Text(place + "\n", style="quiet")
    if shown.repeated:
        body.append(f"«{words.clean(chunk.text[: shown.repeated])}»", style="dim")
    body.append(words.clean(chunk.text[shown.repeated :]), style="default")
    if console.is_terminal:
        console.print(head)
        console.print(Padding(body, (0, 0, 0, MARGIN)), width=min(console.width, READING_WIDTH + MARGIN))
    else:
        console.print(head, soft_wrap=True)
        console.print(body, soft_wrap=True)


def print_notes(console: Console, found: Inspection) -> None:
    """Whether this is what a question would search: for stderr."""
    if not found.ingested_at:
        note = "note: not in the index; this is how ragcli ingest would cut it."
    elif found.changed:
        note = "note: the file has changed since it was ingested; ragcli ingest updates the index."
    else:
        return
    console.print(Text(note, style="warning"), soft_wrap=True)
