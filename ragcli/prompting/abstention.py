"""Saying that there is no answer: if the passages are not relevant, or if the LLM says so itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragcli.config import PromptingConfig
from ragcli.types import Candidate, MissedThreshold

NO_ANSWER = "The documents do not answer this question."

NO_ANSWER_WORD = "NO_ANSWER"
"""What the prompt asks for if the passages have no answer."""

_WORD = re.compile(rf"\W*{NO_ANSWER_WORD.replace('_', '[_ ]')}\b")


def missed_threshold(candidates: Sequence[Candidate], config: PromptingConfig) -> MissedThreshold | None:
    """`min_similarity` or `min_probability`, if even the best candidate has less than it asks for.

    The latter asks nothing of candidates without a cross-encoder's score: a cosine is not a probability.
    """
    # A similarity may be negative, and a floor of 0 means none.
    floor = config.min_similarity or -1.0
    similarity = max(candidate.similarity for candidate in candidates)
    if similarity < floor:
        return MissedThreshold("prompting.min_similarity", similarity, floor)
    probabilities = [candidate.probability for candidate in candidates if candidate.probability is not None]
    if probabilities and max(probabilities) < config.min_probability:
        return MissedThreshold("prompting.min_probability", max(probabilities), config.min_probability)
    return None


def is_abstention(text: str) -> bool:
    """Whether the text is what an LLM is asked to write if there is no answer, or what ragcli then says."""
    return text == NO_ANSWER or _WORD.match(text) is not None
