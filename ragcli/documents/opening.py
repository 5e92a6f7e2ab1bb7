"""A file's bytes and its hash: only regular files, and never more than the settings allow."""

from __future__ import annotations

import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from ragcli.documents.unreadable import UnreadableFile

BYTES_PER_MB = 1_000_000
# Do not wait for the writer of a pipe that has replaced the file; no translation on Windows.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def file_bytes(path: Path, *, max_mb: float | None) -> bytes:
    """Raises UnreadableFile, also for a file that has grown beyond the limit since it was found."""
    most = None if max_mb is None else int(max_mb * BYTES_PER_MB)
    try:
        with _open(path) as file:
            data = file.read() if most is None else file.read(most + 1)
    except OSError as problem:
        raise unreadable(problem) from problem
    if most is not None and len(data) > most:
        raise UnreadableFile(f"larger than {max_mb:g} MB")
    return data


def file_sha256(path: Path) -> str:
    """The hash of the file's bytes, in hexadecimal. Raises UnreadableFile."""
    try:
        with _open(path) as file:
            return hashlib.file_digest(cast(BufferedReader, file), "sha256").hexdigest()
    except OSError as problem:
        raise unreadable(problem) from problem


def unreadable(problem: OSError) -> UnreadableFile:
    if isinstance(problem, FileNotFoundError):
        return UnreadableFile("vanished")
    return UnreadableFile(f"cannot be read: {(problem.strerror or str(problem)).lower()}")


def _open(path: Path) -> BinaryIO:
    file = open(path, "rb", opener=lambda name, _: os.open(name, _FLAGS))  # noqa: SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise UnreadableFile("not a regular file")
    return file
