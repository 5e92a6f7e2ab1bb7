"""Which generation of each source counts: what keeps sources whole, inside one version of the index.

Each time that a source is written, it gets a new generation, whose number every chunk in Chroma has. A
generation is stale from before its first chunk is written until one transaction makes it the source's current
one and makes the one before it stale. Stale chunks are never shown, and the next writer deletes them. So
whenever a writer dies, each source is complete: as it was before, or as it is after.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from ragcli.errors import StoreError
from ragcli.types import SourceInfo

_SCHEMA = """
CREATE TABLE IF NOT EXISTS source (
    source TEXT PRIMARY KEY, title TEXT NOT NULL, format TEXT NOT NULL, chunks INTEGER NOT NULL,
    sha256 TEXT NOT NULL, ingested_at TEXT NOT NULL, generation INTEGER NOT NULL,
    base TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS stale (generation INTEGER PRIMARY KEY AUTOINCREMENT);
"""
_PATIENCE_SECONDS = 10.0


class Records:
    """The sources of one collection, in SQLite. A connection lives for one call, so threads do not matter."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def create(self) -> None:
        with self._connection(mode="rwc") as database:
            database.executescript(_SCHEMA)

    def count(self) -> int:
        """Chunks of all sources."""
        with self._connection() as database:
            return int(database.execute("SELECT coalesce(sum(chunks), 0) FROM source").fetchone()[0])

    def sources(self) -> tuple[SourceInfo, ...]:
        columns = "source, title, format, chunks, sha256, ingested_at"
        with self._connection() as database:
            base = "base" if _has_base(database) else "''"
            rows = database.execute(f"SELECT {columns}, {base} FROM source ORDER BY source").fetchall()
        return tuple(SourceInfo(*row) for row in rows)

    def current(self) -> dict[int, SourceInfo]:
        """The current generations, each with its source."""
        columns = "generation, source, title, format, chunks, sha256, ingested_at"
        with self._connection() as database:
            rows = database.execute(f"SELECT {columns} FROM source").fetchall()
        return {row[0]: SourceInfo(*row[1:]) for row in rows}

    def generation(self, source: str) -> int | None:
        """The source's current generation, None if it is not in the index."""
        with self._connection() as database:
            return _current(database, source)

    def stale(self) -> list[int]:
        """The generations whose chunks may be in Chroma and must not be shown."""
        with self._connection() as database:
            return [row[0] for row in database.execute("SELECT generation FROM stale ORDER BY generation")]

    def begin(self, count: int) -> list[int]:
        """New generations, stale until they are committed."""
        with self._connection() as database:
            cursors = [database.execute("INSERT INTO stale DEFAULT VALUES") for _ in range(count)]
        return [int(cursor.lastrowid or 0) for cursor in cursors]

    def commit(self, entries: Iterable[tuple[int, SourceInfo]]) -> None:
        """Make each generation its source's current one, and the one before it stale, in one transaction."""
        with self._connection() as database:
            _add_base(database)
            for generation, info in entries:
                self._retire(database, info.source)
                values = (info.source, info.title, info.format, info.chunks, info.sha256, info.ingested_at)
                database.execute(
                    "INSERT INTO source VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*values, generation, info.base)
                )
                database.execute("DELETE FROM stale WHERE generation = ?", (generation,))

    def rebase(self, bases: Mapping[str, str]) -> None:
        with self._connection() as database:
            _add_base(database)
            rows = [(base, source) for source, base in bases.items()]
            database.executemany("UPDATE source SET base = ? WHERE source = ?", rows)

    def retire(self, source: str) -> int:
        """Remove the source; its generation becomes stale. Returns how many chunks it had."""
        with self._connection() as database:
            return self._retire(database, source)

    def forget(self, generations: Iterable[int]) -> None:
        """These stale generations have no chunk left in Chroma."""
        with self._connection() as database:
            database.executemany("DELETE FROM stale WHERE generation = ?", [(g,) for g in generations])

    @staticmethod
    def _retire(database: sqlite3.Connection, source: str) -> int:
        row = database.execute("SELECT generation, chunks FROM source WHERE source = ?", (source,)).fetchone()
        if row is None:
            return 0
        database.execute("INSERT INTO stale VALUES (?)", (row[0],))
        database.execute("DELETE FROM source WHERE source = ?", (source,))
        return int(row[1])

    @contextmanager
    def _connection(self, mode: str = "rw") -> Iterator[sqlite3.Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        address = f"{self._path.absolute().as_uri()}?mode={mode}"
        try:
            with (
                closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE_SECONDS)) as database,
                database,
            ):
                yield database
        except sqlite3.Error as error:
            hint = (
                "Check the folder's permissions and the room on its disk; if it is damaged: ragcli reset, "
                "then ragcli ingest PATH..."
            )
            raise StoreError(f"{self._path} cannot be used: {error}", hint=hint) from error


def _has_base(database: sqlite3.Connection) -> bool:
    """An older index does not have this column."""
    return any(row[1] == "base" for row in database.execute("PRAGMA table_info(source)"))


def _add_base(database: sqlite3.Connection) -> None:
    if not _has_base(database):
        database.execute("ALTER TABLE source ADD COLUMN base TEXT NOT NULL DEFAULT ''")


def _current(database: sqlite3.Connection, source: str) -> int | None:
    row = database.execute("SELECT generation FROM source WHERE source = ?", (source,)).fetchone()
    return None if row is None else int(row[0])
