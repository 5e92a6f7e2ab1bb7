"""Room on the disks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ragcli.doctor.finding import Finding

# An ingest of a few thousand pages takes a few hundred megabytes; below the lower bound not even the LLM's
# file fits.
SCARCE_BYTES = 1_000_000_000
TOO_LITTLE_BYTES = 200_000_000


def check_disk(part: str, folder: Path, setting: str, free: int | None = None) -> Finding:
    """The disk of a folder that may not exist yet. `free` in bytes; None: ask the system."""
    existing = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    fix = f"Free some space, or name a folder elsewhere in {setting}."
    if not os.access(existing, os.W_OK):
        return Finding(
            part, "broken", f"{existing} cannot be written to", f"Name another folder in {setting}."
        )
    room = shutil.disk_usage(existing).free if free is None else free
    detail = f"{room / 1e9:.1f} GB free at {folder}"
    if room < TOO_LITTLE_BYTES:
        return Finding(part, "broken", detail, fix)
    return Finding(part, "warning", detail, fix) if room < SCARCE_BYTES else Finding(part, "ok", detail)
