"""The weight of the bi-encoder's similarity relative to a cross-encoder's logit. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# A smaller difference of two cosines says nothing: without the margin abstracts lost, whose titles are about
# as near as they are (figures in bench/reranker-log.md).
HEADINGS_MARGIN = 0.05


@dataclass(frozen=True, slots=True)
class Prior:
    """A passage is ordered by logit + weight_for(question) x nearness(...).

    `words`: questions with more words give the similarity more weight, in proportion; 0: no question does. A
    cross-encoder knows questions as long as those it was trained on; with a question as long as a paragraph
    it guesses, while the bi-encoder still sees the topic (figures in bench/reranker-log.md).

    `headings`: the title and headings of a passage may be nearer to the question than the passage as a
    whole, whose vector is mostly of its text. This share of what they are more similar, by more than
    HEADINGS_MARGIN, is added to the similarity; 0: nothing is.
    """

    weight: float = 0.0
    words: int = 0
    headings: float = 0.0

    @property
    def reads_headings(self) -> bool:
        """Whether the similarity of the headings can change an order."""
        return self.weight > 0 and self.headings > 0

    def weight_for(self, question: str) -> float:
        if not self.words:
            return self.weight
        return self.weight * max(1.0, word_count(question) / self.words)

    def nearness(self, similarity: float, heading_similarity: float | None = None) -> float:
        """The similarity, raised by that of the headings; None if the passage has no headings."""
        if heading_similarity is None:
            return similarity
        return similarity + self.headings * max(0.0, heading_similarity - similarity - HEADINGS_MARGIN)


NO_PRIOR = Prior()


def word_count(question: str) -> int:
    return len(question.split())
