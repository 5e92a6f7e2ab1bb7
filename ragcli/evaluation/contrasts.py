"""An arm against the base order: on every measure, paired by question. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.paired_tests import holm, paired_difference
from ragcli.evaluation.records import Arm, Contrast, MeasureContrast

# Below this a difference between two means is rounding, not a gap that could be closed.
NO_GAP = 1e-9


def contrast(base: Arm, arm: Arm, ceiling: float) -> Contrast:
    """`ceiling` is the nDCG@10 of a perfect order. The arms have at least one question."""
    gap = ceiling - base.means[MAIN]
    gained = arm.means[MAIN] - base.means[MAIN]
    return Contrast(
        arm=arm.name,
        kind=arm.kind,
        measures=measure_contrasts(base.values, arm.values),
        gap_closed=gained / gap if gap > NO_GAP else None,
        retrieval=arm.retrieval,
    )


def measure_contrasts(
    before: Mapping[str, Sequence[float]], after: Mapping[str, Sequence[float]]
) -> tuple[MeasureContrast, ...]:
    """One for each measure of both; the p-values are corrected over the measures that differ at all.

    A measure without a single difference (recall over all candidates never has one) is not tested: counting
    it would only weaken the others.
    """
    differences = {measure: paired_difference(before[measure], after[measure]) for measure in before}
    tested = [measure for measure, found in differences.items() if found.won or found.lost]
    corrected = dict(zip(tested, holm([differences[measure].p_value for measure in tested]), strict=True))
    return tuple(
        MeasureContrast(
            measure, fmean(before[measure]), fmean(after[measure]), found, corrected.get(measure, 1.0)
        )
        for measure, found in differences.items()
    )
