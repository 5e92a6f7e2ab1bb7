"""Store and search chunks, and record what built them: in a `folder` on this machine or on a `server`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Protocol, TypeAlias

from ragcli import __version__
from ragcli.config import Config
from ragcli.errors import IndexMismatchError, NothingFoundError, UsageError
from ragcli.store.chunk_table import Update
from ragcli.store.folder.collection import Store
from ragcli.store.folder.place import FolderPlace, folder_collections
from ragcli.store.manifest import Manifest, read_manifest
from ragcli.store.server.collection import ServerStore
from ragcli.store.server.failing import address
from ragcli.store.server.place import ServerPlace, server_collections
from ragcli.types import Chunk

__all__ = [
    "Index",
    "Manifest",
    "ServerStore",
    "Store",
    "Update",
    "all_chunks",
    "check",
    "check_model",
    "check_not_empty",
    "collections",
    "contents",
    "open_store",
    "read_manifest",
    "reset",
    "where",
]

Index: TypeAlias = Store | ServerStore
"""An open collection, in a folder or on a server: both have the same methods."""

_Place: TypeAlias = FolderPlace | ServerPlace
_COLLECTION_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


class Encoder(Protocol):
    """What an index remembers of the bi-encoder that built it."""

    name: str
    fingerprint: str
    dimension: int


def where(config: Config) -> str:
    """The folder or server that holds the index, safe to print."""
    return address(config.store) if config.store.url else config.store.path


def check(config: Config, *, fingerprint: str = "") -> None:
    """Raise if this index cannot answer a question. Imports no model, and Chroma only for a server.

    NothingFoundError: no index, or an empty one. IndexMismatchError: another bi-encoder built it (see
    `check_model`). StoreServerError: its server cannot be used.
    """
    with open_store(config, create=False) as index:
        check_model(config, index, fingerprint=fingerprint)
        check_not_empty(config, index)


def check_model(config: Config, index: Index, *, fingerprint: str = "", dimension: int | None = None) -> None:
    """Raise IndexMismatchError if the index was built with another bi-encoder than the one in the settings:
    compared by `fingerprint` if that is given, else by name.
    """
    name = config.embedding.model
    if fingerprint:
        _check_model(config, index.manifest, name, fingerprint, dimension)
    elif index.manifest.embedding_model != name:
        raise _mismatch(config, index.manifest, name)


def check_not_empty(config: Config, index: Index) -> None:
    """Raise NothingFoundError if the index is empty."""
    if index.is_empty():
        raise NothingFoundError(
            f"The collection {config.collection} is empty.", hint="Run: ragcli ingest PATH..."
        )


def open_store(config: Config, encoder: Encoder | None = None, *, create: bool) -> Index:
    """The collection that the settings name. Chroma is imported for the first search or change.

    With `create`, a missing index is created (which needs the encoder), and the chunking settings must be
    those of the index. Without an encoder it is not checked which one built the index: listing needs none.

    Raises NothingFoundError (no index), IndexMismatchError, StoreError.
    """
    place = _place(config)
    if create and encoder is not None and place.manifest() is None:
        with place.lock:
            # Another process may have created it in the meantime.
            if place.manifest() is None:
                manifest = _new_manifest(config, encoder)
                # Files without a manifest were left by an ingest or a reset that was killed.
                place.delete()
                return _create(place, manifest)
    manifest = _existing_manifest(config, place)
    if encoder is not None:
        _check_model(config, manifest, encoder.name, encoder.fingerprint, encoder.dimension)
    if create:
        _check_chunking(config, manifest)
    return _open(place, manifest)


def all_chunks(index: Index) -> tuple[Chunk, ...]:
    """Every chunk of the index, source by source, in reading order."""
    return tuple(chunk for source in index.sources() for chunk in index.chunks(source.source))


def contents(config: Config) -> list[tuple[str, str]]:
    """(source, sha256) of all documents in the collection, after a row that says how they were cut."""
    with open_store(config, create=False) as index:
        built = index.manifest
        cut = (f"size {built.chunk_size}, overlap {built.chunk_overlap}", built.fingerprint)
        return [cut, *((info.source, info.sha256) for info in index.sources())]


def reset(config: Config) -> None:
    """Delete the collection and everything in it. Raises NothingFoundError if there is none.

    If this process has it open, close it first.
    """
    place = _place(config)
    if not place.exists():
        raise _no_index(config)
    with place.lock:
        place.delete()


def collections(config: Config) -> list[str]:
    """The names of the collections in the store's folder or on its server, sorted."""
    return server_collections(config.store) if config.store.url else folder_collections(config.store)


def _place(config: Config) -> _Place:
    if not _COLLECTION_NAME.fullmatch(config.collection):
        raise UsageError(
            f"{config.collection!r} cannot be the name of a collection.",
            hint="Use letters, digits, '.', '-' and '_'; 64 at most; a letter or digit first and last.",
        )
    if config.store.url:
        return ServerPlace(config.store, config.collection)
    return FolderPlace(config.store, config.collection)


def _open(place: _Place, manifest: Manifest) -> Index:
    return ServerStore(place, manifest) if isinstance(place, ServerPlace) else Store(place, manifest)


def _create(place: _Place, manifest: Manifest) -> Index:
    if isinstance(place, ServerPlace):
        return ServerStore.create(place, manifest)
    return Store.create(place, manifest)


def _new_manifest(config: Config, encoder: Encoder) -> Manifest:
    return Manifest(
        ragcli=__version__,
        embedding_model=encoder.name,
        fingerprint=encoder.fingerprint,
        dimension=encoder.dimension,
        chunk_size=config.chunking.size,
        chunk_overlap=config.chunking.overlap,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _existing_manifest(config: Config, place: _Place) -> Manifest:
    manifest = place.manifest()
    if manifest is None:
        raise _no_index(config)
    return manifest


def _no_index(config: Config) -> NothingFoundError:
    message = f"There is no index {config.collection} in {where(config)}."
    known = collections(config)
    close = get_close_matches(config.collection, known, 1)
    hint = "Run: ragcli ingest PATH..."
    if close:
        hint = f"Did you mean {close[0]}? {hint}"
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
