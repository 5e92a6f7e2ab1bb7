"""Find passages by their words: BM25, as SQLite's full-text search (FTS5) computes it.

    score = sum over the words w of the question of
            idf(w) x f x (k1 + 1) / (f + k1 x (1 - b + b x length / mean length))
    idf(w) = ln((N - n + 0.5) / (n + 0.5)), or 1e-6 for a word in half of the passages or more

f is how often w is in the passage, n the number of passages with w, N that of all passages; a word that the
question repeats counts each time. SQLite fixes k1 = 1.2 and b = 0.75. Case and diacritics are ignored, and
words are cut to their stems (Porter's for English).

Passages are added and deleted in parts (the store's generations), each in one transaction: a reader sees a
part completely or not at all.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ragcli.errors import StoreError
from ragcli.text import stop_words
from ragcli.types import MetadataValue

IN_MEMORY = ":memory:"
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS part (number INTEGER PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS passage (id INTEGER PRIMARY KEY, part INTEGER NOT NULL, name TEXT NOT NULL,"
    " facts TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS passage_part ON passage (part)",
    "CREATE VIRTUAL TABLE IF NOT EXISTS words"
    " USING fts5(text, tokenize = 'porter unicode61 remove_diacritics 2')",
)
# Another process may be adding many passages.
_PATIENCE_SECONDS = 60.0
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Entry:
    """A passage to index. `facts` is what filters compare."""

    name: str
    text: str
    facts: Mapping[str, MetadataValue]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with its BM25 score, above 0; `name` is unique within its part."""

    part: int
    name: str
    score: float


def terms(question: str) -> list[str]:
    """The words that are looked for, in their order, repeated ones too; none where all are stop words."""
    return [word for word in _WORD.findall(question.lower()) if word not in stop_words.SEARCH]


class LexicalIndex:
    """The words of all passages, in a file or in memory. Close it; it is not for several threads at once.

    Its content can be built again at any time: a damaged file may be deleted.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._opened: sqlite3.Connection | None = None

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
        self._opened = None

    def missing(self, parts: Collection[int]) -> list[int]:
        """The parts that are not in the index, in ascending order."""
        with self._transaction() as database:
            return sorted(set(parts) - _held(database))

    def add(self, parts: Mapping[int, Sequence[Entry]]) -> None:
        """Add the parts with all their passages in one transaction; a part that is there already is kept."""
        with self._transaction(writing=True) as database:
            for part in sorted(set(parts) - _held(database)):
                database.execute("INSERT INTO part VALUES (?)", (part,))
                for entry in parts[part]:
                    row = (part, entry.name, json.dumps(entry.facts))
                    cursor = database.execute("INSERT INTO passage (part, name, facts) VALUES (?, ?, ?)", row)
                    database.execute(
                        "INSERT INTO words (rowid, text) VALUES (?, ?)", (cursor.lastrowid, entry.text)
                    )

    def drop_all_but(self, parts: Collection[int]) -> None:
        """Parts newer than all of `parts` stay: they belong to a version that the caller cannot know yet."""
        newest = max(parts, default=0)
        with self._transaction() as database:
            gone = [part for part in _held(database) - set(parts) if part < newest]
        if not gone:
            return
        chosen = "SELECT value FROM json_each(?)"
        with self._transaction(writing=True) as database:
            for statement in (
                f"DELETE FROM words WHERE rowid IN (SELECT id FROM passage WHERE part IN ({chosen}))",
                f"DELETE FROM passage WHERE part IN ({chosen})",
                f"DELETE FROM part WHERE number IN ({chosen})",
            ):
                database.execute(statement, (json.dumps(gone),))

    def search(
        self,
        question: str,
        n: int,
        parts: Collection[int],
        where: Sequence[tuple[str, MetadataValue]] = (),
    ) -> list[Hit] | None:
        """The n best passages of these parts that contain a word of the question; ties by name.

        None if the index lacks one of the parts. `where`: the values that a passage's facts must have, of the
        same type (the number 1 is not the text "1").
        """
        wanted = terms(question)
        if not wanted or not parts:
            return []
        conditions = ["words MATCH ?", "p.part IN (SELECT value FROM json_each(?))"]
        # Quotes keep FTS5 from reading a word as one of its operators (AND, NEAR).
        given: list[MetadataValue] = [" OR ".join(f'"{word}"' for word in wanted), json.dumps(list(parts))]
        for key, value in where:
            conditions.append("json_extract(p.facts, ?) = ? AND json_type(p.facts, ?) IN (?, ?)")
            given += [f'$."{key}"', value, f'$."{key}"', *_json_types(value)]
        query = (
            "SELECT p.part, p.name, -bm25(words) AS score"
            " FROM words CROSS JOIN passage p ON p.id = words.rowid"
            f" WHERE {' AND '.join(conditions)} ORDER BY score DESC, p.name LIMIT ?"
        )
        with self._transaction() as database:
            if not _held(database).issuperset(parts):
                return None
            return [Hit(*row) for row in database.execute(query, (*given, n))]

    @contextmanager
    def _transaction(self, *, writing: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            if self._opened is None:
                self._opened = _open(self._path)
            database = self._opened
            database.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
        except sqlite3.Error as error:
            if "fts5" in str(error):
                raise StoreError(
                    "The SQLite of this Python cannot search for words (it has no FTS5).",
                    hint='Set retrieval.method = "dense", or use another Python.',
                ) from error
            hint = "Check the folder's permissions. The file may be deleted: it will be built again."
            raise StoreError(f"{self._path} cannot be used: {error}", hint=hint) from error


def bring_in_step(
    index: LexicalIndex,
    sizes: Mapping[int, int],
    load: Callable[[Sequence[int]], Mapping[int, Sequence[Entry]]],
    *,
    at_once: int,
) -> None:
    """Add the parts that the index lacks, and delete those that no longer exist.

    `sizes` maps each part to its number of passages; `load` fetches about `at_once` passages at a time, and
    omits a part that it cannot get completely.
    """
    missing = index.missing(sizes)
    group: list[int] = []
    for part in missing:
        group.append(part)
        if sum(sizes[one] for one in group) >= at_once or part == missing[-1]:
            index.add(load(group))
            group = []
    index.drop_all_but(sizes)


def _open(path: Path | str) -> sqlite3.Connection:
    # An index is warmed up in one thread and searched in another, later.
    database = sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False)
    for statement in _SCHEMA:
        database.execute(statement)
    return database


def _held(database: sqlite3.Connection) -> set[int]:
    return {row[0] for row in database.execute("SELECT number FROM part")}


def _json_types(value: MetadataValue) -> tuple[str, str]:
    """SQLite's names for the JSON type of the value: without them, true would equal 1."""
    if isinstance(value, bool):
        return "true", "false"
    return ("text", "text") if isinstance(value, str) else ("integer", "real")
