"""Open Chroma's files, even if they may not be written, or if opening them failed before."""

from __future__ import annotations

import atexit
import errno
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ragcli.errors import StoreError, first_line
from ragcli.store.embedding_functions import refuse_embedding_functions
from ragcli.store.folder.chroma_core import is_chroma_error
from ragcli.store.folder.panics import is_panic, without_panic_messages
from ragcli.store.folder.seal import DAMAGED_HINT
from ragcli.store.manifest import Manifest

FULL_HINT = "Make room on the disk and run it again; the index is unchanged."
COLLECTION = "chunks"
_DATABASE = "chroma.sqlite3"
# SQLite's codes for "read-only" and "disk full", as Chroma's messages contain them.
_CANNOT_WRITE = ("(code: 8)", "(code: 13)", "(code: 1032)", "(code: 1544)")


def create_collection(folder: Path, manifest: Manifest, *, search_width: int) -> Any:
    """A new, empty collection. Returns the client, to be closed."""
    client = _open_client(folder)
    client.create_collection(
        COLLECTION,
        embedding_function=None,
        configuration={"hnsw": {"space": manifest.distance, "ef_search": search_width}},
        metadata=asdict(manifest),
    )
    return client


def open_collection(
    folder: Path, manifest: Manifest, *, search_width: int, for_reading: bool
) -> tuple[Any, Any]:
    """The client, to be closed, and the collection. Raises StoreError if another manifest belongs to it."""
    client = _open_for_reading(folder) if for_reading else _open_client(folder)
    try:
        opened = client.get_collection(COLLECTION, embedding_function=None)
        refuse_embedding_functions(opened, folder)
        if (opened.metadata or {}).get("fingerprint") != manifest.fingerprint:
            raise StoreError(f"{folder} holds the chunks of another index.", hint=DAMAGED_HINT)
        # Not `configuration`: Chroma would make the embedding function that it names.
        if opened.configuration_json["hnsw"]["ef_search"] != search_width:
            opened.modify(configuration={"hnsw": {"ef_search": search_width}})
    except BaseException:
        close_client(client)
        raise
    return client, opened


@contextmanager
def chroma_errors(folder: Path) -> Iterator[None]:
    """Turns what Chroma, SQLite and the system raise into a StoreError that says what to do. A panic of
    Chroma's core is one too, although it is not an Exception.
    """
    try:
        with without_panic_messages():
            yield
    except BaseException as error:
        known = isinstance(error, sqlite3.Error | ValueError | OSError | RuntimeError)
        if not known and not is_chroma_error(error) and not is_panic(error):
            raise
        reason = first_line(error)
        is_full = "(code: 13)" in reason or getattr(error, "errno", None) == errno.ENOSPC
        raise StoreError(
            f"Chroma cannot use the index at {folder}: {reason}", hint=FULL_HINT if is_full else DAMAGED_HINT
        ) from error


def check_database(folder: Path) -> None:
    """Raises sqlite3.DatabaseError if pages of Chroma's database contradict each other."""
    address = f"{(folder.absolute() / _DATABASE).as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as database:
        found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        # Its first line may be a heading.
        raise sqlite3.DatabaseError(str(found).splitlines()[-1])


def _open_for_reading(folder: Path) -> Any:
    """A client for the folder, or for a copy in the temporary folder if it is read-only or its disk full.

    Chroma, and in chromadb 1.5.9 its core alone too, writes a row into its database whenever it opens it. The
    graph's files are linked, not copied.
    """
    from chromadb.errors import ChromaError

    try:
        return _open_client(folder)
    except ChromaError as error:
        if not any(code in str(error) for code in _CANNOT_WRITE):
            raise
    return _open_client(_writable_copy(folder))


def _open_client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    with _engines:
        try:
            return chromadb.PersistentClient(path=str(folder), settings=settings)
        except BaseException:
            _forget(folder)
            raise


def close_client(client: Any) -> None:
    with _engines:
        client.close()


def _forget(folder: Path) -> None:
    """Chroma keeps one engine per folder, even one that failed to start, and would use that again."""
    from chromadb.api.shared_system_client import SharedSystemClient

    engines: dict[str, Any] = getattr(SharedSystemClient, "_identifier_to_system", {})
    users: dict[str, int] = getattr(SharedSystemClient, "_identifier_to_refcount", {})
    if not users.get(str(folder)):
        engines.pop(str(folder), None)


# Chroma looks up or creates a folder's engine without a lock: a second thread could get an unfinished one.
_engines = threading.Lock()
_copies: dict[Path, Path] = {}


def _writable_copy(folder: Path) -> Path:
    """The same copy for as long as this process runs: a version never changes."""
    if folder not in _copies:
        copy = Path(tempfile.mkdtemp(prefix="ragcli-"))
        atexit.register(shutil.rmtree, copy, ignore_errors=True)
        source = f"{(folder.absolute() / _DATABASE).as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(source, uri=True)) as original,
            closing(sqlite3.connect(copy / _DATABASE)) as target,
        ):
            original.backup(target)
        for segment in filter(Path.is_dir, folder.iterdir()):
            try:
                (copy / segment.name).symlink_to(segment.absolute(), target_is_directory=True)
            except OSError:  # Windows allows links to some users only.
                shutil.copytree(segment, copy / segment.name)
        _copies[folder] = copy
    return _copies[folder]
