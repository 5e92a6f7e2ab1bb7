"""A collection on a Chroma server: three of Chroma's collections.

ragcli.NAME.chunks    the chunks and their vectors; its metadata is the manifest
ragcli.NAME.sources   which generation of each source counts (see `generations`)
ragcli.NAME.lock      held by a writer (see `lease`)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict
from typing import Any

from ragcli.config import StoreConfig
from ragcli.errors import StoreError
from ragcli.store.chunk_table import ChunkTable
from ragcli.store.embedding_functions import refuse_embedding_functions
from ragcli.store.manifest import Manifest, parse_manifest
from ragcli.store.server.connection import connect
from ragcli.store.server.failing import address, server_errors
from ragcli.store.server.lease import server_lock
from ragcli.store.write_lock import WriteLock

_PREFIX, _CHUNKS = "ragcli.", ".chunks"
_COLLECTIONS_PER_CALL = 100
# Chroma Cloud reads and writes at most 300 records in a call.
RECORDS_PER_CALL = 300
# The response to many questions at once could be too large for a server.
_FOUND_PER_CALL = 3000


def server_collections(config: StoreConfig) -> list[str]:
    """The names of ragcli's collections on the server, sorted."""
    names: list[str] = []
    with server_errors(config):
        client = connect(config)
        while True:
            page = client.list_collections(limit=_COLLECTIONS_PER_CALL, offset=len(names))
            names += [collection.name for collection in page]
            if len(page) < _COLLECTIONS_PER_CALL:
                break
    ours = [name for name in names if name.startswith(_PREFIX) and name.endswith(_CHUNKS)]
    return sorted(name.removeprefix(_PREFIX).removesuffix(_CHUNKS) for name in ours)


class ServerPlace:
    """Asks the server each time; only the ids of its collections are remembered."""

    def __init__(self, config: StoreConfig, collection: str) -> None:
        self.lock = WriteLock(self._hold)
        self._config = config
        self._collection = collection
        self._chunks: Any = None
        self._sources: Any = None
        self._table: ChunkTable | None = None

    def __str__(self) -> str:
        return address(self._config)

    def exists(self) -> bool:
        """Whether there is anything, even what a killed ingest left."""
        return self._get("chunks") is not None or self._get("sources") is not None

    def manifest(self) -> Manifest | None:
        self._chunks, self._table = self._get("chunks"), None
        if self._chunks is None:
            return None
        return parse_manifest(self._chunks.metadata or {}, f"The collection {self._name('chunks')} at {self}")

    def create_sources(self) -> None:
        """An empty collection of records."""
        with self.errors():
            self._sources = connect(self._config).create_collection(
                self._name("sources"), embedding_function=None, metadata={"kind": "sources"}
            )

    def create_chunks(self, manifest: Manifest) -> None:
        """An empty collection of chunks, with the manifest."""
        with self.errors():
            self._chunks = connect(self._config).create_collection(
                self._name("chunks"),
                embedding_function=None,
                configuration={"hnsw": {"space": manifest.distance, **self._width}},
                metadata=asdict(manifest),
            )

    def table(self, manifest: Manifest) -> ChunkTable:
        """The chunks. Raises StoreError if the collection was built again since."""
        if self._table is None:
            chunks = self._chunks or self._get("chunks")
            if chunks is None or (chunks.metadata or {}).get("created_at") != manifest.created_at:
                raise StoreError(
                    f"The collection {self._collection} at {self} has just been built again.",
                    hint="Run the command again.",
                )
            refuse_embedding_functions(chunks, self)
            self._table = ChunkTable(chunks, self.errors, RECORDS_PER_CALL, _FOUND_PER_CALL)
        return self._table

    def set_width(self, chunks: Any) -> None:
        """For a writer: the width is the collection's, and everybody who searches it uses it."""
        # None on Chroma Cloud, whose index is of another kind.
        graph = chunks.configuration_json.get("hnsw")
        if graph and graph["ef_search"] != self._width["ef_search"]:
            with self.errors():
                chunks.modify(configuration={"hnsw": self._width})

    def sources(self) -> Any:
        """Chroma's collection of the records. Raises StoreError if it is missing."""
        if self._sources is None:
            self._sources = self._get("sources")
        if self._sources is None:
            raise StoreError(
                f"The collection {self._name('sources')} is missing at {self}.",
                hint="Build the index again: ragcli reset, then ragcli ingest PATH...",
            )
        refuse_embedding_functions(self._sources, self)
        return self._sources

    def delete(self) -> None:
        """Delete everything, complete or not. The manifest first: if this is killed, there is no index."""
        from chromadb.errors import NotFoundError

        with self.errors():
            for part in ("chunks", "sources"):
                with suppress(NotFoundError):
                    connect(self._config).delete_collection(self._name(part))
        self.close()

    def close(self) -> None:
        """Forget the collections. The connection stays open."""
        self._chunks = self._sources = self._table = None

    def errors(self) -> AbstractContextManager[None]:
        return server_errors(self._config)

    @property
    def _width(self) -> dict[str, int]:
        return {"ef_search": self._config.search_width}

    @contextmanager
    def _hold(self) -> Iterator[Callable[[], None]]:
        def confirmed() -> None:
            with self.errors():
                confirm()

        with ExitStack() as stack:
            with self.errors():
                lock = server_lock(connect(self._config), self._name("lock"), self._collection)
                confirm = stack.enter_context(lock)
            yield confirmed

    def _get(self, part: str) -> Any:
        from chromadb.errors import NotFoundError

        with self.errors():
            try:
                return connect(self._config).get_collection(self._name(part), embedding_function=None)
            except NotFoundError:
                return None

    def _name(self, part: str) -> str:
        return f"{_PREFIX}{self._collection}.{part}"
