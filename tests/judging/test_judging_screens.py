"""The screens of `ragcli judge`, as pictures in tests/golden (RAGCLI_UPDATE_GOLDEN=1 draws them anew)."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import records
from cli_helper import ANSI, Terminal
from evaluation_records import small_run
from judging_records import PLAN, A, B, gained, irrelevant, lost, pool

from ragcli.chat.turns import Surroundings
from ragcli.evaluation.provenance import PERSON
from ragcli.judging.agreement import Agreement
from ragcli.judging.always_valid import Bets
from ragcli.judging.preferences import Pair, deciding, pairs_of, sign_test
from ragcli.judging.sitting import Sitting
from ragcli.judging.verdicts import verdict
from ragcli.reporting import plain_text
from ragcli.reporting.screens import judging as screen
from ragcli.reporting.screens.terminal import PlainConsole

GOLDEN = Path(__file__).parents[1] / "golden"
PLANET = records.CHUNKS[2]
AROUND = Surroundings(PLANET, "Mercury has no moons.", "Its day is longer than its year.")
SITTING = Sitting(
    replace(PLAN, bets=Bets(40, 0.267)),
    [gained("a leap year"), *(pool(f"moon {n} of Saturn", {B: 1.0}) for n in range(3, 43))],
    lambda _: None,
)
TWELVE = replace(PLAN, bets=Bets(12, 0.5))
BETTER = [gained(f"{n}") for n in range(8)]
NOT_SETTLED = [*((gained, lost)[n % 2](f"{n}") for n in range(12)), irrelevant("none")]
RUN = small_run()
PAIRS = [replace(pair, choice=pair.choice or "reranked") for pair in pairs_of(RUN, seed=7)]
PAIR = Pair(
    "moon",
    "How long does Mercury take to orbit the Sun?",
    "reranked",
    (
        "Mercury completes one orbit around the Sun every 88 days, the shortest year of any planet. [1]",
        "The festival was held on the Ides of May. [1]",
    ),
)

SCREENS: dict[str, Callable[[PlainConsole], None]] = {
    "judge-plan": lambda c: screen.print_plan(c, SITTING),
    "judge-passage": lambda c: screen.print_passage(c, SITTING, PLANET),
    "judge-context": lambda c: screen.print_in_context(c, SITTING, AROUND),
    "judge-end": screen.print_end,
    "judge-open": lambda c: screen.print_verdict(c, TWELVE, verdict(TWELVE, [*BETTER[:3], pool("open")])),
    "judge-better": lambda c: screen.print_verdict(c, TWELVE, verdict(TWELVE, BETTER)),
    "judge-not-settled": lambda c: screen.print_verdict(
        c, replace(TWELVE, judge="Qwen2.5-Coder-1.5B-Instruct"), verdict(TWELVE, NOT_SETTLED)
    ),
    "judge-agreement": lambda c: screen.print_agreements(
        c, [Agreement(("ada.jsonl", "ben.jsonl"), 137, 121, 0.7342)]
    ),
    "judge-answers-plan": lambda c: screen.print_pairs_plan(c, pairs_of(RUN, seed=7), 1),
    "judge-answers": lambda c: screen.print_pair(c, PAIR, 3, 12),
    "judge-answers-verdict": lambda c: screen.print_preferences(
        c, PAIRS, sign_test(14, 3), {pair.id: deciding(RUN, pair) for pair in PAIRS}
    ),
}


def console(width: int = 80, *, stream: io.StringIO | None = None, **environ: str) -> PlainConsole:
    variables = {"COLUMNS": str(width), "LINES": "40", "TERM": "xterm-256color", **environ}
    return PlainConsole(io.StringIO() if stream is None else stream, variables)


def shown(target: PlainConsole) -> str:
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", SCREENS)
def test_the_screen_is_the_golden_one(name: str, width: int) -> None:
    target = console(width, stream=Terminal(), NO_COLOR="1", TERM="dumb")
    SCREENS[name](target)
    picture = "\n".join(line.rstrip() for line in ANSI.sub("", shown(target)).splitlines()) + "\n"
    file = GOLDEN / f"{name}-{width}.txt"
    if os.environ.get("RAGCLI_UPDATE_GOLDEN"):
        file.write_text(picture, encoding="utf-8")
    assert picture == file.read_text(encoding="utf-8")
    assert max(map(len, picture.splitlines())) <= width


@pytest.mark.parametrize("name", SCREENS)
def test_a_pipe_gets_no_escape_sequences(name: str) -> None:
    target = console()
    SCREENS[name](target)
    assert "\x1b" not in shown(target)


@pytest.mark.parametrize("name", ["judge-passage", "judge-context", "judge-answers"])
def test_nothing_tells_the_judge_which_arm_it_is(name: str) -> None:
    target = console(120, stream=Terminal())
    SCREENS[name](target)
    for word in ("rank", "bi-encoder", "similarity", "logit", "score", "arm"):
        assert word not in ANSI.sub("", shown(target)).lower().replace("warm", "")


def test_a_passage_longer_than_the_screen_has_the_question_below_it_too() -> None:
    target = console()
    screen.print_passage(target, SITTING, replace(PLANET, text="word " * 800))
    assert shown(target).count("moon 3 of") == 2


def test_a_document_cannot_steer_the_terminal() -> None:
    hostile = records.ESCAPE
    chunk = replace(PLANET, title=hostile, headings=(hostile,), text=hostile, source=hostile)
    pools = [pool(hostile), gained(hostile)]
    plan = replace(PLAN, judge=hostile)
    target = console(120, stream=Terminal(), NO_COLOR="1", TERM="dumb")
    screen.print_passage(target, Sitting(plan, pools, lambda _: None), chunk)
    around = Surroundings(chunk, hostile, hostile)
    screen.print_in_context(target, Sitting(plan, pools, lambda _: None), around)
    screen.print_verdict(target, plan, verdict(plan, [gained(hostile)]))
    screen.print_agreements(target, [Agreement((hostile, hostile), 1, 1, None)])
    screen.print_pair(target, replace(PAIR, question=hostile, texts=(hostile, hostile)), 1, 1)
    assert not plain_text.CONTROLS.search(ANSI.sub("", shown(target)))
    assert A not in shown(target)


@pytest.mark.parametrize(
    ("judge", "ending"),
    [
        ("Qwen2.5-Coder-1.5B-Instruct", " This LLM cannot tell passages apart: use a larger one."),
        (PERSON, ""),
    ],
)
def test_a_judge_who_gives_every_passage_the_same_is_told_so(judge: str, ending: str) -> None:
    target = console(200)
    partly = [pool(name, dict.fromkeys(gained(name).decisions, 0.5)) for name in ("1", "2")]
    number = sum(len(one.decisions) for one in partly)
    screen.print_verdict(target, replace(TWELVE, judge=judge), verdict(TWELVE, partly))
    line = f"All {number} passages got the same judgement, so no order can be better.{ending}"
    assert line in shown(target).splitlines()
