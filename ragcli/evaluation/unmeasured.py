"""Why a question has no place in ranking measures. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from ragcli.evaluation.records import JudgedQuestion, Run

Why = Literal[
    "has no answer in the documents",
    "has not been judged yet",
    "had no relevant passage among those judged",
    "names no passage of the index",
]


def why_unmeasured(run: Run) -> dict[str, Why]:
    """By the id of each question that ranking measures leave out."""
    missing = {gap.question_id for gap in run.missing}
    return {one.id: _why(one, one.id in missing) for one in run.questions if not one.ideal}


def count_unmeasured(run: Run) -> Counter[Why]:
    return Counter(why_unmeasured(run).values())


def _why(question: JudgedQuestion, is_missing: bool) -> Why:
    """What a judge found may be gone from the index: then it is missing."""
    if not question.answerable:
        return "has no answer in the documents"
    if question.left:
        return "has not been judged yet"
    if question.judged_by and not is_missing:
        return "had no relevant passage among those judged"
    return "names no passage of the index"
