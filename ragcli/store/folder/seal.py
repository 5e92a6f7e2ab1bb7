"""Check that the files of a version are as they were written, by the hashes stored with them.

Chroma does not check the files of its graph: a damaged one crashes the process, or silently finds other
chunks. Its database is not sealed, since Chroma writes to it whenever it opens it; SQLite notices most damage
itself. A graph without chunks is not sealed either, since Chroma writes its files whenever it opens them: it
keeps the first thousand or so chunks in the database alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from ragcli.errors import StoreError

DAMAGED_HINT = "If the index is damaged: ragcli reset, then ragcli ingest PATH..."
FILE = "seal.json"
_NOT_SEALED = ("chroma.sqlite3", FILE)
# Where the header of the graph has the number of its chunks: 64 bits, after one number of 32 and two of 64.
_HEADER, _COUNT_AT = "header.bin", slice(20, 28)
_whole: set[Path] = set()


def write_seal(place: Path) -> None:
    hashes = {path.relative_to(place).as_posix(): _sha256(path) for path in _sealed(place)}
    with (place / FILE).open("w", encoding="utf-8") as file:
        json.dump(hashes, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def check_seal(place: Path) -> None:
    """Checks each version once in a process, since it never changes. An older ragcli wrote no seal.

    Raises StoreError if a file is missing or not as it was written.
    """
    place = place.absolute()
    if place in _whole:
        return
    try:
        hashes = json.loads((place / FILE).read_text(encoding="utf-8"))
        changed = next((name for name, sha256 in hashes.items() if _sha256(place / name) != sha256), None)
    except FileNotFoundError as error:
        if Path(error.filename) == place / FILE:
            return
        changed = os.path.relpath(error.filename, place)
    except (OSError, ValueError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or f"{FILE} is not what ragcli wrote"
        raise StoreError(f"The index at {place} cannot be read: {reason}", hint=DAMAGED_HINT) from error
    if changed is not None:
        raise StoreError(
            f"The index at {place} is damaged: {changed} is not as it was written.",
            hint="Build it again: ragcli reset, then ragcli ingest PATH...",
        )
    _whole.add(place)


def _sealed(place: Path) -> list[Path]:
    files = sorted(path for path in place.rglob("*") if path.is_file() and path.name not in _NOT_SEALED)
    return [path for path in files if path.suffix != ".bin" or _has_chunks(path.with_name(_HEADER))]


def _has_chunks(header: Path) -> bool:
    return header.is_file() and any(header.read_bytes()[_COUNT_AT])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
