"""Measures of an answer against gold answers and gold passages, one tiny function each.

Text is normalised as in SQuAD's evaluation: Rajpurkar et al. (2016), "SQuAD: 100,000+
questions for machine comprehension of text"; and, since documents have typographic quotes and dashes, without
Unicode's punctuation either, as in Lewis et al. (2020), "MLQA: evaluating cross-lingual extractive question
answering".
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[^\w\s]")


def normalised(text: str) -> str:
    """Lower case; without punctuation, then without articles; white space collapsed."""
    plain = "".join(character for character in text.lower() if not _is_punctuation(character))
    return " ".join(_ARTICLES.sub(" ", plain).split())


def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def exact_match(answer: str, golds: Sequence[str]) -> float:
    """1 if the normalised answer is one of the gold ones."""
    return float(any(normalised(answer) == normalised(gold) for gold in golds))


def token_f1(answer: str, golds: Sequence[str]) -> float:
    """The best harmonic mean of token precision and recall over the gold answers."""
    return max((_token_f1(normalised(answer).split(), normalised(gold).split()) for gold in golds), default=0)


def _token_f1(found: Sequence[str], gold: Sequence[str]) -> float:
    if not found or not gold:
        return float(not found and not gold)
    shared = sum((Counter(found) & Counter(gold)).values())
    return 2 * shared / (len(found) + len(gold))


def holds_answer(answer: str, golds: Sequence[str]) -> float:
    """1 if the words of a gold answer are in the answer, next to each other: short golds, full sentences.

    SQuAD's normal form makes one word of "localhost:8080", "-39°C" and "Greenland's". So it is enough if they
    are there where a number (1,500.5 is one) is a word of its own and a punctuation mark ends a word.
    """
    for form in (normalised, _apart):
        words = f" {form(answer)} "
        if any(f" {gold} " in words for gold in map(form, golds) if gold):
            return 1.0
    return 0.0


def _apart(text: str) -> str:
    """Lower case; each run of digits or of letters a word, as each other mark that is not punctuation."""
    words = _ARTICLES.sub(" ", " ".join(_WORD.findall(text.lower()))).split()
    return " ".join(word for word in words if not (len(word) == 1 and _is_punctuation(word)))


def citation_precision(cited: Collection[str], relevant: Collection[str]) -> float:
    """Share of the cited passages that are relevant; no value if nothing is cited."""
    return sum(passage in relevant for passage in cited) / len(cited) if cited else 0.0


def citation_recall(cited: Collection[str], relevant: Collection[str], context: Collection[str]) -> float:
    """Share of the relevant passages in the prompt that are cited; 0 if the prompt has none.

    Passages outside the prompt cannot be cited: missing those is the ranking's fault, and measured there.
    """
    shown = set(relevant) & set(context)
    return sum(passage in cited for passage in shown) / len(shown) if shown else 0.0
