"""One writer per collection on a server: a lease, since a server does not notice that a writer died.

The lock is a collection of its own, `ragcli.NAME.lock`: if two processes create it, only one succeeds. Its
metadata says who holds it and until when, by the server's clock. The holder renews it from a thread; if it
dies, the lease expires and the next writer takes it over. Everything refers to the lock by its id, so a
holder that was taken for dead notices when it next renews its lease, and before each commit.
"""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ragcli.errors import IndexBusyError, StoreError

LEASE_SECONDS = 45.0
PROLONG_SECONDS = 10.0
_NANOSECONDS = 1_000_000_000


@contextmanager
def server_lock(client: Any, name: str, collection: str) -> Iterator[Callable[[], None]]:
    """`name` is the lock's, `collection` the one that messages name. Raises StoreError if it is taken."""
    lease = _Lease(client, _taken(client, name, collection), collection)
    done = threading.Event()
    thread = threading.Thread(target=lease.keep, args=(done,), name="ragcli-lease", daemon=True)
    thread.start()
    try:
        yield lease.prolong
    finally:
        done.set()
        thread.join()
        lease.end(name)


class _Lease:
    def __init__(self, client: Any, lock: Any, collection: str) -> None:
        self._client = client
        self._lock = lock
        self._collection = collection
        self._turn = threading.Lock()

    def prolong(self) -> None:
        """Raises StoreError if another writer has taken over."""
        from chromadb.errors import NotFoundError

        with self._turn:
            try:
                self._lock.modify(metadata=_metadata(self._client))
            except NotFoundError as error:
                raise StoreError(
                    f"This ragcli was out of reach for so long that another one took over the collection "
                    f"{self._collection}.",
                    hint="Run the command again: it does the rest.",
                ) from error

    def keep(self, done: threading.Event) -> None:
        """Runs in a thread until `done`. A failure here happens to the writer as well, which reports it."""
        from chromadb.errors import ChromaError
        from httpx import HTTPError

        while not done.wait(PROLONG_SECONDS):
            with suppress(HTTPError, ChromaError, StoreError):
                self.prolong()

    def end(self, name: str) -> None:
        """Best effort: a lock that is left expires by itself, and must not hide an error of the work."""
        from chromadb.errors import ChromaError
        from httpx import HTTPError

        with suppress(HTTPError, ChromaError):
            _discard(self._client, self._lock, name)


def _taken(client: Any, name: str, collection: str) -> Any:
    """The lock, ours from now on."""
    try:
        return _create(client, name)
    except _Taken as taken:
        left = int(taken.lock.metadata["until"]) - client.heartbeat()
        if left > 0:
            raise _busy(taken.lock.metadata, left, collection) from None
        # By its id: of two writers that find it dead, neither can delete what the other has created since.
        _discard(client, taken.lock, name)
    try:
        return _create(client, name)
    except _Taken as taken:
        left = int(taken.lock.metadata["until"]) - client.heartbeat()
        raise _busy(taken.lock.metadata, left, collection) from None


class _Taken(Exception):
    def __init__(self, lock: Any) -> None:
        super().__init__()
        self.lock = lock


def _create(client: Any, name: str) -> Any:
    """Raises _Taken with the lock that exists."""
    from chromadb.errors import ChromaError, NotFoundError

    for _attempt in range(3):
        try:
            return client.create_collection(name, embedding_function=None, metadata=_metadata(client))
        except ChromaError as error:
            try:
                there = client.get_collection(name, embedding_function=None)
            except NotFoundError:
                last = error  # Its holder has just finished, or the server refused for another reason.
                continue
            raise _Taken(there) from error
    raise last


def _discard(client: Any, lock: Any, name: str) -> None:
    """Deleting goes by the name, which may be another lock's by now; renaming goes by the id."""
    from chromadb.errors import NotFoundError

    rest = f"{name}.{uuid.uuid4().hex[:8]}"
    with suppress(NotFoundError):
        lock.modify(name=rest)
        client.delete_collection(rest)


def _metadata(client: Any) -> dict[str, str | int]:
    until = client.heartbeat() + int(LEASE_SECONDS * _NANOSECONDS)
    return {"kind": "lock", "host": socket.gethostname(), "process": os.getpid(), "until": until}


def _busy(metadata: dict[str, Any], left: int, collection: str) -> IndexBusyError:
    seconds = max(1, round(left / _NANOSECONDS))
    return IndexBusyError(
        f"Another ragcli is writing to the collection {collection} (process {metadata['process']} on "
        f"{metadata['host']}).",
        hint=f"Wait until it is done, or use another one: --collection NAME. If it was killed, its lock ends "
        f"in {seconds} seconds.",
    )
