"""One writer a collection. The system lets go of the lock when its process dies, so none is ever stale."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ragcli.errors import IndexBusyError, StoreError


class WriteLock(AbstractContextManager["WriteLock"]):
    """May be entered again by its holder (`depth` times by now). Raises StoreError at once if it is taken."""

    def __init__(self, path: Path, collection: str) -> None:
        self.depth = 0
        self._path = path
        self._collection = collection
        self._held: AbstractContextManager[None] | None = None

    def __enter__(self) -> WriteLock:
        if self.depth == 0:
            self._held = _system_lock(self._path, self._collection)
            self._held.__enter__()
        self.depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.depth -= 1
        if self.depth == 0 and self._held is not None:
            self._held.__exit__(None, None, None)
            self._held = None


def write_lock(path: Path, collection: str) -> WriteLock:
    return WriteLock(path, collection)


@contextmanager
def _system_lock(path: Path, collection: str) -> Iterator[None]:
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
        yield
    finally:
        lock.release()
