"""Judged collections in BEIR's folder format: corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragcli.errors import UsageError
from ragcli.text.clean import SURROGATE

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class JudgedCollection:
    """`corpus` and `queries` map ids to texts; a document's title, if any, comes before its text ("title:
    text"), and `titles` has it by the id.

    `qrels` maps a query's id to the judged documents and their grades (0 or less: judged not relevant).
    """

    name: str
    corpus: dict[str, str]
    queries: dict[str, str]
    qrels: dict[str, dict[str, float]]
    titles: Mapping[str, str] = field(default_factory=dict)

    def own_document(self, query: str) -> str | None:
        """The document that is the query itself, as in ArguAna and Quora: BEIR leaves it out of the ranking.

        It has the query's id. A document that is judged relevant has the id by chance and is ranked like any
        other.
        """
        judged_relevant = self.qrels.get(query, {}).get(query, 0.0) > 0
        return query if query in self.corpus and not judged_relevant else None


def read_beir(folder: Path, split: str = "test") -> JudgedCollection:
    """Raises a UsageError that names the file and line that is missing or malformed."""
    corpus, titles = _texts(_inside(folder, folder / "corpus.jsonl"))
    queries, _ = _texts(_inside(folder, folder / "queries.jsonl"))
    judgements = _inside(folder, folder / "qrels" / f"{split}.tsv")
    qrels = _qrels(judgements, corpus.keys() | queries.keys())
    return JudgedCollection(folder.name, corpus, queries, qrels, titles)


def _inside(folder: Path, path: Path) -> Path:
    """The file, unless a link or a split's name leads out of the folder: then UsageError."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{path} leads outside {folder}.", hint="Copy the file into the folder. " + _HINT)
    return path


def _texts(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Texts, and the titles in front of them, by id. Two records with the same id are an error, as it is not
    clear which one is meant.
    """
    texts: dict[str, str] = {}
    titles: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, row in _records(path):
        name = row["_id"]
        if name in texts:
            raise UsageError(
                f"{path}, line {number}: the id {name!r} is taken by line {lines[name]}.",
                hint="Give each record its own id, or delete one of the two.",
            )
        title, text = row.get("title") or "", row["text"] or ""
        texts[name] = f"{title}: {text}" if title and text else title or text
        if title and text:
            titles[name] = title
        lines[name] = number
    return texts, titles


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _record(line, f"{path}, line {number}")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint=_HINT) from error


def _record(line: str, place: str) -> dict[str, Any]:
    try:
        # A number stays as it is written: as an id it must be the same text as in the judgements.
        row = json.loads(line, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place}: not JSON: {error}", hint=_HINT) from error
    if not isinstance(row, dict):
        raise UsageError(f"{place}: not a JSON object", hint=_HINT)
    for key in ("_id", "text"):
        if key not in row:
            raise UsageError(f"{place}: no {key!r}", hint=_HINT)
    if not isinstance(row["_id"], str) or not row["_id"]:
        raise UsageError(f"{place}: the '_id' is not a text or a number", hint=_HINT)
    for key in ("title", "text"):
        if not isinstance(row.get(key) or "", str):
            raise UsageError(f"{place}: the {key!r} is not a text", hint=_HINT)
    # Only an escape can write one, and few lines have any: this avoids a search of the whole corpus.
    if _SURROGATE_ESCAPE.search(line) and SURROGATE.search("".join(map(str, row.values()))):
        raise UsageError(f"{place}: half a character (a lone surrogate)", hint=_HINT)
    return row


def _qrels(path: Path, known: Set[str]) -> dict[str, dict[str, float]]:
    """The header line is optional, as files differ; `known` ids distinguish it from a malformed judgement."""
    qrels: dict[str, dict[str, float]] = {}
    number = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for number, row in enumerate(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
                if not any(cell.strip() for cell in row):
                    continue
                if number == 1 and _is_header(row, known):
                    continue
                query, document, grade = _judgement(row, f"{path}, line {number}")
                if qrels.setdefault(query, {}).setdefault(document, grade) != grade:
                    raise UsageError(
                        f"{path}, line {number}: {document!r} is judged twice for {query!r},"
                        " with different grades.",
                        hint="Keep one of the two lines.",
                    )
    except csv.Error as error:
        raise UsageError(f"{path}, line {number + 1}: {error}", hint=_HINT) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint=_HINT) from error
    return qrels


def _is_header(row: list[str], known: Set[str]) -> bool:
    return len(row) == 3 and finite(row[2]) is None and known.isdisjoint(row[:2])


def _judgement(row: list[str], place: str) -> tuple[str, str, float]:
    grade = finite(row[2]) if len(row) == 3 and row[0] and row[1] else None
    if grade is None:
        raise UsageError(f"{place}: not query, document, grade", hint=_HINT)
    return row[0], row[1], grade


def finite(text: str) -> float | None:
    """The number that the text is; None where it is none, or not a finite one."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


_HINT = (
    "A BEIR folder contains corpus.jsonl, queries.jsonl and qrels/test.tsv"
    " (query id, document id, grade, with tabs between them)."
)
