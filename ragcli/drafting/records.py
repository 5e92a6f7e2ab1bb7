"""What drafting hands from one step to the next: plain and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["easy", "paraphrased", "confusable", "unanswerable"]
KINDS: tuple[Kind, ...] = get_args(Kind)

SHARES: Mapping[Kind, int] = {"easy": 30, "paraphrased": 30, "confusable": 25, "unanswerable": 15}
"""Of a file of drafts, unless others are asked for."""

Reason = Literal[
    "unreadable",
    "too short",
    "dangling reference",
    "vague",
    "gives its answer away",
    "quotation not found",
    "answer not in its quotation",
    "of the prompt's example",
    "duplicate",
    "not in other words",
    "answerable without the documents",
    "not answered by its passage",
    "answered by the index",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
"""Why a draft is not kept, in the order in which that is looked for: what costs nothing first."""


@dataclass(frozen=True, slots=True)
class Gold:
    """A passage that answers, by its document and a verbatim sentence of it."""

    source: str
    quotation: str


@dataclass(frozen=True, slots=True)
class Draft:
    """`gold[0]` is the passage that it was drafted from, the others are rivals that answer too; empty, like
    `answer`, where the question is unanswerable.
    """

    kind: Kind
    question: str
    answer: str
    gold: tuple[Gold, ...]


@dataclass(frozen=True, slots=True)
class Rejection:
    """`question` is what the LLM had written, as far as it got."""

    reason: Reason
    question: str = ""
