"""Where questions and judgements come from, and what that means for the figures. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from statistics import fmean, median

from ragcli.evaluation.metrics import judged
from ragcli.evaluation.records import JudgedQuestion
from ragcli.evaluation.results import Arm

# A question that shares so many of its words with its passage is found by them alone.
HIGH_OVERLAP = 0.75
PERSON = "a person"
PEOPLE = "people"
"""What `judged_by` says if persons judged: "a person", "2 people"."""

CAUTION = (
    "LLM judges favour LLM-based rankers and miss small differences between systems (Balog et al. 2025, arXiv"
    " 2503.19092)."
)


def judged_shares(questions: Sequence[JudgedQuestion], arms: Sequence[Arm]) -> tuple[float, ...]:
    """judged@10 of each arm; empty where no question has a pool, that is, a passage judged not relevant next
    to one that nobody judged.
    """
    if not any(_has_pool(question) for question in questions):
        return ()
    return tuple(
        fmean(
            judged([question.candidates[place].judged for place in order])
            for question, order in zip(questions, arm.orders, strict=True)
        )
        for arm in arms
    )


def notes(questions: Sequence[JudgedQuestion], shares: Sequence[float]) -> tuple[str, ...]:
    return tuple(_notes(questions, shares))


def _notes(questions: Sequence[JudgedQuestion], shares: Sequence[float]) -> Iterator[str]:
    drafted = [question for question in questions if question.fields.get("drafted_by")]
    if drafted:
        models = ", ".join(dict.fromkeys(question.fields["drafted_by"] for question in drafted))
        reviewed = sum(question.fields.get("reviewed", "").lower() == "true" for question in drafted)
        yield _drafted(len(drafted), models, reviewed)
    overlaps = [question.overlap for question in drafted if question.overlap is not None]
    if overlaps and (typical := median(overlaps)) >= HIGH_OVERLAP:
        yield (
            f"The drafted questions share {100 * typical:.0f} % of their words with their passages: any"
            " retrieval finds such words, and what reranking adds to people's questions may be more."
        )
    if shares and min(shares) < 1:
        yield (
            f"Only {100 * min(shares):.0f} % of the first ten passages were judged, and the rest counts as"
            " not relevant. Of the figures marked *, hits and MRR can only be too low; nDCG, MAP and recall"
            " may be too high as well, as they divide by what is known to be relevant."
        )
    if machines := llm_judges([question.judged_by for question in questions]):
        yield f"Judged by {', '.join(machines)}. {CAUTION}"


def _drafted(number: int, models: str, reviewed: int) -> str:
    if number == 1:
        return f"1 question was drafted by {models} and {'' if reviewed else 'not '}reviewed by a person."
    return f"{number} questions were drafted by {models}, {reviewed} of them reviewed by a person."


def _has_pool(question: JudgedQuestion) -> bool:
    flags = {(candidate.judged, candidate.gain > 0) for candidate in question.candidates}
    return {(True, False), (False, False)} <= flags


def llm_judges(judges: Collection[str]) -> list[str]:
    """The LLMs among those who judged; several judges of one question stand as "a person and Qwen"."""
    names = (name for judge in judges for name in judge.split(" and "))
    return [name for name in dict.fromkeys(names) if name and name != PERSON and not name.endswith(PEOPLE)]
