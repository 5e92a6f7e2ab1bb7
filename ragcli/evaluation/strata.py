"""For whom: the questions in groups, by a field of the question file or by what they are like. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import fmean

from ragcli.errors import UsageError
from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.paired_tests import paired_difference
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import JudgedQuestion
from ragcli.evaluation.results import Stratified, Stratum

# More groups than this make no table that anybody reads: the smallest become one.
MOST_STRATA = 12
WITHOUT = "(none)"
LENGTHS = ((5, "to 5 words"), (10, "6-10 words"), (20, "11-20 words"))
LONGER = "over 20 words"
OVERLAPS = ((1 / 3, "under 1/3"), (2 / 3, "1/3 to 2/3"))
MOST_WORDS = "2/3 or more"
UNKNOWN = "unknown"


def _document(question: JudgedQuestion) -> str:
    if not question.sources:
        return UNKNOWN
    return question.sources[0] if len(question.sources) == 1 else "several documents"


def _length(question: JudgedQuestion) -> str:
    words = len(question.text.split())
    return next((name for most, name in LENGTHS if words <= most), LONGER)


def _overlap(question: JudgedQuestion) -> str:
    if question.overlap is None:
        return UNKNOWN
    return next((name for most, name in OVERLAPS if question.overlap < most), MOST_WORDS)


COMPUTED: dict[str, Callable[[JudgedQuestion], str]] = {
    "document": _document,
    "length": _length,
    "overlap": _overlap,
}
"""Groups that need no field in the question file."""
IN_ORDER = (*(name for _, name in LENGTHS), LONGER, *(name for _, name in OVERLAPS), MOST_WORDS)


def stratum_of(question: JudgedQuestion, by: str) -> str:
    """The group of a question. A field of the file comes before what is computed under the same name."""
    if by in question.fields or by == "grade":
        return question.fields.get(by, question.grade) or WITHOUT
    return COMPUTED[by](question) if by in COMPUTED else WITHOUT


def check_fields(by: Sequence[str], questions: Sequence[JudgedQuestion | Question]) -> None:
    """Raises UsageError for what no question has."""
    known = dict.fromkeys(name for question in questions for name in question.fields)
    if any(question.grade for question in questions):
        known["grade"] = None
    for name in by:
        if name not in known and name not in COMPUTED:
            raise UsageError(
                f"--by {name}: no question has a field of this name.",
                hint=f"One of: {', '.join([*known, *COMPUTED])}.",
            )


def stratified(
    questions: Sequence[JudgedQuestion],
    before: Sequence[float],
    after: Sequence[float],
    *,
    by: str,
    measure: str = MAIN,
) -> Stratified:
    """A measure of each question in both arms, in groups; the intervals hold for all groups together."""
    groups = _groups([stratum_of(question, by) for question in questions])
    differ = sum(any(before[place] != after[place] for place in places) for places in groups.values())
    return Stratified(
        by,
        measure,
        tuple(
            _stratum(name, [before[place] for place in places], [after[place] for place in places], differ)
            for name, places in groups.items()
        ),
    )


def _stratum(name: str, before: Sequence[float], after: Sequence[float], comparisons: int) -> Stratum:
    found = paired_difference(before, after, comparisons=max(1, comparisons))
    return Stratum(name, len(before), fmean(before), fmean(after), found)


def _groups(names: Sequence[str]) -> dict[str, list[int]]:
    """The places of the questions by group: bands in their order, others as the file has them."""
    counts = Counter(names)
    kept = dict(counts.most_common(MOST_STRATA - 1)) if len(counts) > MOST_STRATA else dict(counts)
    ordered = sorted(kept, key=lambda name: IN_ORDER.index(name) if name in IN_ORDER else len(IN_ORDER))
    groups: dict[str, list[int]] = {name: [] for name in ordered}
    others = f"{len(counts) - len(kept)} others"
    for place, name in enumerate(names):
        groups.setdefault(name if name in kept else others, []).append(place)
    return groups
