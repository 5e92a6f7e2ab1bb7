"""What a batch returns for each question: the result, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from ragcli.encoders.prior import Prior
from ragcli.errors import RagcliError
from ragcli.evaluation.questions import Question
from ragcli.types import Answer, Candidate, Comparison, Timing


@dataclass(frozen=True, slots=True)
class Outcome:
    """Exactly one of `result` and `error` is set."""

    question: Question
    result: Answer | Comparison | None
    error: RagcliError | None

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """In the order of the answer, of a comparison in the reranked one; none for a failure."""
        if isinstance(self.result, Comparison):
            return self.result.reranked_order
        return self.result.candidates if self.result is not None else ()

    @property
    def answers(self) -> tuple[Answer, ...]:
        """None for a failure, two for a comparison."""
        if isinstance(self.result, Answer):
            return (self.result,)
        arms = (self.result.base, self.result.reranked) if self.result is not None else ()
        return tuple(answer for answer in arms if answer is not None)

    @property
    def timings(self) -> tuple[Timing, ...]:
        """Everything done for this question, including both answers if there are two; empty for a failure."""
        shared = self.result.timings if isinstance(self.result, Comparison) else ()
        return (*shared, *(timing for answer in self.answers for timing in answer.timings))


@dataclass(frozen=True, slots=True)
class Models:
    """The names of a run's models and the prior; the cross-encoder's is empty without one.

    `retrieval` is the method: dense or hybrid.
    """

    embedder: str
    reranker: str
    prior: Prior
    llm: str
    retrieval: str = "dense"


@dataclass(frozen=True, slots=True)
class Counts:
    """How a batch ended. `kept` are from an earlier run."""

    answered: int
    kept: int
    failed: int
