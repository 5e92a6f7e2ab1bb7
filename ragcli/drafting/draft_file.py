"""The file of drafts and, beside it, the log of all attempts: a line each, appended and flushed one by one.

The same command goes on from there. A kill loses at most the passage that is being worked on: half a line
that it left is cut off.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from ragcli.drafting.records import Draft, Kind, Rejection
from ragcli.errors import RagcliError, UsageError
from ragcli.evaluation.overlap import word_overlap
from ragcli.types import Chunk

DRAFTED_BY, REVIEWED = "drafted_by", "reviewed"
"""The keys of a question's row that an evaluation knows a draft by."""

KEPT = "kept"
_KINDS: frozenset[str] = frozenset(get_args(Kind))
_HINT = "Name another file."

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What a file of drafts and its log hold, and what a reader has dropped from it."""

    rows: tuple[Row, ...]
    attempts: tuple[Row, ...]
    dropped: tuple[Row, ...] = ()

    @property
    def questions(self) -> tuple[str, ...]:
        """Those that were dropped too: they are not to come back."""
        return tuple(str(row.get("question")) for row in (*self.rows, *self.dropped))

    @property
    def tried(self) -> tuple[tuple[str, Kind], ...]:
        """Chunk and kind of each attempt. A kept one may be in the file and not in the log yet."""
        return tuple((one["chunk"], one["kind"]) for one in (*self.attempts, *self.rows) if _is_attempt(one))

    def kept(self) -> Counter[str]:
        return Counter(str(row.get("kind")) for row in self.rows)

    def rejected(self) -> Counter[str]:
        return Counter(str(one.get("outcome")) for one in self.attempts if one.get("outcome") != KEPT)


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}.attempts{path.suffix}")


def dropped_of(path: Path) -> Path:
    """The file that `ragcli questions review` moves to what a reader drops."""
    return path.with_name(f"{path.stem}.dropped{path.suffix}")


def read_drafts(path: Path) -> Written:
    """Raises UsageError where the file holds anything but drafts."""
    if path.suffix.lower() != ".jsonl":
        raise UsageError(f"{path} does not end in .jsonl.", hint="Drafts are lines of JSON: drafts.jsonl")
    rows, attempts, dropped = map(read_rows, (path, log_of(path), dropped_of(path)))
    if not all(row.get(DRAFTED_BY) for row in rows):
        raise UsageError(f"{path} holds questions that were not drafted.", hint=_HINT)
    return Written(tuple(rows), tuple(attempts), tuple(dropped))


class DraftFile:
    """Appends to both files. `rows` counts on from the ids that are there."""

    def __init__(self, path: Path, model: str) -> None:
        self._path, self._model = path, model

    def write(self, chunk: Chunk, kind: Kind, made: Draft | Rejection, seconds: float) -> None:
        """The draft first: what is in the file and not in the log is taken for kept."""
        if isinstance(made, Draft):
            _append(self._path, _row(_next_id(self._path), chunk, made, self._model))
        outcome = KEPT if isinstance(made, Draft) else made.reason
        fields = {"chunk": chunk.id, "kind": kind, "outcome": outcome, "question": made.question}
        _append(log_of(self._path), {**fields, "model": self._model, "seconds": round(seconds, 1)})


def _row(name: str, chunk: Chunk, draft: Draft, model: str) -> Row:
    gold: Mapping[str, Any] = {"answerable": False}
    if draft.gold:
        gold = {
            "answers": [draft.answer],
            "relevant": list(dict.fromkeys(one.source for one in draft.gold)),
            "evidence": list(dict.fromkeys(one.quotation for one in draft.gold)),
        }
    overlap = word_overlap(draft.question, chunk.text)
    return {
        "id": name,
        "question": draft.question,
        **gold,
        "kind": draft.kind,
        DRAFTED_BY: model,
        "drafted_from": chunk.source,
        "chunk": chunk.id,
        "overlap": None if overlap is None else round(overlap, 2),
        REVIEWED: False,
    }


def _next_id(path: Path) -> str:
    ids = [str(row.get("id"))[1:] for file in (path, dropped_of(path)) for row in read_rows(file)]
    numbers = [int(number) for number in ids if number.isdigit()]
    return f"d{max(numbers, default=0) + 1:03}"


def _is_attempt(line: Row) -> bool:
    return isinstance(line.get("chunk"), str) and line.get("kind") in _KINDS


def read_rows(path: Path) -> list[Row]:
    """The objects of the file's finished lines: a kill may leave half of one behind them. None where there is
    no such file. Raises UsageError.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint=_HINT) from error
    try:
        rows = [json.loads(line) for line in _finished(content).splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not lines of JSON: {error}.", hint=_HINT) from error
    if not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{path} is not lines of JSON objects.", hint=_HINT)
    return rows


def _finished(content: bytes) -> bytes:
    """Without what a kill left of a last line; one that an editor left without its end counts."""
    end = content.rfind(b"\n") + 1
    try:
        json.loads(content[end:])
    except (ValueError, RecursionError):
        return content[:end]
    return content


def _append(path: Path, fields: Row) -> None:
    line = json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
    try:
        with path.open("ab+") as file:
            file.seek(0)
            whole = _finished(file.read())
            file.truncate(len(whole))
            file.write(b"\n" + line if whole and not whole.endswith(b"\n") else line)
    except OSError as error:
        raise RagcliError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}.") from error
