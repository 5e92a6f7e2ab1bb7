"""Versions of a collection: what a reader sees never changes, and no writer that was killed has touched it.

    COLLECTION/current-version     the name of the current version
    COLLECTION/v-NAME/             a version: sources.sqlite3, chroma/ and the seal of their files

Chroma writes the files of its graph in place, one part after the other, and expects that nothing else uses
them: during a write, or after one that was killed, a reader would find them incomplete. So a writer works on
a copy, the draft, which becomes the current version when `current-version` names it. An index of ragcli 0.1
is its own version.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ragcli.errors import StoreError
from ragcli.store.folder import seal

POINTER = "current-version"
# The files of an index of ragcli 0.1, and the beginnings of the names that come and go with versions.
_UNVERSIONED = ("chroma", "sources.sqlite3")
_PASSING = ("draft", "v-", "old-", f"{POINTER}.")
# A reader finds its version deleted only if a new one was published, which happens seconds apart.
_TRIES = 5

_Result = TypeVar("_Result")


def current(folder: Path) -> Path:
    """The current version; the folder itself if there are no versions."""
    try:
        name = (folder / POINTER).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return folder
    except (OSError, ValueError) as error:
        raise _unusable(folder, "read", error) from error
    return folder / name


def reading(folder: Path, work: Callable[[Path], _Result]) -> _Result:
    """The result of `work` on the current version; repeated if that was replaced and deleted meanwhile."""
    for _ in range(_TRIES):
        place = current(folder)
        try:
            seal.check_seal(place)
            return work(place)
        except StoreError:
            if current(folder) == place:
                raise
    place = current(folder)
    seal.check_seal(place)
    return work(place)


def new_draft(folder: Path) -> Path:
    """An empty folder for a version."""
    tidy(folder)
    draft = _new_place(folder)
    try:
        draft.mkdir(parents=True)
    except OSError as error:
        raise _unusable(folder, "written", error) from error
    return draft


def draft_of_current(folder: Path) -> Path:
    """A copy of the current version, to work on. Raises StoreError if there is no room for one."""
    source = current(folder)
    # Otherwise damage would be sealed as well.
    seal.check_seal(source)
    draft = new_draft(folder)
    try:
        for path in (source / name for name in _UNVERSIONED) if source == folder else source.iterdir():
            if path.is_dir():
                shutil.copytree(path, draft / path.name)
            elif path.name != seal.FILE:
                shutil.copyfile(path, draft / path.name)
    except OSError as error:
        discard(draft)
        raise _unusable(folder, "written", error) from error
    return draft


def publish(draft: Path, *, keep_draft: bool = False) -> None:
    """Make the draft, or a copy of it, the current version, and delete the one before. It must be closed.

    Raises StoreError if that cannot be written; then the version before is still the current one.
    """
    folder = draft.parent
    place = _new_place(folder) if keep_draft else draft
    try:
        if keep_draft:
            shutil.copytree(draft, place)
        _to_disk(place)
        seal.write_seal(place)
        pointer = folder / f"{POINTER}.draft"
        with pointer.open("w", encoding="utf-8") as file:
            file.write(place.name)
            file.flush()
            os.fsync(file.fileno())
        pointer.replace(folder / POINTER)
    except OSError as error:
        discard(place)
        raise _unusable(folder, "written", error) from error
    tidy(folder, keep=draft)


def discard(draft: Path) -> None:
    shutil.rmtree(draft, ignore_errors=True)


def delete(folder: Path) -> None:
    """Delete everything. Raises OSError if that fails.

    Chroma writes a row when it opens a version, and so a reader may create files while they are deleted.
    """
    for left in reversed(range(_TRIES)):
        if not folder.exists():
            return
        place = current(folder)
        if place != folder and place.is_dir():
            _out_of_sight(place)
        try:
            shutil.rmtree(folder)
        except OSError:
            if not left:
                raise


def tidy(folder: Path, *, keep: Path | None = None) -> None:
    """Delete what no reader needs: drafts of dead writers and versions before the current one.

    What another program has open, and the system does not delete, is left for the next time.
    """
    place = current(folder)
    if not place.is_dir():
        return
    current_names = _UNVERSIONED if place == folder else (place.name,)
    for path in folder.iterdir():
        if path == keep or path.name in current_names:
            continue
        if path.name in _UNVERSIONED or path.name.startswith(_PASSING):
            if path.is_dir():
                shutil.rmtree(_out_of_sight(path), ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _new_place(folder: Path) -> Path:
    return folder / f"v-{uuid.uuid4().hex[:12]}"


def _out_of_sight(path: Path) -> Path:
    """The path, renamed first: a reader that still looks for it finds nothing, rather than a part of it."""
    hidden = path.with_name(f"old-{uuid.uuid4().hex[:12]}")
    try:
        return path.replace(hidden)
    except OSError:
        return path


def _to_disk(place: Path) -> None:
    for path in place.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())


def _unusable(folder: Path, verb: str, error: Exception) -> StoreError:
    reason = getattr(error, "strerror", None) or str(error)
    if isinstance(error, shutil.Error) and error.args and error.args[0]:
        reason = str(error.args[0][0][-1])
    return StoreError(
        f"The index at {folder} cannot be {verb}: {reason}",
        hint="Check the folder's permissions and the room on its disk; the index is unchanged.",
    )
