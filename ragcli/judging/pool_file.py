"""The file of a judging session: a question file (.jsonl) that also holds its pools, to go on from.

It is written whole after each decision and takes the place of the one before, so that a kill loses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragcli.errors import UsageError
from ragcli.evaluation.questions import KEYS, SESSION, Question
from ragcli.judging.always_valid import Bets
from ragcli.judging.pools import NOT, PARTLY, Pool, PooledPassage
from ragcli.whole_file import write_whole

_HINT = "ragcli judge QUESTIONS -o FILE.jsonl writes such a file."


@dataclass(frozen=True, slots=True)
class Plan:
    """Fixed before the first judgement. `effect` is the difference in nDCG@5 that would matter, `bets` what
    the interval is made for. `judge` is who judges: people, or an LLM's name.
    """

    judge: str
    seed: int
    effect: float
    bets: Bets


def is_session(path: Path) -> bool:
    """Whether the file holds pools. False too for one that is missing or unreadable."""
    return SESSION in first_row(path)


def first_row(path: Path) -> Mapping[str, Any]:
    """Of a file of JSON lines; empty for one that is missing, unreadable or something else."""
    try:
        with path.open(encoding="utf-8") as file:
            first = json.loads(file.readline())
    except (OSError, ValueError, RecursionError):
        return {}
    return first if isinstance(first, dict) else {}


def write_session(path: Path, plan: Plan, pools: Sequence[Pool]) -> None:
    write_whole(path, "".join(json.dumps(_row(plan, pool), ensure_ascii=False) + "\n" for pool in pools))


def read_session(path: Path) -> tuple[Plan, list[Pool]]:
    """Raises UsageError where the file is missing or holds something else."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        return _plan(rows[0]), [_pool(row) for row in rows]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint=_HINT) from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        problem = f"{type(error).__name__} {error}"
        raise UsageError(f"{path} is not a judging session: {problem}.", hint=_HINT) from error


def _row(plan: Plan, pool: Pool) -> dict[str, Any]:
    """What `eval` and `train` read comes first. Passages that are relevant in part are in `judged` alone.

    What else the question's own file said stays: an evaluation groups by it, and knows a draft by it.
    """
    question = pool.question
    good = [passage for passage in pool.passages if pool.judged.get(passage.id, NOT) > PARTLY]
    return {
        "id": question.id,
        "question": question.text,
        "answers": list(question.answers),
        "grade": question.grade,
        "relevant": list(dict.fromkeys(passage.source for passage in good)),
        "evidence": [passage.phrase for passage in good],
        "judged": pool.judged,
        "judged_by": plan.judge,
        **{key: value for key, value in question.others.items() if key != SESSION},
        SESSION: {
            "seed": plan.seed,
            "effect": plan.effect,
            "questions": plan.bets.questions,
            "spread": plan.bets.spread,
            "seconds": round(pool.seconds, 2),
            "arms": {name: list(best) for name, best in pool.arms.items()},
            "passages": [[passage.id, passage.source, passage.phrase] for passage in pool.passages],
            "skipped": [name for name, gain in pool.decisions.items() if gain is None],
        },
    }


def _plan(row: Mapping[str, Any]) -> Plan:
    state = row[SESSION]
    bets = Bets(int(state["questions"]), float(state["spread"]))
    return Plan(str(row["judged_by"]), int(state["seed"]), float(state["effect"]), bets)


def _pool(row: Mapping[str, Any]) -> Pool:
    state = row[SESSION]
    decisions: dict[str, float | None] = {name: float(gain) for name, gain in row["judged"].items()}
    others = {key: value for key, value in row.items() if key not in (*KEYS, SESSION)}
    return Pool(
        Question(str(row["id"]), row["question"], tuple(row["answers"]), grade=row["grade"], others=others),
        {name: tuple(best) for name, best in state["arms"].items()},
        tuple(PooledPassage(*passage) for passage in state["passages"]),
        decisions | dict.fromkeys(state["skipped"]),
        float(state["seconds"]),
    )
