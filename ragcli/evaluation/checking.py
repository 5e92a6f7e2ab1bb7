"""A question file is held against the index: all that `ragcli questions check` reports, without a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ragcli import store
from ragcli.config import Config
from ragcli.evaluation.judging import gains
from ragcli.evaluation.missing import missing_gold
from ragcli.evaluation.questions import Misspelled, Question, read_questions
from ragcli.evaluation.records import MissingGold


@dataclass(frozen=True, slots=True)
class Check:
    """`left_out` are the ids of answerable questions that no ranking measure can count: none of their gold is
    in the index, or they have not been judged yet.
    """

    questions: tuple[Question, ...]
    gaps: tuple[MissingGold, ...]
    left_out: tuple[str, ...]


def check_questions(path: Path, config: Config) -> Check:
    """Raises UsageError for a file that cannot be read, and what stands against the index."""
    misspelled: list[Misspelled] = []
    questions = read_questions(path, on_misspelled=misspelled.append)
    store.check(config)
    with store.open_store(config, create=False) as index:
        chunks = store.all_chunks(index)
    waiting = [_as_waiting(question) for question in questions if question.left]
    found = [*map(_as_gap, misspelled), *waiting, *missing_gold(questions, chunks, every_phrase=True)]
    places = {question.id: place for place, question in enumerate(questions)}
    return Check(
        questions,
        tuple(sorted(found, key=lambda gap: places[gap.question_id])),
        tuple(one.id for one in questions if one.answerable and not any(gains(one, chunks).values())),
    )


def _as_gap(wrong: Misspelled) -> MissingGold:
    return MissingGold(wrong.question_id, wrong.key, "a key that is not read", wrong.meant, key=wrong.key)


def _as_waiting(question: Question) -> MissingGold:
    return MissingGold(question.id, "", f"it has not been judged yet (passages left: {question.left})")
