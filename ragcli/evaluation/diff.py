"""Two runs compared, question by question, with the same tests as two arms of one run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragcli.errors import UsageError
from ragcli.evaluation.arms import all_arms, judged_places
from ragcli.evaluation.contrasts import measure_contrasts
from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.records import Run
from ragcli.evaluation.results import Arm, ArmKind, MeasureContrast

SHOWN_QUESTIONS = 10


@dataclass(frozen=True, slots=True)
class ArmDiff:
    """The same kind of arm in both runs: its names, and each measure before and after."""

    kind: ArmKind
    name_before: str
    name_after: str
    measures: tuple[MeasureContrast, ...]


@dataclass(frozen=True, slots=True)
class QuestionDelta:
    """nDCG@10 of the order in use, in both runs."""

    id: str
    text: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting by its dotted key; None if a run does not have it."""

    key: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class RunDiff:
    """`shared` questions have the same id and text in both runs: all figures are for these only."""

    before: str
    after: str
    shared: int
    only_before: int
    only_after: int
    arms: tuple[ArmDiff, ...]
    questions: tuple[QuestionDelta, ...]
    settings: tuple[SettingChange, ...]


def compare_runs(before: Run, after: Run) -> RunDiff:
    """Raises UsageError if the runs share no judged question."""
    one, other = _places(before), _places(after)
    shared = [key for key in one if key in other]
    if not shared:
        raise UsageError(
            "The two runs share no judged question.",
            hint="Two questions are the same if their ids and their texts are.",
        )
    pairs = _arm_pairs(before, after)
    arms = tuple(
        ArmDiff(
            old.kind,
            old.name,
            new.name,
            measure_contrasts(
                _values(old, [one[key] for key in shared]), _values(new, [other[key] for key in shared])
            ),
        )
        for old, new in pairs
    )
    old, new = pairs[-1]
    deltas = [QuestionDelta(*key, old.values[MAIN][one[key]], new.values[MAIN][other[key]]) for key in shared]
    changed = sorted((d for d in deltas if d.before != d.after), key=lambda d: -abs(d.after - d.before))
    return RunDiff(
        before=before.title,
        after=after.title,
        shared=len(shared),
        only_before=len(one) - len(shared),
        only_after=len(other) - len(shared),
        arms=arms,
        questions=tuple(changed[:SHOWN_QUESTIONS]),
        settings=tuple(_setting_changes(before.settings, after.settings)),
    )


def _places(run: Run) -> dict[tuple[str, str], int]:
    """From (id, text) to the question's place among the judged ones."""
    judged = (run.questions[place] for place in judged_places(run))
    return {(question.id, question.text): place for place, question in enumerate(judged)}


def _arm_pairs(before: Run, after: Run) -> list[tuple[Arm, Arm]]:
    """The base orders, then the orders in use if both runs have a cross-encoder."""
    return list(zip(_first_arms(before), _first_arms(after), strict=False))


def _first_arms(run: Run) -> list[Arm]:
    first, *others = all_arms(run)
    return [first, *(arm for arm in others[:1] if arm.kind == "reranked")]


def _values(arm: Arm, places: Sequence[int]) -> dict[str, list[float]]:
    return {measure: [values[place] for place in places] for measure, values in arm.values.items()}


def _setting_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[SettingChange]:
    one, other = dict(_flat(before)), dict(_flat(after))
    for key in sorted({*one, *other}):
        if one.get(key) != other.get(key):
            yield SettingChange(key, one.get(key), other.get(key))


def _flat(settings: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(settings, list | tuple):
        for number, value in enumerate(settings):
            yield from _flat(value, f"{prefix}[{number}]")
    else:
        yield prefix, settings
