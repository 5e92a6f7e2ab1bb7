"""One writer per collection. The system releases the lock when its process dies, so it is never stale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ragcli.errors import IndexBusyError, StoreError
from ragcli.store.write_lock import WriteLock, still_held


def write_lock(path: Path, collection: str) -> WriteLock:
    """`path` is the lock's file, `collection` what messages name."""
    return WriteLock(partial(_system_lock, path, collection))


@contextmanager
def _system_lock(path: Path, collection: str) -> Iterator[Callable[[], None]]:
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise IndexBusyError(
            f"Another ragcli is writing to the collection {collection}.",
            hint="Wait until it is done, or use another one: --collection NAME",
        ) from error
    except OSError as error:
        hint = "Check the permissions of the folder that store.path names."
        raise StoreError(f"The index at {path.parent} cannot be written: {error}", hint=hint) from error
    try:
        yield still_held
    finally:
        lock.release()
