"""manifest.json: what built an index."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from ragcli.errors import StoreError

_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """`fingerprint` is the sha256 of the bi-encoder's weights; `created_at` is ISO 8601, UTC."""

    ragcli: str
    embedding_model: str
    fingerprint: str
    dimension: int
    chunk_size: int
    chunk_overlap: int
    created_at: str
    distance: str = "cosine"
    schema: int = _SCHEMA


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in a collection's folder, None if there is none. Raises StoreError if it is unreadable."""
    path = folder / "manifest.json"
    hint = "Delete the index and ingest again: ragcli reset, then ragcli ingest PATH..."
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != _SCHEMA:
            raise StoreError(
                f"{path} was written by another version of ragcli ({found['ragcli']}).", hint=hint
            )
        return Manifest(**found)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path} cannot be read: {error!r}", hint=hint) from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Whole or not at all."""
    draft = folder / "manifest.json.draft"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / "manifest.json")
