"""Several models in one run, each against the first bi-encoder's order. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ragcli.evaluation.arms import BASE_KINDS, all_arms
from ragcli.evaluation.depths import rerank_seconds
from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.paired_tests import holm, paired_difference
from ragcli.evaluation.records import Arm, Run, Standing


def standings(run: Run) -> tuple[Standing, ...]:
    """One for each bi-encoder and, below it, for each cross-encoder over its candidates; none if there is
    only one of each. The run has judged questions, and its other runs have the same.
    """
    if len(run.scorings) < 2 and not run.others:
        return ()
    found = [(view.embedder, arm, seconds) for view in (run, *run.others) for arm, seconds in _timed(view)]
    (_, first, _), *others = found
    differences = [paired_difference(first.values[MAIN], arm.values[MAIN]) for _, arm, _ in others]
    corrected = holm([difference.p_value for difference in differences])
    return tuple(
        Standing(name, arm, difference, p_value, seconds)
        for (name, arm, seconds), difference, p_value in zip(
            found, (None, *differences), (None, *corrected), strict=True
        )
    )


def _timed(run: Run) -> Iterator[tuple[Arm, float | None]]:
    """A bi-encoder with the time of embedding one question, a cross-encoder with that of reranking it."""
    depth = max((stage.depth for stage in run.seconds), default=0)
    model = -1
    first, *_ = arms = all_arms(run)
    for arm in arms:
        if arm.retrieval != first.retrieval:
            continue
        # The cross-encoder alone is the one before it, used in another way.
        model += arm.kind == "reranked"
        if arm.kind in BASE_KINDS.values():
            embed = [stage.seconds for stage in run.seconds if stage.stage == "embed" and stage.seconds]
            yield arm, median(embed[0]) if embed else None
        else:
            yield arm, rerank_seconds(run.seconds, depth, model)
