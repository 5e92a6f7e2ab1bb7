"""The reranker audit: faults of a cross-encoder's scores that a mean hides. Silent if all is well. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from ragcli.evaluation.arms import base_orders, reranked_order
from ragcli.evaluation.records import Run, Scoring
from ragcli.evaluation.results import Finding
from ragcli.text import stop_words

# Different texts hardly ever have the same float32 logit: if more than this share of neighbours tie, the
# scores were rounded (a bfloat16 logit, a saturated sigmoid).
TIES = 0.02
# Lists whose logits are closer together than this say nothing about their passages. Good cross-encoders
# spread the logits of fifty candidates over five to twenty.
FLAT_SPREAD = 0.05
FLAT_LISTS = 0.5
# A window that cuts this share of the pairs is worth a warning; a few long passages are not.
CUT = 0.01
UNCHANGED = 0.9
SHIPPED = "ragcli"
# English running text has 40 % function words and more; other languages share a few short ones.
ENGLISH = 0.1
LEAST_WORDS = 200
SAMPLE = 200


def audit(run: Run) -> tuple[Finding, ...]:
    """All findings: at most one of each kind per cross-encoder, over the first bi-encoder's candidates if it
    shows there. A check uses the questions with at least two candidates.
    """
    checks: tuple[tuple[str, Callable[[Run, Scoring], str]], ...] = (
        ("not-a-number", _not_a_number),
        ("ties", _ties),
        ("saturated", _saturated),
        ("unchanged", _unchanged),
        ("cut", _cut),
        ("language", _language),
    )
    found: dict[tuple[int, str], Finding] = {}
    for view in (run, *run.others):
        for place, scoring in enumerate(view.scorings):
            for code, check in checks:
                if (place, code) not in found and (text := check(view, scoring)):
                    found[place, code] = Finding(scoring.name, code, text)  # type: ignore[arg-type]
    return tuple(found.values())


def _lists(scoring: Scoring) -> list[tuple[float, ...]]:
    return [row for row in scoring.logits if len(row) > 1]


def _not_a_number(run: Run, scoring: Scoring) -> str:
    wrong = sum(not math.isfinite(logit) for row in scoring.logits for logit in row)
    return f"{wrong} scores are not numbers: they were ranked last" if wrong else ""


def _ties(run: Run, scoring: Scoring) -> str:
    ties = neighbours = 0
    for question, row in zip(run.questions, scoring.logits, strict=True):
        texts = [candidate.text for candidate in question.candidates]
        ranked = sorted(range(len(row)), key=lambda place: -row[place])
        for one, other in pairwise(ranked):
            neighbours += 1
            ties += row[one] == row[other] and texts[one] != texts[other]
    if not neighbours or ties / neighbours < TIES:
        return ""
    return f"{ties / neighbours:.0%} of neighbouring scores tie although their passages differ"


def _saturated(run: Run, scoring: Scoring) -> str:
    lists = _lists(scoring)
    flat = sum(max(row) - min(row) < FLAT_SPREAD for row in lists)
    if not lists or flat / len(lists) < FLAT_LISTS:
        return ""
    return f"the scores hardly differ within {flat} of {len(lists)} questions: they are saturated or empty"


def _unchanged(run: Run, scoring: Scoring) -> str:
    places = [place for place, row in enumerate(scoring.logits) if len(row) > 2]
    base = base_orders(run)
    # Headings change an order without the cross-encoder.
    without = replace(scoring, prior=replace(scoring.prior, headings=0.0))
    same = sum(
        reranked_order(run.questions[place], without, place, base[place]) == base[place] for place in places
    )
    if not places or same / len(places) < UNCHANGED:
        return ""
    return f"the order equals the base order for {same} of {len(places)} questions: nothing was reranked"


def _cut(run: Run, scoring: Scoring) -> str:
    pairs = sum(len(row) for row in scoring.logits)
    if not pairs or scoring.pairs_cut / pairs < CUT:
        return ""
    lost = scoring.tokens_cut / scoring.pairs_cut
    return (
        f"{scoring.pairs_cut} of {pairs} pairs are longer than {scoring.window} tokens and lost"
        f" {lost:.0f} each: raise reranking.max_tokens or ingest in smaller chunks"
    )


def _language(run: Run, scoring: Scoring) -> str:
    if scoring.name != SHIPPED:
        return ""
    for what, texts in (("questions", _questions(run)), ("passages", _passages(run))):
        if not is_english(texts):
            return f"the {what} do not look English, and the shipped cross-encoder was trained on English"
    return ""


def _questions(run: Run) -> list[str]:
    return [question.text for question in run.questions[:SAMPLE]]


def _passages(run: Run) -> list[str]:
    return [question.candidates[0].text for question in run.questions[:SAMPLE] if question.candidates]


def is_english(texts: Sequence[str]) -> bool:
    """By script, then by the share of function words. Text that is too short to tell counts as English."""
    letters = [letter for text in texts for letter in text[:1000] if letter.isalpha()]
    if len(letters) >= LEAST_WORDS and sum(map(_is_latin, letters)) / len(letters) < 0.5:
        return False
    words = list(_words(texts))
    return (
        len(words) < LEAST_WORDS or sum(word in stop_words.ENGLISH for word in words) / len(words) >= ENGLISH
    )


def _words(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        yield from re.findall(r"[^\W\d_]+", text[:1000].lower())


def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")
