"""Writes a file whole or not at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ragcli.errors import RagcliError, UsageError


def check_folder(path: Path) -> None:
    """Raises UsageError where the folder of the file is missing: better now than after the work."""
    if not path.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", hint="Create it first.")


def write_whole(path: Path, text: str) -> None:
    """What stood there before stays until all of the new text is on the disk beside it.

    Raises RagcliError where it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="")
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        reason = (error.strerror or str(error)).lower()
        raise RagcliError(f"{path} cannot be written: {reason}.") from error
