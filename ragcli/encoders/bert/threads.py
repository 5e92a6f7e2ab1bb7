"""How many threads an encoder may use."""

from __future__ import annotations

import os


def threads() -> int:
    """As many as this process may use at once; OMP_NUM_THREADS counts, as it does for torch."""
    if named := os.environ.get("OMP_NUM_THREADS", ""):
        return max(1, int(named)) if named.isdigit() else 1
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
