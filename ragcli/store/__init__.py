"""Keep and search chunks, and remember what built them.

    STORE/COLLECTION/manifest.json      what built the index: model, fingerprint, chunking
    STORE/COLLECTION/current-version    which of the versions counts (see `versions`)
    STORE/COLLECTION/v-.../sources.sqlite3   which generation of each source counts (see `records`)
    STORE/COLLECTION/v-.../chroma/           the chunks and their vectors
    STORE/COLLECTION/words.sqlite3      the chunks by their words, made when first needed (see `words`)
    STORE/COLLECTION.lock               held by a writer; the system lets go of it when the writer dies

A collection has a folder of its own, so that deleting it leaves nothing behind and damage stays inside it.
"""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from ragcli import __version__
from ragcli.config import Config
from ragcli.errors import IndexMismatchError, NothingFoundError, StoreError, UsageError
from ragcli.store import versions
from ragcli.store.chroma_chunks import Update
from ragcli.store.collection import Store
from ragcli.store.lock import write_lock
from ragcli.store.manifest import Manifest, read_manifest
from ragcli.store.records import Records

__all__ = ["Manifest", "Store", "Update", "check", "collections", "open_store", "read_manifest", "reset"]

_COLLECTION_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


def check(config: Config, *, fingerprint: str = "") -> None:
    """Raise what stands against a question to this index; without importing Chroma or a model.

    NothingFoundError: no index, or an empty one. IndexMismatchError: another bi-encoder built it, by the
    `fingerprint` where that is given, else by the name.
    """
    folder = _folder(config)
    manifest = _existing_manifest(config)
    if fingerprint:
        _check_model(config, manifest, config.embedding.model, fingerprint, None)
    elif manifest.embedding_model != config.embedding.model:
        raise _mismatch(config, manifest, config.embedding.model)
    if versions.reading(folder, lambda place: Records(place / "sources.sqlite3").count()) == 0:
        raise NothingFoundError(
            f"The collection {config.collection} is empty.", hint="Run: ragcli ingest PATH..."
        )


def open_store(
    config: Config,
    *,
    create: bool,
    embedder_name: str = "",
    fingerprint: str = "",
    dimension: int | None = None,
) -> Store:
    """The collection that the settings name. Chroma is imported at the first search or change.

    With `create`, a missing index is created (model and dimension are needed then), and the chunking settings
    must be those of the index. What is left empty is not checked: listing needs no model.

    Raises NothingFoundError (no index), IndexMismatchError, StoreError.
    """
    folder = _folder(config)
    lock = write_lock(_lock_path(config), config.collection)
    if create and read_manifest(folder) is None:
        manifest = Manifest(
            ragcli=__version__,
            embedding_model=embedder_name,
            fingerprint=fingerprint,
            dimension=int(dimension or 0),
            chunk_size=config.chunking.size,
            chunk_overlap=config.chunking.overlap,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with lock:
            # Another ragcli may have made it between the look and the lock.
            if read_manifest(folder) is None:
                # What lies here without a manifest is what a killed start or a killed reset left.
                _delete(folder)
                return Store.create(folder, manifest, lock, search_width=config.store.search_width)
    manifest = _existing_manifest(config)
    if fingerprint:
        _check_model(config, manifest, embedder_name, fingerprint, dimension)
    if create:
        _check_chunking(config, manifest)
    return Store(folder, manifest, lock, search_width=config.store.search_width)


def contents(config: Config) -> list[tuple[str, str]]:
    """(source, sha256) of all that the collection holds, and how it was cut; without importing Chroma."""
    manifest = _existing_manifest(config)
    cut = (f"size {manifest.chunk_size}, overlap {manifest.chunk_overlap}", manifest.fingerprint)
    sources = versions.reading(_folder(config), lambda place: Records(place / "sources.sqlite3").sources())
    return [cut, *((info.source, info.sha256) for info in sources)]


def reset(config: Config) -> None:
    """Delete the collection with all its files. Raises NothingFoundError if there is none.

    A Store of it that this process holds must be closed first.
    """
    folder = _folder(config)
    if not folder.exists():
        raise _no_index(config)
    with write_lock(_lock_path(config), config.collection):
        # The manifest goes first: a reset that is killed half way leaves no index, rather than a broken one.
        (folder / "manifest.json").unlink(missing_ok=True)
        _delete(folder)


def collections(config: Config) -> list[str]:
    """The names of the collections in the store's folder, sorted."""
    return sorted(path.parent.name for path in Path(config.store.path).glob("*/manifest.json"))


def _folder(config: Config) -> Path:
    if not _COLLECTION_NAME.fullmatch(config.collection):
        raise UsageError(
            f"{config.collection!r} cannot be the name of a collection.",
            hint="Use letters, digits, '.', '-' and '_'; 64 at most; a letter or digit first and last.",
        )
    return Path(config.store.path).expanduser() / config.collection


def _lock_path(config: Config) -> Path:
    folder = _folder(config)
    return folder.with_name(f"{folder.name}.lock")


def _delete(folder: Path) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        hint = "Check the permissions of the folder, and that no other program uses it."
        raise StoreError(f"{folder} cannot be deleted: {error}", hint=hint) from error


def _existing_manifest(config: Config) -> Manifest:
    manifest = read_manifest(_folder(config))
    if manifest is None:
        raise _no_index(config)
    return manifest


def _no_index(config: Config) -> NothingFoundError:
    message = f"There is no index {config.collection} in {config.store.path}."
    known = collections(config)
    hint = "Run: ragcli ingest PATH..."
    return NothingFoundError(
        message, hint=f"{hint} (or name a collection: {', '.join(known)})" if known else hint
    )


def _check_model(
    config: Config, manifest: Manifest, name: str, fingerprint: str, dimension: int | None
) -> None:
    if manifest.fingerprint != fingerprint or dimension not in (None, manifest.dimension):
        raise _mismatch(config, manifest, name, fingerprint)


def _mismatch(config: Config, manifest: Manifest, name: str, fingerprint: str = "") -> IndexMismatchError:
    built, named = manifest.embedding_model, name
    if built == named:
        built, named = f"{built} ({manifest.fingerprint[:12]})", f"{named} ({fingerprint[:12]})"
    return IndexMismatchError(
        f"The index {config.collection} was built with the bi-encoder {built}; the settings name {named}.",
        hint=f"Run: ragcli reset --collection {config.collection} && "
        f"ragcli ingest --collection {config.collection} PATH... "
        f"(or set embedding.model to {manifest.embedding_model})",
    )


def _check_chunking(config: Config, manifest: Manifest) -> None:
    wanted = (config.chunking.size, config.chunking.overlap)
    built = (manifest.chunk_size, manifest.chunk_overlap)
    if wanted != built:
        raise IndexMismatchError(
            f"The index {config.collection} was built with chunking.size {built[0]} and chunking.overlap "
            f"{built[1]}; the settings name {wanted[0]} and {wanted[1]}.",
            hint=f"Run: ragcli reset --collection {config.collection} && "
            f"ragcli ingest --collection {config.collection} PATH...",
        )
