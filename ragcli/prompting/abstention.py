"""Saying that there is no answer: if the passages are not relevant, or if the LLM says so itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragcli.config import PromptingConfig
from ragcli.text.sentences import split_sentences
from ragcli.types import Candidate

NO_ANSWER = "The documents do not answer this question."

NO_ANSWER_WORD = "NO_ANSWER"
"""What the prompt asks for if the passages have no answer."""

_HOLDERS = r"(?:documents?|passages?|context|texts?|sources?|facts|excerpts?|information|sentences?)"
_VERBS = r"(?:answer|contain|provide|mention|include|specify|state|say|hold|give|address|describe|discuss)"
_REFUSALS = re.compile(
    rf"""\W*(?:{NO_ANSWER_WORD.replace("_", "[_ ]")}\b
    | (?:\w+\W+){{0,6}}?{_HOLDERS}\b[^.]{{0,40}}?\b(?:do|does|did)(?:\ not|n['’]t)\s+(?:\w+\s+)?{_VERBS}
    | (?:i['’]?m\ )?(?:sorry|i)\b[^.]{{0,20}}?
      (?:do(?:\ not|n['’]t)\ know|can\s?not|can['’]t|could\ not|am\ unable)
    | (?:there\ is|i\ have|i\ found)\ (?:no|not\ enough)\ (?:answer|information|mention)
    | (?:the\ |an\ )?answer\b[^.]{{0,30}}?\b(?:is\ not|isn['’]t|cannot\ be|can['’]t\ be)\b
      [^.]{{0,20}}?\b(?:given|found|provided|mentioned|stated|determined|in\ the)
    | (?:it|this)\ is\ not\ (?:\w+\ )?(?:mentioned|stated|specified|provided|given|possible\ to)
    | not\ (?:mentioned|stated|specified|provided)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_GOES_ON = re.compile(r"\b(?:but|however|although)\b", re.IGNORECASE)


def below_threshold(candidates: Sequence[Candidate], config: PromptingConfig) -> bool:
    """Whether even the best candidate is less likely to be relevant than `min_probability` demands.

    Always false for candidates without a cross-encoder's score: a cosine is not a probability.
    """
    probabilities = [candidate.probability for candidate in candidates if candidate.probability is not None]
    return bool(probabilities) and max(probabilities) < config.min_probability


def is_abstention(text: str) -> bool:
    """Whether the LLM's text only says that there is no answer.

    "The documents do not mention the year, but it was spring." is an answer: it continues after the refusal.
    """
    sentences = [text[start:end] for start, end in split_sentences(text)]
    return bool(sentences) and all(_is_refusal(sentence) for sentence in sentences)


def _is_refusal(sentence: str) -> bool:
    refusal = _REFUSALS.match(sentence)
    return refusal is not None and not _GOES_ON.search(sentence, refusal.end())
