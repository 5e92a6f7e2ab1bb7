"""How many of a question's words stand in a passage: where most do, the words alone find it. Pure."""

from __future__ import annotations

from ragcli.retrieval.lexical import terms


def word_overlap(question: str, passage: str) -> float | None:
    """The share of the question's different words, without stop words, that the passage has; None where the
    question has none but stop words. Singular and plural are one word.
    """
    asked = content_words(question)
    return len(asked & content_words(passage)) / len(asked) if asked else None


def content_words(text: str) -> frozenset[str]:
    """The different words without stop words; singular and plural are one word."""
    return frozenset(map(_singular, terms(text)))


def _singular(word: str) -> str:
    """Harman (1991), "How effective is suffixing?": the S stemmer."""
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return f"{word[:-3]}y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    return word[:-1] if word.endswith("s") and not word.endswith(("us", "ss")) else word
