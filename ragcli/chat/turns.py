"""What a chat remembers, and what it shows about its last answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ragcli.encoders.occlusion import Occlusion
from ragcli.encoders.prior import Prior
from ragcli.types import Answer, Candidate, Chunk, Passage

Outcome = Literal["answered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer. `asked` is what was typed, `question` what was searched for.

    `answer` is None if it was stopped or failed; `candidates` and `passages`, those of the prompt,
    are still set if the search was done. `subject` is the title of the document that the answer
    cites first; "" if it cites none.
    """

    asked: str
    question: str
    candidates: tuple[Candidate, ...] = ()
    passages: tuple[Passage, ...] = ()
    answer: Answer | None = None
    subject: str = ""
    outcome: Outcome = "failed"


@dataclass(frozen=True, slots=True)
class Source:
    """A passage with the number in citations; passages that were not in the prompt get the numbers after.

    `in_prompt` is what the LLM read: the whole text, or chosen sentences; "" for nothing.
    """

    number: int
    candidate: Candidate
    in_prompt: str
    cited: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A passage with the text before and after it in its document; overlaps are shown once."""

    chunk: Chunk
    before: str
    after: str


def surroundings(chunk: Chunk, chunks: Sequence[Chunk]) -> Surroundings:
    """`chunks` are those of its document."""
    before = [other for other in chunks if other.index == chunk.index - 1]
    after = [other for other in chunks if other.index == chunk.index + 1]
    return Surroundings(chunk, _up_to(chunk, before), _from(chunk, after))


def _up_to(chunk: Chunk, before: list[Chunk]) -> str:
    return before[0].text[: max(0, chunk.start - before[0].start)] if before else ""


def _from(chunk: Chunk, after: list[Chunk]) -> str:
    return after[0].text[max(0, chunk.end - after[0].start) :] if after else ""


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """`chosen`: it is in the prompt."""

    text: str
    score: float
    chosen: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a passage has its rank. `sentences` are in reading order.

    Their scores are the ones that would choose them for a small LLM's prompt: the cross-encoder's logit with
    the bi-encoder's share (`prior`), or only the similarity if `reranked` is False. `occlusion` is None
    then: no cross-encoder was loaded.
    """

    source: Source
    of: int
    reranked: bool
    sentences: tuple[ScoredSentence, ...]
    question: str
    prior: Prior
    occlusion: Occlusion | None = None
