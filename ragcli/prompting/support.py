"""How far one sentence supports another, by the content words that they share."""

from __future__ import annotations

import re
from functools import lru_cache

from ragcli.text import stop_words

_WORD = re.compile(r"\d+(?:[.,]\d+)*(?:(?:st|nd|rd|th)\b)?|[^\W\d_]+(?:['’][^\W\d_]+)?")
_LIST_MARK = re.compile(r"\A\s*(?:\d{1,3}[.)]|[-*•])\s+")
_NUMERALS = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
# "First" to "third" stay words: they rarely say a figure ("first, ...", "a second", "third-party").
_ORDINALS = ("fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth")
_YES_OR_NO = re.compile(r"\W*(?:yes|no)\b", re.IGNORECASE)
_ENDINGS = ("ingly", "edly", "ation", "ings", "ing", "ies", "ied", "ed", "es", "ly", "s", "e", "y")
SHORTEST_STEM = 3


def lexical_support(claim: str, evidence: str) -> float:
    """The share of the claim's content words in the evidence, from 0 to 1.

    0 if the claim has a number that the evidence lacks: a wrong figure is not half right.
    """
    claimed = content_words(_LIST_MARK.sub("", claim))
    held = content_words(evidence)
    if not claimed or any(word[0].isdigit() and word not in held for word in claimed):
        return 0.0
    return len(claimed & held) / len(claimed)


def beyond(claim: str, question: str) -> str:
    """The claim without the words that the question has too."""
    asked = content_words(question)
    return " ".join(
        word for word in claim.split() if not content_words(word) or not content_words(word) <= asked
    )


def has_figures(text: str) -> bool:
    return any(word[0].isdigit() for word in content_words(text))


def without_figures(text: str) -> str:
    """The words of the text that are no number: a section's number is not what the section says."""
    return " ".join(word for word in text.split() if not has_figures(word))


def only_answers(claim: str) -> bool:
    """Whether the claim is "Yes." or "No, it does not.": what it says is in the question."""
    return _YES_OR_NO.match(claim) is not None and content_words(claim) <= {"yes"}


@lru_cache(maxsize=4096)
def content_words(text: str) -> frozenset[str]:
    """Lower-cased and without common endings; 1,600 is 1600 and four is 4, as are 4th and fourth."""
    words = (match.group().replace("’", "'") for match in _WORD.finditer(text.lower()))
    return frozenset(_stem(word) for word in words if word not in stop_words.CLAIMS)


def _stem(word: str) -> str:
    if word in _NUMERALS:
        return str(_NUMERALS.index(word))
    if word in _ORDINALS:
        return str(_ORDINALS.index(word) + 4)
    if word[0].isdigit():
        return word.rstrip("stndrh").replace(",", "")
    word = word.removesuffix("'s")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return word.removesuffix(ending)
    return word
