"""The weight of the bi-encoder's similarity relative to a cross-encoder's logit. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prior:
    """A passage is ordered by logit + weight_for(question) x similarity.

    `words`: questions with more words give the similarity more weight, in proportion; 0: no question does. A
    cross-encoder knows questions as long as those it was trained on; with a question as long as a paragraph
    it guesses, while the bi-encoder still sees the topic (figures in bench/reranker-log.md).
    """

    weight: float = 0.0
    words: int = 0

    def weight_for(self, question: str) -> float:
        if not self.words:
            return self.weight
        return self.weight * max(1.0, word_count(question) / self.words)


NO_PRIOR = Prior()


def word_count(question: str) -> int:
    return len(question.split())
