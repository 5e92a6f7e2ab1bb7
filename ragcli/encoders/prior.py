"""What the bi-encoder's similarity weighs beside a cross-encoder's logit. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prior:
    """A passage is ordered by logit + weight_for(question) x similarity.

    `words`: questions of more words weigh the similarity more, in proportion; 0: all weigh it the same. A
    cross-encoder knows questions as long as those it was trained on; one of a paragraph's length leaves it
    guessing, where the bi-encoder still sees what it is about (figures in bench/reranker-log.md).
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
