"""What built an index: manifest.json in a folder, the metadata of the chunks' collection on a server."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ragcli.errors import StoreError

_SCHEMA = 1
_HINT = "Delete the index and ingest again: ragcli reset, then ragcli ingest PATH..."


@dataclass(frozen=True, slots=True)
class Manifest:
    """`fingerprint` is the sha256 of the bi-encoder's weights, or of its name and dimension if a server
    encodes; `created_at` is ISO 8601, UTC.
    """

    ragcli: str
    embedding_model: str
    fingerprint: str
    dimension: int
    chunk_size: int
    chunk_overlap: int
    created_at: str
    distance: str = "cosine"
    schema: int = _SCHEMA


def parse_manifest(found: Mapping[str, Any], where: str) -> Manifest:
    """Raises StoreError if it is not a manifest, or of another version. `where` is for the message."""
    try:
        if found["schema"] != _SCHEMA:
            raise StoreError(
                f"{where} was written by another version of ragcli ({found['ragcli']}).", hint=_HINT
            )
        manifest = Manifest(**found)
        numbers = (manifest.dimension, manifest.chunk_size, manifest.chunk_overlap)
        if not all(isinstance(number, int) for number in numbers):
            raise TypeError("a number is not a number")
        return manifest
    except (TypeError, KeyError) as error:
        raise StoreError(f"{where} cannot be read: {error!r}", hint=_HINT) from error


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in a collection's folder, None if there is none. Raises StoreError if it is unreadable."""
    path = folder / "manifest.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not what ragcli wrote"
        raise StoreError(f"{path} cannot be read: {reason}.", hint=_HINT) from error
    return parse_manifest(found, str(path))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes all of it or nothing."""
    draft = folder / "manifest.json.draft"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / "manifest.json")
