"""Judged collections in BEIR's folder format: corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragcli.errors import UsageError

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class JudgedCollection:
    """`corpus` and `queries` map ids to texts; a document's title, if any, stands before its text ("title:
    text").

    `qrels` maps a query's id to the judged documents and their grades (0 or less: judged not relevant).
    """

    name: str
    corpus: dict[str, str]
    queries: dict[str, str]
    qrels: dict[str, dict[str, float]]


def read_beir(folder: Path, split: str = "test") -> JudgedCollection:
    """Raises UsageError that names the file and line which is missing or malformed."""
    corpus = {
        str(row["_id"]): f"{row['title']}: {row['text']}" if row.get("title") else str(row["text"])
        for row in _records(_inside(folder, folder / "corpus.jsonl"), ("_id", "text"))
    }
    queries = {
        str(row["_id"]): str(row["text"])
        for row in _records(_inside(folder, folder / "queries.jsonl"), ("_id", "text"))
    }
    judgements = _inside(folder, folder / "qrels" / f"{split}.tsv")
    return JudgedCollection(folder.name, corpus, queries, _qrels(judgements))


def _inside(folder: Path, path: Path) -> Path:
    """The file, unless a link or a split's name leads out of the folder: then UsageError."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{path} leads out of {folder}.", hint="Copy the file into the folder. " + _HINT)
    return path


def _records(path: Path, keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                yield _record(line, keys, f"{path}, line {number}")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint=_HINT) from error


def _record(line: str, keys: tuple[str, ...], place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place}: not JSON: {error}", hint=_HINT) from error
    if not isinstance(row, dict):
        raise UsageError(f"{place}: not a JSON object", hint=_HINT)
    # Only an escape can write one, and few lines hold any: the whole corpus is not searched for it.
    if _SURROGATE_ESCAPE.search(line) and _SURROGATE.search("".join(map(str, row.values()))):
        raise UsageError(f"{place}: half a character (a lone surrogate)", hint=_HINT)
    missing = [key for key in keys if key not in row]
    if missing:
        raise UsageError(f"{place}: no {missing[0]!r}", hint=_HINT)
    return row


def _qrels(path: Path) -> dict[str, dict[str, float]]:
    """The header line is optional, as it is in the wild."""
    qrels: dict[str, dict[str, float]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
                grade = _number(row[2]) if len(row) == 3 else None
                if grade is not None:
                    qrels.setdefault(row[0], {})[row[1]] = grade
                elif row and number > 1:
                    raise UsageError(f"{path}, line {number}: not query, document, grade", hint=_HINT)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint=_HINT) from error
    return qrels


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_HINT = "A BEIR folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv (query id, document id, grade)."
