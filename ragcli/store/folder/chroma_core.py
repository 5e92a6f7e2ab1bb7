"""Reading an index through Chroma's compiled core, without the rest of Chroma.

`import chromadb` takes longer than searching: it imports servers, telemetry and embedding functions too. With
it, a cold search without reranking takes 1.6 s of processor time instead of 0.8 (medians of 3 runs in turn;
`python bench/speed.py search` prints the ratio for the whole command, reranking included). So a local index
is read by `chromadb_rust_bindings`, in the same package. That is not a public interface: only versions
that the tests cover are read in this way. If anything is not as expected there is no reader, and the caller
opens Chroma itself, which reports the problem or migrates an older index.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KNOWN = "chromadb-1.5.*.dist-info"
_PLACE = ("default_tenant", "default_database")
# Files that may stay open: an index has five, and there is one index.
_OPEN_FILES = 16


class Reader:
    """The methods of `chromadb.Collection` that reading needs, with the same names."""

    def __init__(self, core: Any, collection: Any) -> None:
        self.metadata: dict[str, Any] = collection.metadata or {}
        self.configuration: dict[str, Any] = collection.configuration
        self._core = core
        self._id = str(collection.id)

    def query(
        self, *, query_embeddings: NDArray[np.float32], n_results: int, where: Any, include: Sequence[str]
    ) -> dict[str, Any]:
        """One list per row of `query_embeddings`, float32 (questions, dimension)."""
        conditions = json.dumps(where) if where else None
        found = self._core.query(
            self._id, None, list(query_embeddings), n_results, conditions, None, list(include), *_PLACE
        )
        return {name: getattr(found, name) for name in include}

    def get(
        self,
        *,
        ids: Sequence[str] | None = None,
        where: Any = None,
        limit: int | None = None,
        offset: int = 0,
        include: Sequence[str] = (),
    ) -> dict[str, Any]:
        wanted = None if ids is None else list(ids)
        conditions = json.dumps(where) if where else None
        found = self._core.get(self._id, wanted, conditions, limit, offset, None, list(include), *_PLACE)
        return {name: getattr(found, name) for name in ("ids", *include)}

    def count(self) -> int:
        return int(self._core.count(self._id, *_PLACE))

    def close(self) -> None:
        """Closes the files."""
        del self._core


def open_reader(folder: Path, name: str) -> Reader | None:
    """The collection `name` of the index in a folder; None if only Chroma itself can open it."""
    try:
        import chromadb_rust_bindings as core
    except ImportError:
        return None
    # From the folder of the package's metadata: asking the core for its version would import Chroma.
    known = any(Path(core.__file__).parent.parent.glob(_KNOWN))
    if not known or not (folder / "chroma.sqlite3").is_file():
        return None
    try:
        database = core.SqliteDBConfig(
            hash_type=core.MigrationHash.MD5,
            migration_mode=core.MigrationMode.Validate,
            url=str(folder / "chroma.sqlite3"),
        )
        opened = core.Bindings(
            allow_reset=False,
            sqlite_db_config=database,
            persist_path=str(folder),
            hnsw_cache_size=_OPEN_FILES,
        )
        return Reader(opened, opened.get_collection(name, *_PLACE))
    except (AttributeError, TypeError):
        return None
    except Exception as error:
        if is_chroma_error(error):
            return None
        raise


def is_chroma_error(error: BaseException) -> bool:
    """Whether Chroma raised it. Does not import Chroma."""
    return any(kind.__module__ == "chromadb.errors" for kind in type(error).__mro__)
