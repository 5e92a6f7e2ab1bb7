"""A passage with what stands around it in its document, for an LLM that can read more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from ragcli.types import Chunk, Passage

Expand = Literal["none", "neighbours", "section"]
ChunksOf = Callable[[str], Sequence[Chunk]]
"""All chunks of the document that a source names."""


def expanded(
    passages: Sequence[Passage],
    expand: Expand,
    room: int,
    *,
    chunks_of: ChunksOf,
    count_tokens: Callable[[str], int],
) -> tuple[Passage, ...]:
    """The passages, the best ranked first, with the chunks before and after them: those next to each, or all
    of its section, nearest first, while `room` tokens last (what chunks share is counted twice).

    No text comes twice: a chunk that is a passage itself, or that a better passage took, is not taken again.
    """
    if expand == "none":
        return tuple(passages)
    taken = {passage.candidate.chunk.id for passage in passages}
    found: list[Passage] = []
    for passage in passages:
        chunk = passage.candidate.chunk
        around = {other.index - chunk.index: other for other in chunks_of(chunk.source)}
        reach = 1 if expand == "neighbours" else len(around)
        first, last, used = 0, 0, 0
        for step in (way * distance for distance in range(1, reach + 1) for way in (-1, 1)):
            other = around.get(step)
            if other is None or other.id in taken or step not in (first - 1, last + 1):
                continue
            cost = count_tokens(f"\n\n{other.text}")
            if used + cost <= room and (expand == "neighbours" or other.headings == chunk.headings):
                first, last, used = min(first, step), max(last, step), used + cost
                taken.add(other.id)
        room -= used
        text = joined([around[place] for place in range(first, last + 1)] if used else [chunk])
        found.append(replace(passage, text=text, tokens=passage.tokens + used))
    return tuple(found)


def joined(chunks: Sequence[Chunk]) -> str:
    """The text of chunks that follow each other, what they share once."""
    text, end = "", chunks[0].start
    for chunk in chunks:
        gap = "\n\n" if chunk.start > end else ""
        text += gap + chunk.text[max(0, end - chunk.start) :]
        end = max(end, chunk.end)
    return text
