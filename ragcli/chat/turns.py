"""What a chat remembers, and what it shows of its last answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragcli.encoders.occlusion import Occlusion
from ragcli.encoders.prior import Prior
from ragcli.types import Answer, Candidate, Chunk, Passage

Outcome = Literal["answered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and what came of it. `asked` is what was typed, `question` what was searched for.

    `answer` is None where it was stopped or failed: then `candidates` and `passages`, those of the prompt,
    are there all the same if the search was done. `subject` is the title of the document that the answer
    cites first; "" where it cites none.
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
    """A passage by the number that the answer cites it with; those that no prompt held are counted on.

    `in_prompt` is what the LLM read of it: whole, or chosen sentences; "" for nothing.
    """

    number: int
    candidate: Candidate
    in_prompt: str
    cited: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A passage with what stands before and after it in its document; overlaps are shown once."""

    chunk: Chunk
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """`chosen`: it is in the prompt."""

    text: str
    score: float
    chosen: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a passage stands where it does. `sentences` are in reading order.

    Their scores are the ones that would choose them for a small LLM's prompt: the cross-encoder's logit with
    the bi-encoder's share (`prior`), or only the similarity where `reranked` is False. `occlusion` is None
    then: no cross-encoder was loaded.
    """

    source: Source
    of: int
    reranked: bool
    sentences: tuple[ScoredSentence, ...]
    question: str
    prior: Prior
    occlusion: Occlusion | None = None
