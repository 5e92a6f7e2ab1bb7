"""What is wrong with a draft and can be seen without asking anybody. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from ragcli.drafting.records import Reason
from ragcli.drafting.vagueness import Vocabulary, is_vague
from ragcli.evaluation.answer_measures import holds_answer, normalised, token_f1
from ragcli.evaluation.overlap import word_overlap
from ragcli.evaluation.relevance import flat
from ragcli.retrieval.lexical import terms
from ragcli.text.sentences import split_sentences

FEWEST_WORDS = 5
FEWEST_QUOTED = 4
SAME = 0.8
"""Questions that share this part of all their words but stop words are duplicates."""
AGREES = 0.6
"""The F1 of words from which on two short answers say the same."""
NEARLY = 0.8
"""The F1 of words from which on a quotation is a sentence copied badly, and not another one."""
MOSTLY_OTHER = 0.5
"""The largest part of a paraphrase's words, without stop words, that the passage may have."""
LONGEST_COPY = 7
"""Words of the passage in a row: a question with more is its sentence with a question mark."""

_WORD = re.compile(r"\w+")
# What names the place where the answer stands, and means nothing to somebody who has not seen it.
_PLACE = r"(?:passage|text|excerpt|paragraph|section)"
_PLACES = rf"(?:{_PLACE}|document|article|chapter|page|sentence|statement|list|table)"
_DANGLING = re.compile(
    rf"\b(?:this|these|those|the (?:above|following|given|provided)|th(?:e|at) {_PLACE})\b"
    rf"|\b(?:mentioned|described|listed|stated|given|shown|according to)\b.*\b{_PLACES}\b"
    r"|\b(?:mentioned|listed|described) (?:above|below|here)\b",
    re.IGNORECASE,
)
# A pronoun before anything that it could stand for. The "it" of "how long does it take" stands for nothing.
_PRONOUN = re.compile(
    r"^\W*(?:\w+\W+){1,3}(?:they|them|he|she|it(?!\W+(?:take|cost\W+to|possible|necessary|allowed)))\b",
    re.IGNORECASE,
)


def is_too_short(question: str) -> bool:
    return len(_words(question)) < FEWEST_WORDS


def dangles(question: str) -> bool:
    """Whether it points at something that its reader does not see: "this section", "it"."""
    return bool(_DANGLING.search(question) or _PRONOUN.match(question))


def is_quoted(quotation: str, text: str) -> bool:
    """Word for word, whatever the typesetting; a few words could stand anywhere."""
    return len(_words(quotation)) >= FEWEST_QUOTED and flat(quotation) in flat(text)


def verbatim(quotation: str, text: str) -> str:
    """The quotation if the text holds it, else the sentence that it was meant to copy, as small LLMs change a
    word here and there. Empty if there is none.
    """
    if is_quoted(quotation, text):
        return quotation
    sentences = [" ".join(text[start:end].split()) for start, end in split_sentences(text)]
    meant = max(sentences, key=lambda sentence: token_f1(sentence, [quotation]), default="")
    copied = token_f1(meant, [quotation]) >= NEARLY and is_quoted(meant, text)
    return meant if copied else ""


def is_duplicate(question: str, earlier: Iterable[str]) -> bool:
    words = _content(question)
    return any(_share(words, _content(other)) >= SAME for other in earlier)


def agrees(one: str, other: str) -> bool:
    """Whether two short answers say the same: either holds the other, or most of their words are."""
    held = holds_answer(one, [other]) or holds_answer(other, [one])
    return bool(held) or token_f1(one, [other]) >= AGREES


def may_state(text: str, answer: str) -> bool:
    """Whether a text has most words of an answer: another one cannot state it."""
    wanted, held = set(normalised(answer).split()), set(normalised(text).split())
    return len(wanted & held) >= AGREES * len(wanted) or bool(holds_answer(text, [answer]))


def in_other_words(question: str, passage: str) -> bool:
    return (word_overlap(question, passage) or 0.0) <= MOSTLY_OTHER


def copies(question: str, passage: str) -> bool:
    """Whether more of the passage's words follow one another in the question than chance explains."""
    asked, held = _words(question), f" {' '.join(_words(passage))} "
    runs = (asked[start : start + LONGEST_COPY + 1] for start in range(len(asked) - LONGEST_COPY))
    return any(f" {' '.join(run)} " in held for run in runs)


def is_unclear(question: str, vocabulary: Vocabulary) -> bool:
    """Whether only somebody who has the passage in view knows what it is about."""
    return dangles(question) or is_vague(question, vocabulary)


def shared_words(question: str, passage: str) -> tuple[str, ...]:
    """The question's words, without stop words, that stand in the passage too."""
    held = set(_words(passage))
    return tuple(dict.fromkeys(word for word in terms(question) if word in held))


def unusable(question: str, answer: str, earlier: Iterable[str], vocabulary: Vocabulary) -> Reason | None:
    """What rules out any question; `answer` is empty if it has none."""
    if is_too_short(question):
        return "too short"
    if dangles(question):
        return "dangling reference"
    if is_vague(question, vocabulary):
        return "vague"
    if holds_answer(question, [answer]):
        return "gives its answer away"
    return "duplicate" if is_duplicate(question, earlier) else None


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _content(question: str) -> frozenset[str]:
    return frozenset(terms(question))


def _share(one: Collection[str], other: Collection[str]) -> float:
    """Jaccard (1912): what both have of what either has."""
    either = set(one) | set(other)
    return len(set(one) & set(other)) / len(either) if either else 1.0
