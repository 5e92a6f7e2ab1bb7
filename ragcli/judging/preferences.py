"""Both arms' answers, blind, as A and B: which one people prefer, and what the passages have to do with it.

Pure but for the file, which is written whole after each decision.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import comb
from pathlib import Path
from typing import Any, Literal

from ragcli.errors import UsageError
from ragcli.evaluation.arms import base_orders, reranked_order
from ragcli.evaluation.records import Run
from ragcli.evaluation.results import Moved
from ragcli.whole_file import write_whole

ArmName = Literal["base", "reranked"]
Choice = Literal["base", "reranked", "equal", "both bad", "same", "skipped"]
KIND = "judged-answers"
_HINT = "Name another --output."


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to a question. `first` is the arm that is shown as A. `choice` is None while nobody chose;
    "same" where both arms gave the same answer, so that there is nothing to choose.
    """

    id: str
    question: str
    first: ArmName
    texts: tuple[str, str]
    choice: Choice | None = None

    def arm(self, letter: Literal["a", "b"]) -> ArmName:
        return self.first if letter == "a" else "reranked" if self.first == "base" else "base"


@dataclass(frozen=True, slots=True)
class SignTest:
    """An exact two-sided binomial test that the `won` and `lost` pairs are equally likely, and the 95 %
    interval of the share won: Clopper and Pearson (1934).
    """

    won: int
    lost: int
    p_value: float
    low: float
    high: float


def pairs_of(run: Run, seed: int) -> list[Pair]:
    """Those of the questions that both arms answered, A and B drawn for each, in an order that is drawn."""
    texts = {question.id: question.text for question in run.questions}
    pairs = []
    for answered in run.answers:
        base, reranked = answered.base, answered.reranked
        if base is None or reranked is None:
            continue
        first: ArmName = random.Random(f"{seed} {answered.question_id}").choice(("base", "reranked"))
        shown = (base.text, reranked.text) if first == "base" else (reranked.text, base.text)
        same: Choice | None = "same" if base.text.strip() == reranked.text.strip() else None
        pairs.append(Pair(answered.question_id, texts[answered.question_id], first, shown, same))
    return random.Random(seed).sample(pairs, len(pairs))


def sign_test(won: int, lost: int) -> SignTest:
    number = won + lost
    tail = sum(comb(number, k) for k in range(min(won, lost) + 1)) / 2**number
    return SignTest(won, lost, min(1.0, 2 * tail), _lower(won, number), 1 - _lower(lost, number))


def pairs_needed(share: float = 0.75, power: float = 0.8) -> int:
    """How many pairs with a preference it takes until a sign test shows that this share prefers one arm."""
    number = 1
    while True:
        shown = (k for k in range(number // 2 + 1, number + 1) if sign_test(k, number - k).p_value <= 0.05)
        if sum(_chance(k, number, share) for k in shown) >= power:
            return number
        number += 1


def deciding(run: Run, pair: Pair) -> tuple[Moved, ...]:
    """The passages that only the preferred answer's prompt held, in its order, with their ranks in both."""
    place = next(place for place, question in enumerate(run.questions) if question.id == pair.id)
    answered = next(one for one in run.answers if one.question_id == pair.id)
    if pair.choice not in ("base", "reranked") or answered.base is None or answered.reranked is None:
        return ()
    base = base_orders(run)[place]
    reranked = reranked_order(run.questions[place], run.scorings[0], place, base)
    preferred, other = answered.base, answered.reranked
    if pair.choice == "reranked":
        preferred, other = other, preferred
    by_id = {one.id: number for number, one in enumerate(run.questions[place].candidates)}
    return tuple(
        Moved(
            run.questions[place].candidates[by_id[name]],
            base.index(by_id[name]) + 1,
            reranked.index(by_id[name]) + 1,
        )
        for name in preferred.context
        if name not in other.context and name in by_id
    )


def read_pairs(path: Path, pairs: Sequence[Pair]) -> list[Pair]:
    """`pairs` with the choices that the file holds. Raises UsageError where it is of other answers."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        found = {row["id"]: row for row in rows if row["kind"] == KIND}
        chosen = [replace(pair, choice=found[pair.id]["choice"]) for pair in pairs]
        same = [_row(pair) for pair in chosen] == [found[pair.id] for pair in pairs]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint=_HINT) from error
    except (KeyError, TypeError, ValueError, RecursionError):
        same = False
    if not same:
        raise UsageError(f"{path} holds no judgements of these answers.", hint=_HINT)
    return chosen


def write_pairs(path: Path, pairs: Sequence[Pair]) -> None:
    write_whole(path, "".join(json.dumps(_row(pair)) + "\n" for pair in pairs))


def _row(pair: Pair) -> dict[str, Any]:
    return {"kind": KIND, **asdict(pair), "texts": list(pair.texts)}


def _chance(k: int, number: int, share: float) -> float:
    return comb(number, k) * share**k * (1 - share) ** (number - k)


def _lower(k: int, number: int) -> float:
    """The share at which k or more of the number have a chance of 2.5 %."""
    low, high = 0.0, k / number if number else 0.0
    for _ in range(60):
        middle = (low + high) / 2
        tail = sum(_chance(j, number, middle) for j in range(k, number + 1))
        low, high = (middle, high) if tail < 0.025 else (low, middle)
    return low
