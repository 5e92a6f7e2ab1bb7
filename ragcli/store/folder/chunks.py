"""The chunk tables of a collection in a folder. `folder` is the chroma/ of a version or of a draft."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from ragcli.store.chunk_table import ChunkTable
from ragcli.store.embedding_functions import named_functions
from ragcli.store.folder.chroma_core import Reader, open_reader
from ragcli.store.folder.chroma_files import (
    COLLECTION,
    chroma_errors,
    close_client,
    create_collection,
    open_collection,
)
from ragcli.store.manifest import Manifest

# Chroma takes at most 5,461 records in a call, and says so only when it gets more.
_RECORDS_PER_CALL = 5000
# Chroma binds each id that a query finds to a variable of one SQL statement; SQLite allows 32,766 of them.
_FOUND_PER_CALL = 30_000


class FolderChunks:
    """One folder is open at a time, until another one is used or `close` is called."""

    def __init__(self, manifest: Manifest, *, search_width: int) -> None:
        self._manifest = manifest
        self._search_width = search_width
        self._client: Any = None
        self._opened: tuple[Path, ChunkTable] | None = None

    def close(self) -> None:
        if self._client is not None:
            close_client(self._client)
        self._client = self._opened = None

    def create(self, folder: Path) -> None:
        """A new, empty table in `folder`."""
        close_client(create_collection(folder, self._manifest, search_width=self._search_width))

    def settle(self, folder: Path) -> None:
        """Finish the writing: nobody uses `folder` again until it is published. What Chroma puts off until
        the first search is done now, so that reading changes no file of its graph.
        """
        self.close()
        self.table(folder).warm(self._manifest.dimension)
        self.close()

    def table(self, folder: Path, *, writing: bool = False) -> ChunkTable:
        """The table in `folder`. To read it, Chroma's core alone is used if it can open it."""
        if self._opened and self._opened[0] == folder and not (writing and isinstance(self._client, Reader)):
            return self._opened[1]
        self.close()
        with chroma_errors(folder):
            # A version never changes, so what Chroma's core has read stays valid.
            chroma = self._client = None if writing else self._reader_of(folder)
            if chroma is None:
                self._client, chroma = open_collection(
                    folder, self._manifest, search_width=self._search_width, for_reading=not writing
                )
        table = ChunkTable(chroma, partial(chroma_errors, folder), _RECORDS_PER_CALL, _FOUND_PER_CALL)
        self._opened = folder, table
        return table

    def _reader_of(self, folder: Path) -> Reader | None:
        """Chroma's core alone, which opens at once; None if there is something to change or to refuse."""
        reader = open_reader(folder, COLLECTION)
        if reader is None:
            return None
        width = (reader.configuration.get("hnsw") or {}).get("ef_search")
        is_ours = reader.metadata.get("fingerprint") == self._manifest.fingerprint
        if is_ours and width == self._search_width and not any(named_functions(reader.configuration)):
            return reader
        reader.close()
        return None
