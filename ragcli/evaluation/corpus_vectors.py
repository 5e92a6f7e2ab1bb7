"""The vectors of a judged collection: made once, kept as a file for the next time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.evaluation.beir import JudgedCollection

if TYPE_CHECKING:
    from ragcli.encoders.bi_encoder import Vectors

FOLDER = "evaluations"


def corpus_vectors(
    store: Path,
    collection: JudgedCollection,
    embedder: BiEncoder,
    advance: Callable[[int], None] | None = None,
) -> Vectors:
    """Float32 (documents, dimension), in the order of the corpus. The file name identifies corpus and model.

    `store` is the folder of the index. `advance` gets the number of documents of each batch that is embedded.
    """
    import numpy as np

    content = json.dumps([embedder.fingerprint, list(collection.corpus.items())]).encode()
    name = f"{collection.name}-{hashlib.sha256(content).hexdigest()[:16]}.npy"
    path = store.expanduser() / FOLDER / name
    if path.exists():
        kept: Vectors = np.load(path, allow_pickle=False)
        return kept
    vectors = embedder.embed(list(collection.corpus.values()), advance=advance)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npy")
    np.save(partial, vectors, allow_pickle=False)
    partial.replace(path)
    return vectors
