"""The folder that a document's name is relative to, as an index in a folder stores it.

If the index is inside that folder, as .ragcli is in the working folder, the relative path is stored: both may
be moved, copied or mounted elsewhere together. Otherwise the folder's absolute path is stored.
"""

from __future__ import annotations

import os
from pathlib import Path


def kept_base(base: str, index: Path) -> str:
    """`base` is absolute, or "" if the name itself is absolute."""
    folder = index.resolve()
    if not base or not folder.is_relative_to(base):
        return base
    return Path(os.path.relpath(base, folder)).as_posix()


def full_base(kept: str, source: str, index: Path) -> str:
    """The absolute path. An older index does not store one: its documents are from the working folder if the
    index is inside that; otherwise it is not known and "".
    """
    folder = index.resolve()
    if kept:
        return os.path.normpath(folder / kept)
    here = Path.cwd()
    return str(here) if not os.path.isabs(source) and folder.is_relative_to(here) else ""
