"""The file of results: what it has from an earlier run, and where the next line goes.

Lines are appended and flushed one by one, in the order of the questions. If failed questions of an earlier
run are tried again, the new file is written next to the old one and replaces it at the end; until then both
exist, so that a kill does not lose a result.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from ragcli.errors import RagcliError, UsageError
from ragcli.evaluation.questions import Question

ERROR = "batch-error"
KINDS = ("batch-answer", "batch-comparison", ERROR)
BESIDE = ".resuming"
_HINT = "Write to another file, or start again with --overwrite."


class ResultsFile:
    """`done` are the ids that already have results; `write` takes the others, in order."""

    def __init__(
        self, path: Path, questions: Sequence[Question], fingerprint: str, *, overwrite: bool
    ) -> None:
        """Raises UsageError if the file is not a result of these questions with these settings."""
        self.path = path
        self._beside = path.with_name(path.name + BESIDE)
        self._order = [question.id for question in questions]
        # A device or a pipe has nothing to resume: /dev/full would be read for ever, /dev/null removed.
        self._is_device = path.exists() and not path.is_file()
        if overwrite and not self._is_device:
            self._remove()
        texts = {question.id: question.text for question in questions}
        lines, self._end = ([], 0) if self._is_device else _whole_lines(path)
        found = _checked(path, lines, texts, fingerprint)
        kept = {name: line for name, line, failed in found if not failed}
        beside = _checked(self._beside, _whole_lines(self._beside)[0], texts, fingerprint)
        kept |= {name: line for name, line, failed in beside if not failed}
        self._kept = kept
        names = [name for name, _, _ in found]
        self._appends = len(kept) == len(found) and names == self._order[: len(names)]
        self._next = 0
        self._file: BinaryIO | None = None

    @property
    def done(self) -> frozenset[str]:
        return frozenset(self._kept)

    def __enter__(self) -> Self:
        try:
            if self._appends:
                self._file = self.path.open("ab")
                if not self._is_device:
                    self._file.truncate(self._end)
                self._next = len(self._kept)
            else:
                self._file = self._beside.open("wb")
        except OSError as error:
            raise self._unwritable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Also after an interruption: the rest of the earlier results is written after the new ones."""
        assert self._file is not None
        if not self._appends:
            for name in self._order[self._next :]:
                if name in self._kept:
                    self._append(self._kept[name])
        try:
            self._file.close()
        except OSError as problem:
            raise self._unwritable(problem) from problem
        if not self._appends:
            self._beside.replace(self.path)

    def write(self, name: str, line: str) -> None:
        """The result of the question `name`; earlier results that come before it are written first."""
        while self._order[self._next] != name:
            self._append(self._kept[self._order[self._next]])
            self._next += 1
        self._append(line.encode())
        self._next += 1

    def _append(self, line: bytes) -> None:
        assert self._file is not None
        try:
            self._file.write(line + b"\n")
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> RagcliError:
        return RagcliError(f"{self.path} cannot be written: {(error.strerror or str(error)).lower()}.")

    def _remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._beside.unlink(missing_ok=True)


def _whole_lines(path: Path) -> tuple[list[bytes], int]:
    """The finished lines of a file and where they end: a kill may leave half a line after them."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint=_HINT) from error
    end = content.rfind(b"\n") + 1
    return content[:end].split(b"\n")[:-1], end


def _checked(
    path: Path, lines: Sequence[bytes], texts: dict[str, str], fingerprint: str
) -> list[tuple[str, bytes, bool]]:
    """(id, line, is an error) of each line."""
    found: list[tuple[str, bytes, bool]] = []
    for number, line in enumerate(lines, start=1):
        record = _record(path, number, line)
        name = str(record.get("id"))
        if record.get("fingerprint") != fingerprint:
            raise UsageError(
                f"{path} has results from other settings, models or documents (line {number}).", hint=_HINT
            )
        if texts.get(name) != record.get("question"):
            raise UsageError(f"{path} has results for other questions (line {number}).", hint=_HINT)
        found.append((name, line, record["kind"] == ERROR))
    return found


def _record(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or record.get("kind") not in KINDS:
        raise UsageError(f"{path}, line {number}: not a result of ragcli batch.", hint=_HINT)
    return record
