"""Does the interval of `ragcli judge` hold its level under the stopping rule in use? `make bench-judging`.

Simulated judges: differences of one relevant passage that moves among the first five ranks, in a share of the
questions; others are skewed. After every question the interval is looked at, and the judge stops as soon as
it settles the matter (`verdicts.verdict`), else at the planned number. Beside it the same judges with the
usual interval, mean +- 1.96 standard errors, looked at from the tenth question on. Seeded.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from math import sqrt
from statistics import fmean, stdev

from ragcli.judging.always_valid import Bets, exclusions, questions_needed, smallest_effect

JUDGES = 1000
EFFECT = 0.1
SPREAD = 0.3
GAINS = (1.0, 0.631, 0.5, 0.431, 0.387, 0.0)
Draw = Callable[[random.Random], float]


def reordered(share: float, bias: float) -> Draw:
    """A share of the questions changes; where `bias` is 0 they gain as often as they lose."""

    def draw(source: random.Random) -> float:
        if source.random() > share:
            return 0.0
        before, after = source.choice(GAINS), source.choice(GAINS)
        return max(before, after) - min(before, after) if source.random() < bias else after - before

    return draw


def skewed(source: random.Random) -> float:
    """Rarely a great gain, often a small loss; the mean is 0."""
    return 0.9 if source.random() < 0.1 else -0.1


WORLDS: dict[str, Draw] = {
    "no difference, a third changes": reordered(0.33, 0.0),
    "no difference, all change": reordered(1.0, 0.0),
    "no difference, skewed": skewed,
    "small gain": reordered(0.5, 0.3),
    "gain": reordered(0.5, 0.8),
    "great gain": reordered(1.0, 0.9),
}


def main() -> None:
    planned = questions_needed(EFFECT, SPREAD)
    for questions in (20, 40, planned):
        able = smallest_effect(questions, SPREAD)
        print(f"\n{questions} questions planned (these can show {able:.2f}), {JUDGES} judges")
        print(f"{'':32}{'mean':>7}{'missed':>9}{'found':>8}{'stop':>6}   usual: {'missed':>7}{'found':>8}")
        for name, draw in WORLDS.items():
            print_world(name, draw, questions)


def print_world(name: str, draw: Draw, questions: int) -> None:
    source = random.Random(7)
    mean = fmean(draw(source) for _ in range(200_000))
    sittings = [[draw(source) for _ in range(questions)] for _ in range(JUDGES)]
    ours = [always_valid(sitting, mean, questions) for sitting in sittings]
    usual = [fixed(sitting, mean) for sitting in sittings]
    stop = fmean(stop for _, _, stop in ours)
    print(f"{name:32}{mean:>+7.3f}{share(ours, 0):>9}{share(ours, 1):>8}{stop:>6.0f}", end="")
    print(f"   {'':7}{share(usual, 0):>7}{share(usual, 1):>8}", flush=True)


def always_valid(sitting: Sequence[float], mean: float, questions: int) -> tuple[bool, bool, int]:
    """Whether the interval shown at the end misses the mean, whether it leaves out 0, and when that was."""
    bets = Bets(questions, SPREAD)
    zero, gain, loss, missed = (exclusions(sitting, m, bets) for m in (0.0, EFFECT, -EFFECT, mean))
    settled = [none or (less and more) for none, less, more in zip(zero, gain, loss, strict=True)]
    last = settled.index(True) if True in settled else questions - 1
    return missed[last], zero[last], last + 1


def fixed(sitting: Sequence[float], mean: float) -> tuple[bool, bool]:
    for number in range(10, len(sitting) + 1):
        seen = sitting[:number]
        middle, half = fmean(seen), 1.96 * stdev(seen) / sqrt(number)
        if abs(middle) > half or number == len(sitting):
            return abs(middle - mean) > half, abs(middle) > half
    raise ValueError("fewer than ten questions")


def share(rows: Sequence[tuple[bool, ...]], column: int) -> str:
    return f"{100 * fmean(row[column] for row in rows):.1f} %"


if __name__ == "__main__":
    main()
