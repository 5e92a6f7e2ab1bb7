"""Compressed text: a file in a file, unpacked up to the largest allowed size."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import IO

from ragcli.documents.opening import BYTES_PER_MB
from ragcli.documents.unreadable import UnreadableFile

_OPENERS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".gz": gzip.open,  # type: ignore[dict-item]
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
SUFFIXES = frozenset(_OPENERS)


def unpacked(data: bytes, suffix: str, *, max_mb: float | None) -> bytes:
    """Raises UnreadableFile if it is damaged or unpacks to more than `max_mb`."""
    most = -1 if max_mb is None else int(max_mb * BYTES_PER_MB)
    try:
        with _OPENERS[suffix](io.BytesIO(data)) as file:
            content = file.read(-1 if most < 0 else most + 1)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as problem:
        raise UnreadableFile(f"damaged: cannot be unpacked as {suffix}") from problem
    if 0 <= most < len(content):
        raise UnreadableFile(f"unpacks to more than {max_mb:g} MB")
    return content
