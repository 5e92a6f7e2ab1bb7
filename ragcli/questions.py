"""Question files: .txt (a question a line), .csv and .tsv (a header with `question`), .jsonl."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragcli.errors import UsageError

_SURROGATE = re.compile("[\ud800-\udfff]")
_FORMATS = "a question file is .txt, .csv, .tsv or .jsonl; see the README, Question files"


@dataclass(frozen=True, slots=True)
class Question:
    """`relevant` holds paths (of documents, or document#heading) and `evidence` verbatim phrases of passages.

    `answerable` is False only where the file says so.
    """

    id: str
    text: str
    answers: tuple[str, ...] = ()
    relevant: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    answerable: bool = True
    grade: str = ""


def read_questions(path: Path) -> tuple[Question, ...]:
    """All questions of a file, in its order; a missing id becomes the record's line. Raises UsageError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the question file {path} cannot be read: {error}", hint=_FORMATS) from error
    readers = {".txt": _lines, ".csv": _table, ".tsv": _table, ".jsonl": _json_lines}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: {path.suffix or 'no ending'} is no question file", hint=_FORMATS)
    return _checked(reader, text, path)


def parse_questions(text: str) -> tuple[Question, ...]:
    """From standard input: JSONL where the first character is a brace, else a question a line."""
    reader = _json_lines if text.lstrip().startswith("{") else _lines
    return _checked(reader, text, Path("standard input"))


def _checked(
    reader: Callable[[str, Path], Iterator[tuple[int, Mapping[str, Any]]]], text: str, path: Path
) -> tuple[Question, ...]:
    questions = tuple(_question(row, number, path) for number, row in reader(text, path))
    if not questions:
        raise UsageError(f"{path} holds no question", hint=_FORMATS)
    seen: set[str] = set()
    for question in questions:
        if not _is_text(question):
            raise UsageError(
                f"{path}: the question {question.id} holds half a character (a lone surrogate)",
                hint="Mend its \\u escapes, or save the file as UTF-8.",
            )
        if question.id in seen:
            raise UsageError(
                f"{path}: the id {question.id!r} stands there twice", hint="Give each question its own id."
            )
        seen.add(question.id)
    return questions


def _lines(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, {"question": line.strip()}


def _table(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    rows = csv.DictReader(
        io.StringIO(text, newline=""), delimiter="\t" if path.suffix.lower() == ".tsv" else ","
    )
    try:
        for row in rows:
            yield rows.line_num, {key.strip(): value for key, value in row.items() if key and value}
    except csv.Error as error:
        raise UsageError(f"{path}, line {rows.reader.line_num}: {error}", hint=_FORMATS) from error


def _json_lines(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    # Not splitlines(): JSON may hold U+2028 and its kind within a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{path}, line {number}: not JSON: {error}", hint=_FORMATS) from error
        if not isinstance(row, dict):
            raise UsageError(f"{path}, line {number}: not a JSON object", hint=_FORMATS)
        yield number, row


def _question(row: Mapping[str, Any], number: int, path: Path) -> Question:
    text = row.get("question")
    if not isinstance(text, str) or not text.strip():
        raise UsageError(f"{path}, line {number}: no 'question'", hint=_FORMATS)
    return Question(
        id=str(number if row.get("id") in (None, "") else row["id"]),
        text=text.strip(),
        answers=_texts(row.get("answers"), number, path),
        relevant=_texts(row.get("relevant"), number, path),
        evidence=_texts(row.get("evidence"), number, path),
        answerable=str(row.get("answerable", True)).strip().lower() not in ("false", "no", "0"),
        grade=str(row.get("grade") or ""),
    )


def _is_text(question: Question) -> bool:
    """JSON can write what no encoding can: half of a character, on which every model chokes."""
    texts = (
        question.id,
        question.text,
        question.grade,
        *question.answers,
        *question.relevant,
        *question.evidence,
    )
    return not any(_SURROGATE.search(text) for text in texts)


def _texts(value: object, number: int, path: Path) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return tuple(value)
    raise UsageError(f"{path}, line {number}: expected a text or a list of texts", hint=_FORMATS)
