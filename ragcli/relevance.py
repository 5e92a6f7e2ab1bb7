"""Which chunks a question's gold names: by path, heading and evidence phrase. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath

from ragcli.letters import spelled_out
from ragcli.questions import Question
from ragcli.types import Chunk


def relevant_chunks(question: Question, chunks: Iterable[Chunk]) -> frozenset[str]:
    """Ids of the chunks that answer the question.

    With evidence: chunks of the relevant documents (of any, if none is named) that hold one of the phrases,
    or the longer part of it where a chunk's edge cuts it. Without: all chunks of the relevant documents or
    headings.
    """
    named = [chunk for chunk in chunks if not question.relevant or _named(question, chunk)]
    phrases = [phrase for phrase in map(flat, question.evidence) if phrase]
    if not phrases:
        return frozenset(chunk.id for chunk in named) if question.relevant else frozenset()
    return frozenset(chunk.id for chunk in named if any(_holds(flat(chunk.text), p) for p in phrases))


@lru_cache(maxsize=1 << 16)
def flat(text: str) -> str:
    """Lower case, white space collapsed: PDF lines break anywhere. Kept: each question asks for all texts."""
    return re.sub(r"\s+", " ", spelled_out(text)).strip().lower()


def _holds(text: str, phrase: str) -> bool:
    """The phrase, or two thirds of its words and more at an edge of the text (short phrases: only whole)."""
    if phrase in text:
        return True
    words = phrase.split()
    if len(words) < 6:
        return False
    return any(
        text.endswith(" ".join(words[:most])) or text.startswith(" ".join(words[-most:]))
        for most in range(-(-len(words) * 2 // 3), len(words))
    )


def _named(question: Question, chunk: Chunk) -> bool:
    return any(_matches(name, chunk) for name in question.relevant)


def _matches(name: str, chunk: Chunk) -> bool:
    """A file may have a # in its own name: the whole is tried as a path too."""
    path, _, heading = name.partition("#")
    within = not heading or heading.lower() in (part.lower() for part in (chunk.title, *chunk.headings))
    return _ends_with(chunk.source, name) or (within and _ends_with(chunk.source, path))


@lru_cache(maxsize=1 << 16)
def _ends_with(source: str, path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and PurePosixPath(source).parts[-len(parts) :] == parts
