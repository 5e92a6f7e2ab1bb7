"""Question files: .txt (one question per line), .csv and .tsv (a header with `question`), .jsonl."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ragcli.errors import UsageError
from ragcli.evaluation.question_rows import (
    FORMATS,
    QUESTION,
    Reader,
    guessed_reader,
    plain_lines,
    reader_for,
    text_of,
)
from ragcli.text.clean import SURROGATE

KEYS = ("id", QUESTION, "answers", "relevant", "evidence", "answerable", "grade", "judged", "judged_by")
SESSION = "judging"
"""The key of a question's pool, its passages and what was skipped, in a file of `ragcli judge`."""

_NEARLY = 0.8
_YES = ("", "true", "yes", "1")
_NO = ("false", "no", "0")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """`relevant` holds paths (of documents, or document#heading) and `evidence` verbatim phrases of passages.

    `answerable` is False only if the file says so. `judged` are the gains of the chunks that somebody
    judged (`ragcli judge`), by id, those of 0 too; `judged_by` says who: an LLM's name, or people.
    `left` counts the passages of its pool that are still to be judged: until then it has no gold.
    `others` is all else that the file says of the question, as it stands there.
    """

    id: str
    text: str
    answers: tuple[str, ...] = ()
    relevant: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    answerable: bool = True
    grade: str = ""
    judged: tuple[tuple[str, float], ...] = ()
    judged_by: str = ""
    left: int = 0
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, str]:
        """What of `others` is one word, number or text: for groups, and for where a question came from."""
        return {
            key: json.dumps(value) if isinstance(value, bool) else str(value).strip()
            for key, value in self.others.items()
            if isinstance(value, str | int | float)
        }


def names_gold(question: Question) -> bool:
    """Whether the file says what answers it: then it may have a place in ranking measures."""
    gold = question.relevant or question.evidence or any(gain for _, gain in question.judged)
    return question.answerable and bool(gold)


@dataclass(frozen=True, slots=True)
class Misspelled:
    """A key of the file that is nearly one that is read: whatever it holds is passed over."""

    question_id: str
    key: str
    meant: str


def read_questions(
    path: Path, *, on_misspelled: Callable[[Misspelled], None] | None = None
) -> tuple[Question, ...]:
    """All questions of a file, in its order; a missing id becomes the record's line. Raises UsageError, for a
    misspelled key too unless somebody is to be told of it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the question file {path} cannot be read: {error}", hint=FORMATS) from error
    reader = reader_for(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: {path.suffix or 'no suffix'} is not a question file", hint=FORMATS)
    return _questions(reader, text_of(data, str(path)), str(path), on_misspelled)


def parse_questions(given: str | bytes) -> tuple[Question, ...]:
    """From standard input: JSONL if the first character is a brace, a table if its first line is a
    header with `question`, else one question per line. Raises UsageError.
    """
    name = "standard input"
    text = text_of(given, name) if isinstance(given, bytes) else plain_lines(given)
    return _questions(guessed_reader(text), text, name)


def _questions(
    reader: Reader, text: str, name: str, on_misspelled: Callable[[Misspelled], None] | None = None
) -> tuple[Question, ...]:
    rows = list(reader(text, name))
    if not rows:
        raise UsageError(f"{name} holds no question", hint=FORMATS)
    own = _own_ids(rows, name)
    named = [(row, number, own.get(number) or _id_by_line(number, own.values())) for number, row in rows]
    for row, number, question_id in named:
        for wrong in _misspelled(row, question_id):
            if on_misspelled is None:
                raise _not_read(wrong, f"{name}, line {number}")
            on_misspelled(wrong)
    return tuple(_question(row, question_id, f"{name}, line {number}") for row, number, question_id in named)


def _own_ids(rows: Sequence[tuple[int, Row]], name: str) -> dict[int, str]:
    """The ids that the file gives, by line. Each may occur once."""
    own: dict[int, str] = {}
    lines: dict[str, int] = {}
    for number, row in rows:
        given = _text(row, "id", f"{name}, line {number}")
        if not given:
            continue
        if given in lines:
            raise UsageError(
                f"{name}, line {number}: the id {given!r} appears twice, first on line {lines[given]}.",
                hint="Give each question its own id.",
            )
        own[number], lines[given] = given, number
    return own


def _id_by_line(number: int, taken: Collection[str]) -> str:
    """The line's number, unless that is the id of another question."""
    name = str(number)
    while name in taken:
        name = f"line {name}"
    return name


def _question(row: Row, name: str, place: str) -> Question:
    text = row.get(QUESTION)
    if not isinstance(text, str) or not text.strip():
        raise UsageError(f"{place}: no {QUESTION!r}", hint=FORMATS)
    question = Question(
        id=name,
        text=text.strip(),
        answers=_texts(row, "answers", place),
        relevant=_texts(row, "relevant", place),
        evidence=_texts(row, "evidence", place),
        answerable=_answerable(row, place),
        grade=_text(row, "grade", place),
        judged=_gains(row, place),
        judged_by=_text(row, "judged_by", place),
        others={str(key): value for key, value in row.items() if key not in KEYS},
    )
    if not _is_text(question):
        raise UsageError(
            f"{place}: half a character (a lone surrogate)",
            hint="Correct its \\u escapes, or save the file as UTF-8.",
        )
    left = _left_to_judge(row, question)
    # Of half a pool it is not known yet which passages are relevant.
    return replace(question, relevant=(), evidence=(), judged=(), left=left) if left else question


def _misspelled(row: Row, question_id: str) -> Iterator[Misspelled]:
    for key in row:
        meant = _nearly(key) if key not in KEYS else None
        if meant is not None and meant not in row:
            yield Misspelled(question_id, key, meant)


def _not_read(wrong: Misspelled, place: str) -> UsageError:
    """It would be passed over like a key of the user's own, and its gold with it."""
    return UsageError(
        f"{place}: {wrong.key!r} is not read. Did you mean {wrong.meant!r}?",
        hint=f"A question may have {', '.join(KEYS)}. Other keys are ignored, unless their"
        " names are close to one of these.",
    )


def _nearly(key: str) -> str | None:
    letters = re.sub(r"[^a-z]", "", key.lower())
    if letters in KEYS:
        return letters
    close = difflib.get_close_matches(letters, KEYS, 1, _NEARLY) if len(letters) > 3 else []
    return close[0] if close else None


def _answerable(row: Row, place: str) -> bool:
    value = row.get("answerable")
    word = str(value if value is not None else "").strip().lower()
    if word not in (*_YES, *_NO):
        raise UsageError(f"{place}: 'answerable' is {word!r}.", hint="Write true or false.")
    return word not in _NO


def _is_text(question: Question) -> bool:
    """JSON can write what no encoding can: half of a character, which makes every model fail."""
    texts = (
        question.id,
        question.text,
        question.grade,
        question.judged_by,
        *question.answers,
        *question.relevant,
        *question.evidence,
        json.dumps(question.others, ensure_ascii=False),
    )
    return not any(SURROGATE.search(text) for text in texts)


def _gains(row: Row, place: str) -> tuple[tuple[str, float], ...]:
    """Chunk ids with their gains, as `ragcli judge` writes them."""
    value = row.get("judged") or {}
    if not isinstance(value, dict) or not all(_is_gain(gain) for gain in value.values()):
        raise UsageError(
            f"{place}: 'judged' is not a chunk's id with a number from 0 to 1.",
            hint="ragcli judge writes it; leave it out where nobody judged.",
        )
    return tuple((name, float(gain)) for name, gain in value.items())


def _left_to_judge(row: Row, question: Question) -> int:
    """Of its pool, if it has one: a key of the user's own may have that name too."""
    try:
        pooled = {str(name) for name, *_ in row[SESSION]["passages"]}
        return len(pooled - dict(question.judged).keys() - {*row[SESSION]["skipped"]})
    except (KeyError, TypeError, ValueError):
        return 0


def _is_gain(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _text(row: Row, key: str, place: str) -> str:
    """A text or a number, as text; "" if there is none."""
    value = row.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{place}: {key!r} is not a text or a number", hint=FORMATS)
    return str(value).strip()


def _texts(row: Row, key: str, place: str) -> tuple[str, ...]:
    """Without the blank ones: an empty gold answer would be found in every answer."""
    value = row.get(key)
    if value is None:
        return ()
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise UsageError(f"{place}: expected a text or a list of texts in {key!r}", hint=FORMATS)
    return tuple(entry for entry in entries if entry.strip())
