"""Judges who stop at the first verdict, as `ragcli judge` gives it, are not fooled and find what there is.

`bench/judging.py` simulates more of them.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from statistics import fmean

import pytest

from ragcli.judging.verdicts import Verdict

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from judging import WORLDS, World, difference, drawn, first_verdict, reordered, usual_interval

JUDGES, QUESTIONS = 100, 20
SAME = [world for world in WORLDS if world.mean == 0]
GREAT = World("all change", 0.3, reordered(1.0, 0.3))


def verdicts(world: World) -> list[Verdict]:
    return [first_verdict(pools) for pools in drawn(world.draw, QUESTIONS, JUDGES)]


@pytest.mark.parametrize("world", SAME, ids=lambda world: world.name)
def test_looking_after_every_question_ends_in_a_difference_that_is_not_there_in_at_most_5_percent(
    world: World,
) -> None:
    found = [verdict.state for verdict in verdicts(world)]
    assert sum(state in ("better", "worse") for state in found) / JUDGES <= 0.05


def test_the_usual_interval_would_end_there_far_more_often() -> None:
    """Otherwise the test above would be true of any interval."""
    found = [
        usual_interval([difference(pool) for pool in pools])
        for world in SAME
        for pools in drawn(world.draw, QUESTIONS, JUDGES)
    ]
    assert sum(one.excludes(0.0) for one in found) / len(found) > 0.1


def test_a_great_difference_is_found_and_before_the_last_question() -> None:
    found = [verdict for verdict in verdicts(GREAT) if verdict.state == "better"]
    assert len(found) / JUDGES > 0.5
    assert sum(verdict.questions < QUESTIONS for verdict in found) > len(found) / 2


@pytest.mark.parametrize("world", [*WORLDS, GREAT], ids=lambda world: f"{world.name} {world.mean}")
def test_the_simulated_worlds_have_the_mean_that_they_name(world: World) -> None:
    source = random.Random(1)
    mean = fmean(difference(world.draw(source)) for _ in range(4000))
    assert mean == pytest.approx(world.mean, abs=0.025)
