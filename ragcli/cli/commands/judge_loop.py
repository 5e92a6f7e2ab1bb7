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
CHOICES: dict[str, Choice] = {"e": "equal", "x": "both bad", "s": "skipped"}


def judge_by_keys(
    sitting: Sitting, documents: Documents, keys: Keystrokes, console: PlainConsole, *, everything: bool
) -> None:
    """`everything`: after the verdict too. Returns where the judge quits; what was decided is saved."""
    screen.print_plan(console, sitting)
    try:
        if keys.key({ENTER, SPACE, "q"}) == "q":
            return
        while _judge_on(sitting, documents, keys, console, everything=everything):
            screen.print_end(console)
            if keys.key({ENTER, SPACE, "q", "u"}) != "u":
                return
            sitting.undo()
    except EOFError:
        return


def _judge_on(
    sitting: Sitting, documents: Documents, keys: Keystrokes, console: PlainConsole, *, everything: bool
) -> bool:
    """Until no more is needed; False where the judge quits."""
    while sitting.place is not None and (everything or sitting.verdict.state == "open"):
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
) -> list[Pair]:
    """With what the judge chose, all of it or up to where they quit."""
    asked = [place for place, pair in enumerate(pairs) if pair.choice != "same"]
    try:
        while left := [place for place in asked if pairs[place].choice is None]:
            place = left[0]
            screen.print_pair(console, pairs[place], asked.index(place) + 1, len(asked))
            key = keys.key(screen.PAIR_KEYS)
            if key == "q":
                return pairs
            if key == "u":
                place = asked[max(0, asked.index(place) - 1)]
            pairs[place] = _chosen(pairs[place], key)
            save(pairs)
    except EOFError:
        pass
    return pairs


def _chosen(pair: Pair, key: str) -> Pair:
    if key == "u":
        return replace(pair, choice=None)
    return replace(pair, choice=pair.arm("a" if key == "a" else "b") if key in "ab" else CHOICES[key])
