"""An interval for a mean of differences that holds at every moment, however often one looks. Pure.

Two gamblers bet against each possible mean m, one that the true mean is higher and one that it is lower. If m
is true, neither can expect to win, and the chance that one of them ever multiplies the stake by 1 / level is
at most that level (Ville's inequality). The means against which nobody has won that much are the interval:
the hedged capital process of Waudby-Smith and Ramdas (2024), "Estimating means of bounded random variables by
betting", Journal of the Royal Statistical Society B 86. So it may be looked at after every question, and one
may stop or go on because of what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, inf, log, sqrt
from statistics import NormalDist

LEVEL = 0.05
"""The chance that the interval ever misses the true mean."""

POWER = 0.8

_WON = log(2 / LEVEL)
_Z_POWER = NormalDist().inv_cdf(POWER)
# The most of its stake that a gambler risks on one question: nobody may lose everything.
_BOLDEST = 0.9
_STEPS = 25


@dataclass(frozen=True, slots=True)
class Bets:
    """What is fixed before the first question: the number of questions that the interval should be narrowest
    at, and the expected spread (root mean square) of the differences. Wrong guesses cost width alone.
    """

    questions: int
    spread: float


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        return not self.low <= value <= self.high


def interval(differences: Sequence[float], bets: Bets) -> Interval:
    """Of the mean of differences between -1 and 1, in the order in which they were seen."""
    middle = sum(differences) / len(differences) if differences else 0.0
    stakes = _stakes(differences, bets)
    return Interval(
        _edge(-1.0, middle, lambda m: sum(_log_gains(differences, stakes, m, 1))),
        _edge(1.0, middle, lambda m: sum(_log_gains(differences, stakes, m, -1))),
    )


def exclusions(differences: Sequence[float], mean: float, bets: Bets) -> list[bool]:
    """After each difference, whether the interval so far leaves out this mean: for simulations."""
    stakes = _stakes(differences, bets)
    sides = (accumulate(_log_gains(differences, stakes, mean, side)) for side in (1, -1))
    return [capital >= _WON for capital in map(max, *sides)]


def smallest_effect(questions: int, spread: float) -> float:
    """The mean difference that so many questions show, with about 80 % power; never above 1.

    A gambler who stakes s expects log capital n (s x effect - s^2 spread^2 / 2) after n questions, with a
    standard deviation of s x spread x sqrt(n), by the normal approximation; it has to reach log(2 / level).
    """
    stake = min(_BOLDEST, sqrt(2 * _WON / questions) / spread) if spread else _BOLDEST
    risk = stake * spread * sqrt(questions)
    return min(1.0, (_WON + risk**2 / 2 + _Z_POWER * risk) / (questions * stake))


def questions_needed(effect: float, spread: float) -> int:
    """After how many questions the interval leaves out 0, with about 80 % power, where the mean is `effect`.

    For small effects ((sqrt(2 log(2 / level)) + z_power) x spread / effect)^2; a test at one fixed number
    needs 1.96 in place of the first term (2.72).
    """
    number = max(1, ceil(((sqrt(2 * _WON) + _Z_POWER) * spread / effect) ** 2))
    while smallest_effect(number, spread) > effect:
        number += 1
    return number


def _stakes(differences: Sequence[float], bets: Bets) -> list[float]:
    """What is bet on each difference. It depends on those before it alone."""
    stakes: list[float] = []
    total, squares = 0.0, bets.spread**2
    for number, difference in enumerate(differences, start=1):
        stakes.append(sqrt(2 * _WON / (bets.questions * squares / number)))
        total += difference
        squares += (difference - total / (number + 1)) ** 2
    return stakes


def _log_gains(
    differences: Sequence[float], stakes: Sequence[float], mean: float, side: int
) -> Iterator[float]:
    """Of the gambler who bets on a mean above `mean` (`side` 1) or below it (-1), one a difference."""
    worst = 1 + side * mean
    boldest = _BOLDEST / worst if worst > 0 else inf
    for difference, stake in zip(differences, stakes, strict=True):
        yield log(1 + side * min(stake, boldest) * (difference - mean))


def _edge(outer: float, inner: float, log_capital: Callable[[float], float]) -> float:
    """Between a mean that may have been lost and one that was not: the capital falls on the way."""
    if log_capital(outer) < _WON:
        return outer
    for _ in range(_STEPS):
        middle = (outer + inner) / 2
        outer, inner = (middle, inner) if log_capital(middle) >= _WON else (outer, middle)
    return inner
