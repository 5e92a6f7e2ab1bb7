"""What a trained model adds on questions it has never seen: the measurement that decides whether it is
written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TypeAlias

from ragcli.encoders.prior import Prior
from ragcli.evaluation.paired_tests import Difference, paired_difference
from ragcli.training.ranking import RankingTask, base_ndcg, ndcg_per_question

# The weights of the bi-encoder's similarity that are tried. Within one list, cosines differ by about 0.3
# between the first candidate and the fiftieth, logits by about 10.
PRIOR_WEIGHTS = (0.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)


Rows: TypeAlias = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Start:
    """The cross-encoder that training starts from: its logits for each set's tasks, and its own prior."""

    rows: Mapping[str, Rows]
    prior: Prior


@dataclass(frozen=True, slots=True)
class SetGain:
    """nDCG@10 of one held-out set: bi-encoder, cross-encoder, and cross-encoder with the prior."""

    name: str
    questions: int
    base: float
    cross_encoder: float
    with_prior: float


@dataclass(frozen=True, slots=True)
class Gain:
    """`pure` compares the cross-encoder alone with the bi-encoder's order, `prior` with the chosen prior.

    `over_start` compares, prior included, with the cross-encoder that training started from; None where it
    started from an encoder without one.
    """

    chosen: Prior
    sets: tuple[SetGain, ...]
    pure: Difference
    prior: Difference
    over_start: Difference | None = None

    @property
    def is_shown(self) -> bool:
        """Better than the bi-encoder's order beyond chance, and no worse than the model it started from."""
        beyond_chance = self.prior.sure and self.prior.mean > 0
        return beyond_chance and (self.over_start is None or self.over_start.mean >= 0)


def choose_prior(
    tasks: Mapping[str, Sequence[RankingTask]], rows: Mapping[str, Rows], words: int = 0
) -> Prior:
    """The weight with the best mean over sets (each set counts the same); the smaller one of equals."""

    def mean_over_sets(weight: float) -> float:
        prior = Prior(weight, words)
        return fmean(fmean(ndcg_per_question(tasks[name], rows[name], prior)) for name in tasks)

    best = max(PRIOR_WEIGHTS, key=lambda weight: (round(mean_over_sets(weight), 4), -weight))
    return Prior(best, words)


def measure_gain(
    tasks: Mapping[str, Sequence[RankingTask]],
    rows: Mapping[str, Rows],
    start: Start | None = None,
    prior_weight: float | None = None,
    prior_words: int = 0,
) -> Gain:
    """Measured on every other question; the prior's weight, unless given, is chosen on the ones between."""
    tuning = {name: list(tasks[name])[0::2] for name in tasks}
    tuning_rows = {name: list(rows[name])[0::2] for name in tasks}
    if prior_weight is None:
        chosen = choose_prior(tuning, tuning_rows, prior_words)
    else:
        chosen = Prior(prior_weight, prior_words)
    if start:
        # Training pairs have no headings to choose this by.
        chosen = replace(chosen, headings=start.prior.headings)
    sets: list[SetGain] = []
    base: list[float] = []
    pure: list[float] = []
    prior: list[float] = []
    started: list[float] = []
    for name in tasks:
        rest, logits = list(tasks[name])[1::2], list(rows[name])[1::2]
        if not rest:
            continue
        without, alone = base_ndcg(rest), ndcg_per_question(rest, logits)
        both = ndcg_per_question(rest, logits, chosen)
        sets.append(SetGain(name, len(rest), fmean(without), fmean(alone), fmean(both)))
        base += without
        pure += alone
        prior += both
        if start:
            started += ndcg_per_question(rest, list(start.rows[name])[1::2], start.prior)
    return Gain(
        chosen,
        tuple(sets),
        paired_difference(base, pure),
        paired_difference(base, prior),
        paired_difference(started, prior) if start else None,
    )
