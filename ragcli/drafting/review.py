"""What a reader makes of a file of questions: kept, edited or dropped, one after the other, saved as it goes.

The file is at any time what an evaluation should read. What is dropped is moved to a file beside it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ragcli.drafting.draft_file import REVIEWED, Row, dropped_of, read_rows
from ragcli.errors import UsageError
from ragcli.evaluation.questions import Question, read_questions
from ragcli.evaluation.relevance import relevant_chunks
from ragcli.types import Chunk
from ragcli.whole_file import write_whole

EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of the file, and those that were dropped from it."""

    kept: tuple[Row, ...]
    dropped: tuple[Row, ...]

    @property
    def place(self) -> int | None:
        """Of the first row that nobody has reviewed; None where there is none."""
        return next((place for place, row in enumerate(self.kept) if not row.get(REVIEWED)), None)

    def decided(self, place: int, row: Row | None) -> Rows:
        """With `row` in this place, reviewed; None drops the one that is there."""
        before, old, after = self.kept[:place], self.kept[place], self.kept[place + 1 :]
        if row is None:
            return Rows((*before, *after), (*self.dropped, {**old, REVIEWED: True}))
        return replace(self, kept=(*before, {**row, REVIEWED: True}, *after))


@dataclass(frozen=True, slots=True)
class Counts:
    kept: int
    edited: int
    dropped: int
    left: int

    @property
    def reviewed(self) -> int:
        return self.kept + self.edited + self.dropped


class Review:
    """One sitting with one file. Every decision is on the disk before the next question is shown."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError where the file is not one of questions, or not in JSON lines."""
        if path.suffix.lower() != ".jsonl":
            hint = "Only JSON lines can note what was reviewed."
            raise UsageError(f"{path} does not end in .jsonl.", hint=hint)
        read_questions(path)
        self.path = path
        rows = read_rows(path)
        there = {row.get("question") for row in rows}
        # A kill between two files leaves a row in both.
        dropped = [row for row in read_rows(dropped_of(path)) if row.get("question") not in there]
        self._rows = Rows(tuple(rows), tuple(dropped))
        self._earlier: list[Rows] = []
        self._appended: list[Row] = []

    @property
    def row(self) -> Row | None:
        """The one to be decided on; None where all are reviewed."""
        place = self._rows.place
        return None if place is None else self._rows.kept[place]

    @property
    def counts(self) -> Counts:
        reviewed = [row for row in self._rows.kept if row.get(REVIEWED)]
        edited = sum(bool(row.get(EDITED)) for row in reviewed)
        left = len(self._rows.kept) - len(reviewed)
        return Counts(len(reviewed) - edited, edited, len(self._rows.dropped), left)

    def keep(self) -> None:
        self._decide(self.row)

    def edit(self, question: str, answer: str) -> None:
        """Keeps it with these words, `answer` in the place of the first one.

        What was noted of their overlap with the passage is dropped: an evaluation computes it itself.
        """
        row = dict(self.row or {})
        changed: Row = {"question": question}
        if isinstance(answers := row.get("answers"), list) and answers:
            changed |= {"answers": [answer, *answers[1:]]}
        if any(row.get(key) != value for key, value in changed.items()):
            row |= {**changed, EDITED: True}
            row.pop("overlap", None)
        self._decide(row)

    def drop(self) -> None:
        self._decide(None)

    @property
    def can_undo(self) -> bool:
        return bool(self._earlier)

    def undo(self) -> None:
        """Takes back the last decision of this sitting."""
        self._save(self._earlier.pop())

    def _decide(self, row: Row | None) -> None:
        place = self._rows.place
        assert place is not None
        before = self._rows
        self._save(before.decided(place, row))
        self._earlier.append(before)

    def _save(self, rows: Rows) -> None:
        """First the file that grows, so that no kill loses a row. What a draft that is still at work has
        appended since stays, for the next sitting.
        """
        self._appended += read_rows(self.path)[len(self._rows.kept) + len(self._appended) :]
        files = [(self.path, (*rows.kept, *self._appended)), (dropped_of(self.path), rows.dropped)]
        for path, held in files if len(rows.kept) > len(self._rows.kept) else reversed(files):
            if held or path.exists():
                write_whole(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in held))
        self._rows = rows


def passage_of(row: Row, chunks: Sequence[Chunk]) -> Chunk | None:
    """The passage that it was drafted from; else, after another ingest or for another's question, the first
    one that holds its gold.
    """
    drafted_from = [chunk for chunk in chunks if chunk.id == row.get("chunk")]
    if drafted_from:
        return drafted_from[0]
    names, phrases = tuple(row.get("relevant") or ()), tuple(row.get("evidence") or ())
    found = relevant_chunks(Question("", "", relevant=names, evidence=phrases), chunks)
    return next((chunk for chunk in chunks if chunk.id in found), None)
