"""Keystrokes become judgements, one at a time, until there is a verdict or the judge has had enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from ragcli.cli.keystrokes import ENTER, SPACE, Keystrokes
from ragcli.judging.pools import NOT, PARTLY, RELEVANT
from ragcli.judging.preferences import Choice, Pair
from ragcli.judging.preparing import Documents
from ragcli.judging.sitting import Sitting
from ragcli.reporting.screens import judging as screen
from ragcli.reporting.screens.terminal import PlainConsole

GAINS = {"r": RELEVANT, "p": PARTLY, "n": NOT, "s": None}
BEGIN = (ENTER, SPACE)
CHOICES: dict[str, Choice] = {"e": "equal", "x": "both bad", "s": "skipped"}


def judge_by_keys(
    sitting: Sitting, documents: Documents, keys: Keystrokes, console: PlainConsole, *, everything: bool
) -> None:
    """`everything`: after the verdict too. Returns where the judge quits; what was decided is saved."""
    screen.print_plan(console, sitting)
    try:
        if keys.key({*BEGIN, "q"}) == "q":
            return
        while _judge_on(sitting, documents, keys, console, everything=everything):
            screen.print_end(console)
            if keys.key({*BEGIN, "q", "u"}) != "u":
                return
            sitting.undo()
    except EOFError:
        return


def _judge_on(
    sitting: Sitting, documents: Documents, keys: Keystrokes, console: PlainConsole, *, everything: bool
) -> bool:
    """Until no more is needed; False where the judge quits."""
    while sitting.goes_on(everything):
        chunk = documents.chunk(sitting.passage)
        screen.print_passage(console, sitting, chunk)
        began = monotonic()
        while (key := keys.key(screen.PASSAGE_KEYS)) == "o":
            screen.print_in_context(console, sitting, documents.surroundings(chunk))
        if key == "q":
            return False
        if key == "u":
            sitting.undo()
        else:
            sitting.decide(GAINS[key], monotonic() - began)
    return True


def judge_pairs(
    pairs: list[Pair], save: Callable[[list[Pair]], None], keys: Keystrokes, console: PlainConsole
) -> None:
    """Changes `pairs`, and saves them after each choice. Returns where the judge quits."""
    asked = [place for place, pair in enumerate(pairs) if pair.choice != "same"]
    try:
        if keys.key({*BEGIN, "q"}) == "q":
            return
        while True:
            done = sum(pairs[place].choice is not None for place in asked)
            if done < len(asked):
                screen.print_pair(console, pairs[asked[done]], done + 1, len(asked))
                key = keys.key(screen.PAIR_KEYS)
            else:
                screen.print_end(console)
                key = keys.key({*BEGIN, "q", "u"})
            if key in (*BEGIN, "q"):
                return
            place = asked[max(0, done - 1) if key == "u" else done]
            pairs[place] = _chosen(pairs[place], key)
            save(pairs)
    except EOFError:
        return


def _chosen(pair: Pair, key: str) -> Pair:
    if key == "u":
        return replace(pair, choice=None)
    return replace(pair, choice=pair.arm("a" if key == "a" else "b") if key in "ab" else CHOICES[key])
