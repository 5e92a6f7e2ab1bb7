"""Which chunks a question's gold names: by path, heading and evidence phrase. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath

from ragcli.evaluation.questions import Question
from ragcli.text.names import nfc
from ragcli.types import Chunk

_PLAIN = {
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\u02bc\u00b4"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb"), '"'),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-"),
    # The soft hyphen, and characters without width.
    **dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff")),
}
_DASHES = re.compile("-+")
# An underscore within a word belongs to its name.
_EMPHASIS = re.compile(r"[*`]|(?<!\w)_+|_+(?!\w)")


def relevant_chunks(question: Question, chunks: Iterable[Chunk]) -> frozenset[str]:
    """Ids of the chunks that answer the question.

    With evidence: chunks of the relevant documents (of any, if none is named) that contain one of the
    phrases, or the longer part of it if a chunk's edge cuts it. Without: all chunks of the relevant documents
    or headings.
    """
    named = [chunk for chunk in chunks if not question.relevant or _named(question, chunk)]
    phrases = [phrase for phrase in map(flat, question.evidence) if phrase]
    if not phrases:
        return frozenset(chunk.id for chunk in named) if question.relevant else frozenset()
    return frozenset(chunk.id for chunk in named if any(holds(flat(chunk.text), p) for p in phrases))


@lru_cache(maxsize=1 << 16)
def flat(text: str) -> str:
    """The text as it is compared: differences of typesetting or keyboard are ignored.

    That is case, white space, ligatures, curly quotes, dashes, soft hyphens, and Markdown's backticks and
    emphasis. Cached, since each question needs all texts.
    """
    # Before and after: NFKC makes a space and an accent of "´", and the prime of "‴" three times.
    plain = unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN).casefold()
    return " ".join(_EMPHASIS.sub("", _DASHES.sub("-", plain)).split())


def holds(text: str, phrase: str) -> bool:
    """Whether a `flat` text contains a `flat` phrase, or at least two thirds of its words at its edge.

    Short phrases count only whole.
    """
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
    """A file may have a # in its name, so the whole text is tried as a path too."""
    path, _, heading = name.partition("#")
    within = not heading or flat(heading) in map(flat, (chunk.title, *chunk.headings))
    return names_source(name, chunk.source) or (within and names_source(path, chunk.source))


@lru_cache(maxsize=1 << 16)
def names_source(path: str, source: str) -> bool:
    """Whether `path` is that of the document, or the end of it."""
    parts = PurePosixPath(nfc(path)).parts
    return bool(parts) and PurePosixPath(nfc(source)).parts[-len(parts) :] == parts
