"""An arm against the base order: on every measure, paired by question. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import ne
from statistics import fmean

from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.paired_tests import paired_difference
from ragcli.evaluation.results import Arm, Contrast, MeasureContrast

# Below this a difference between two means is rounding, not a gap that could be closed.
NO_GAP = 1e-9


def contrast(base: Arm, arm: Arm, ceiling: float) -> Contrast:
    """`ceiling` is the nDCG@10 of a perfect order of the base order's candidates; a ranking of another
    pipeline has others. The arms hold at least one question.
    """
    gap = ceiling - base.means[MAIN]
    gained = arm.means[MAIN] - base.means[MAIN]
    return Contrast(
        arm=arm.name,
        kind=arm.kind,
        measures=measure_contrasts(base.values, arm.values),
        gap_closed=gained / gap if gap > NO_GAP and arm.kind != "ranking" else None,
        retrieval=arm.retrieval,
    )


def main_row(contrast: Contrast) -> MeasureContrast:
    """Of the measure that verdicts speak of."""
    return next(row for row in contrast.measures if row.measure == MAIN)


def measure_contrasts(
    before: Mapping[str, Sequence[float]], after: Mapping[str, Sequence[float]]
) -> tuple[MeasureContrast, ...]:
    """One for each measure of both. That of the verdict, nDCG@10, is tested by itself; the others together.

    A measure without a single difference (recall over all candidates never has one) is not tested: counting
    it would only weaken the others.
    """
    differ = [name for name in before if name != MAIN and any(map(ne, before[name], after[name]))]
    return tuple(
        MeasureContrast(
            name,
            fmean(before[name]),
            fmean(after[name]),
            paired_difference(before[name], after[name], comparisons=len(differ) if name in differ else 1),
        )
        for name in before
    )
