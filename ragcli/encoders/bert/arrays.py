"""What goes into an encoder and comes out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Batch: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    """Ids, token types and mask, each int64 (n, t)."""
    States: TypeAlias = NDArray[np.float32]
    """The last hidden states, float32 (n, t, d)."""
