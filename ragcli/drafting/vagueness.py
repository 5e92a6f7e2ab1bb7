"""Whether a question names what it is about: nobody can tell which command "the command" is. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ragcli.evaluation.overlap import content_words
from ragcli.text import stop_words

FEWEST_CONTENT = 2
RARE = 0.05
"""The largest part of the passages in which a word that says what a question is about may stand."""
FEW = 3
"""As many passages are a small part of any index."""

# What a question about anything may be made of: the frame in which its subject stands.
_FRAME = content_words(
    " ".join(stop_words.CLAIMS)
    + " allow allowed amount answer available case cause certain condition contain date day default"
    " describe described describing detail different document effect example explain fact far feature"
    " first following function general get give given happen hour important include included"
    " information kind last like list listed long made main make many may maximum mean mention"
    " mentioned method might minimum minute month much must name necessary need needed new next number"
    " often one part passage per percent possible process provide provided purpose question reason"
    " required requirement result role rule said say second section set shall someone something"
    " specific specified step table take taken text thing three time total two type use used using"
    " value various way week work year"
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """In how many of the passages each word stands."""

    counts: Mapping[str, int]
    passages: int

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        counts: Counter[str] = Counter()
        passages = 0
        for text in texts:
            counts.update(content_words(text))
            passages += 1
        return cls(counts, passages)

    def is_rare(self, word: str) -> bool:
        """A word that no passage has is rare too: people ask in words of their own."""
        return self.counts.get(word, 0) <= max(FEW, RARE * self.passages)


def is_vague(question: str, vocabulary: Vocabulary) -> bool:
    """Whether there are too few words but those of any question, or all of them are all over the index.

    Whether the words lead to the passage is not asked: a paraphrase need not share any, and questions
    chosen by what a search finds would decide what they are to measure.
    """
    words = content_words(question) - _FRAME
    return len(words) < FEWEST_CONTENT or not any(map(vocabulary.is_rare, words))
