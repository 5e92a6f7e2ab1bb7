"""A collection in a folder of this machine.

    STORE/COLLECTION/manifest.json      what built the index: model, fingerprint, chunking
    STORE/COLLECTION/current-version    which of the versions counts (see `versions`)
    STORE/COLLECTION/v-.../sources.sqlite3   which generation of each source counts (see `generations`)
    STORE/COLLECTION/v-.../chroma/           the chunks and their vectors
    STORE/COLLECTION/words.sqlite3      the chunks by their words, made when first needed (see `word_index`)
    STORE/COLLECTION.lock               held by a writer; the system releases it when the writer dies

Each collection has its own folder, so that deleting it leaves nothing behind and damage stays inside it.
"""

from __future__ import annotations

from pathlib import Path

from ragcli.config import StoreConfig
from ragcli.errors import StoreError
from ragcli.store.folder import versions
from ragcli.store.folder.lock import write_lock
from ragcli.store.manifest import Manifest, read_manifest


def folder_collections(config: StoreConfig) -> list[str]:
    """The names of the collections in the store's folder, sorted."""
    return sorted(path.parent.name for path in Path(config.path).expanduser().glob("*/manifest.json"))


class FolderPlace:
    """Never imports Chroma."""

    def __init__(self, config: StoreConfig, collection: str) -> None:
        self.folder = Path(config.path).expanduser() / collection
        self.search_width = config.search_width
        self.lock = write_lock(self.folder.with_name(f"{self.folder.name}.lock"), collection)

    def exists(self) -> bool:
        """Whether there is anything, even what a killed ingest left."""
        return self.folder.exists()

    def manifest(self) -> Manifest | None:
        return read_manifest(self.folder)

    def delete(self) -> None:
        """Delete all files, complete or not."""
        try:
            # The manifest first: a reset that is killed half way leaves no index rather than a broken one.
            (self.folder / "manifest.json").unlink(missing_ok=True)
            versions.delete(self.folder)
        except OSError as error:
            hint = "Check the permissions of the folder, and that no other program uses it."
            raise StoreError(f"{self.folder} cannot be deleted: {error}", hint=hint) from error
