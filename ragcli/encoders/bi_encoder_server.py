"""Texts become vectors at an OpenAI-compatible `/embeddings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ragcli.config import EmbeddingConfig
from ragcli.encoders.bert import load_tokenizer
from ragcli.encoders.encoder_server import ModelServer, served_fingerprint
from ragcli.encoders.known_pair import QUESTION, TEXTS, KnownValues, known
from ragcli.models.locate import EMBEDDED_BI_ENCODER, bi_encoder_files

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]

_PROBE = "."
_SHORTEST = 1e-6

# Half precision changes the third digit, eight bits the second; another pooling changes the first.
_TOLERANCE = 0.03


class ServedBiEncoder:
    """The model is asked once, for its dimension and to check that its name is right. Raises
    ServerError, also if it is a model that ragcli includes and the server returns other vectors.

    Only the server knows the tokens of its model: they are counted, and documents are split, with the
    tokenizer of the embedded bi-encoder, and `window` is what the settings say. `fingerprint` is made from
    the name and the dimension, so that a model may move to another server and keep its index.
    """

    def __init__(self, config: EmbeddingConfig) -> None:
        self.server = ModelServer("embedding", config)
        self.tokenizer = load_tokenizer(Path(bi_encoder_files(EMBEDDED_BI_ENCODER).folder))
        self.window = config.max_tokens
        self._model = config.model
        self.dimension = 0
        expected = known(self._model)
        rows = self.encode([_PROBE] if expected is None else [QUESTION, *TEXTS], query=False)
        self.dimension = rows.shape[1]
        if expected is not None:
            self._compare(rows, expected)
        self.fingerprint = served_fingerprint(config.model, self.dimension)

    def encode(self, texts: Sequence[str], *, query: bool) -> Vectors:
        """Unit rows, float32 (n, dimension). The protocol does not distinguish texts and questions."""
        import numpy as np

        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        listed = self._listed(self.server.ask("/embeddings", body), len(texts))
        try:
            rows: Vectors = np.asarray(listed, dtype=np.float32)
        except (ValueError, TypeError) as error:
            raise self.server.unusable("vectors that are not lists of numbers of the same length") from error
        if rows.ndim != 2 or rows.shape[1] == 0 or self.dimension not in (0, rows.shape[1]):
            raise self.server.unusable(f"vectors of another shape than {self.dimension} numbers each")
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not np.isfinite(lengths).all():
            raise self.server.unusable("vectors with values that are not numbers")
        if (lengths < _SHORTEST).any():
            raise self.server.unusable("a vector of length zero, which is near to nothing")
        return rows / lengths

    def _compare(self, rows: Vectors, expected: KnownValues) -> None:
        relevant, *irrelevant = (float(row @ rows[0]) for row in rows[1:])
        found = KnownValues("", relevant, tuple(irrelevant))
        if found.differs(expected) > _TOLERANCE:
            raise self.server.another_model(found, expected)

    def _listed(self, answer: Any, count: int) -> list[Any]:
        data = answer.get("data") if isinstance(answer, Mapping) else None
        if not isinstance(data, list) or not all(isinstance(entry, Mapping) for entry in data):
            raise self.server.unusable("something that is not a list of embeddings", answer)
        return self.server.in_order(data, "embedding", "vectors", count)
