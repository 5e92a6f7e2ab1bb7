"""The folder that a document's name starts from, as an index in a folder keeps it.

Where the index lies below that folder, as .ragcli lies in the working folder, the way up to it is kept: both
may be moved, copied or mounted elsewhere together. Otherwise the folder's absolute path is kept.
"""

from __future__ import annotations

import os
from pathlib import Path


def kept_base(base: str, index: Path) -> str:
    """`base` is absolute, or "" where the name is absolute itself."""
    folder = index.resolve()
    if not base or not folder.is_relative_to(base):
        return base
    return Path(os.path.relpath(base, folder)).as_posix()


def full_base(kept: str, source: str, index: Path) -> str:
    """The absolute path. An older index, which keeps none, has its documents from the working folder if it
    lies below that; else nobody knows, and it is "".
    """
    folder = index.resolve()
    if kept:
        return os.path.normpath(folder / kept)
    here = Path.cwd()
    return str(here) if not os.path.isabs(source) and folder.is_relative_to(here) else ""
