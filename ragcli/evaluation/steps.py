"""Several retrievals in one run: what each change of retrieval does, and each reranking on top. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import fmean

from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.paired_tests import holm, paired_difference
from ragcli.evaluation.records import Arm, MeasureContrast, Step


def steps(arms: Sequence[Arm]) -> tuple[Step, ...]:
    """Empty if there is one retrieval; the arms have at least one question. `arms` as in a `Summary`."""
    names = list(dict.fromkeys(arm.retrieval for arm in arms))
    if len(names) < 2:
        return ()
    found = [Step(text, _row(before, after)) for text, before, after in _pairs(arms, names)]
    corrected = holm([step.row.difference.p_value for step in found])
    return tuple(
        replace(step, row=replace(step.row, p_holm=p_value))
        for step, p_value in zip(found, corrected, strict=True)
    )


def in_use(arms: Sequence[Arm], retrieval: str) -> list[Arm]:
    """A retrieval's own order, then its reranked ones, without those by only the cross-encoder's logits."""
    return [arm for arm in arms if arm.retrieval == retrieval and arm.kind != "cross-encoder alone"]


def _pairs(arms: Sequence[Arm], names: Sequence[str]) -> Iterator[tuple[str, Arm, Arm]]:
    first, *_ = names
    rerankers = len(in_use(arms, first)) - 1

    def by(arm: Arm) -> str:
        return f" by {arm.name}" if rerankers > 1 else ""

    for name in names[1:]:
        for before, after in zip(in_use(arms, first), in_use(arms, name), strict=True):
            what = f"{name} instead of {first}"
            yield f"{what}, reranked{by(after)}" if after.kind == "reranked" else what, before, after
    for name in names:
        base, *reranked = in_use(arms, name)
        for arm in reranked:
            yield f"reranking {name}{by(arm)}", base, arm


def _row(before: Arm, after: Arm) -> MeasureContrast:
    one, other = before.values[MAIN], after.values[MAIN]
    found = paired_difference(one, other)
    return MeasureContrast(MAIN, fmean(one), fmean(other), found, found.p_value)
