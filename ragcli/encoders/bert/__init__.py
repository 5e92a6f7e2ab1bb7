"""BERT encoders straight from their safetensors files.

The two models that ragcli includes are small BERTs. Importing transformers for them takes four seconds of
every command, and torch one or two, more than answering: ONNX Runtime, which Chroma includes, starts in a
tenth of a second. OpenVINO starts in three tenths, and is twice as fast if the processor multiplies bfloat16
fast (`models.locate.precision`). Models of other sizes are left to transformers. A test compares both with
transformers' own output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ragcli.errors import ModelError
from ragcli.models.locate import precision, read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

    from ragcli.encoders.bert.arrays import Batch, States


TOKENS_AT_ONCE = 1536
"""Of a batch, including padding: its widest layer then fits into the processor's cache."""


class Encoder(Protocol):
    """A loaded encoder, on the processor."""

    @property
    def head(self) -> Mapping[str, NDArray[np.float32]]:
        """The other weights (pooler, classifier), by their names in the file."""
        ...

    def states(self, batch: Batch) -> States:
        """The last hidden states, float32 (n, t, d), of ids, token types and mask, each int64 (n, t).

        For an encoder of only the first token: (n, 1, d).
        """
        ...


def load_encoder(folder: Path, *, prefix: str = "", first: bool = False, bulk: bool = False) -> Encoder:
    """The encoder in a folder that `is_plain_bert`; `prefix` comes before the names of its weights.

    Raises ModelError.

    `first`: only the first token's states are needed. `bulk`: more than one question will be read, so that a
    slower start is worth it.
    """
    if bulk and precision() == "bfloat16":
        from ragcli.encoders.bert.openvino_encoder import OpenVinoEncoder

        return OpenVinoEncoder(folder, prefix=prefix, first=first)
    from ragcli.encoders.bert.onnx_encoder import OnnxEncoder

    return OnnxEncoder(folder, prefix=prefix, first=first)


def is_plain_bert(folder: Path) -> bool:
    """Whether `load_encoder` computes what the model in this folder specifies."""
    from ragcli.encoders.bert.minilm import is_minilm

    settings = read_json(folder / "config.json")
    return (
        settings.get("model_type") == "bert"
        and settings.get("hidden_act", "gelu") == "gelu"
        and settings.get("position_embedding_type", "absolute") == "absolute"
        and (folder / "tokenizer.json").is_file()
        and (folder / "model.safetensors").is_file()
        and is_minilm(folder)
    )


def load_tokenizer(folder: Path) -> Tokenizer:
    """The fast tokenizer of a folder, without truncation or padding (files often have settings for both)."""
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    try:
        tokenizer: Any = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers has no exception of its own
        raise ModelError(f"{path} cannot be read: {error}", hint="Fetch the model again.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer  # type: ignore[no-any-return]


def batches(lengths: Sequence[int], most: int) -> Iterator[slice]:
    """Splits texts that are sorted by length, in tokens, shortest first.

    A batch has at most `most` texts and TOKENS_AT_ONCE tokens, but at least one text.
    """
    first = 0
    for end, length in enumerate(lengths):
        if end > first and (end - first == most or (end - first + 1) * length > TOKENS_AT_ONCE):
            yield slice(first, end)
            first = end
    if lengths:
        yield slice(first, len(lengths))


def pad(encodings: Sequence[Encoding], padding_id: int = 0) -> Batch:
    """Ids, token types and mask, int64 (n, longest): the padding is masked."""
    import numpy as np

    shape = (len(encodings), max(len(encoding) for encoding in encodings))
    ids: NDArray[np.int64] = np.full(shape, padding_id, dtype=np.int64)
    types: NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
    mask: NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
    for row, encoding in enumerate(encodings):
        length = len(encoding)
        ids[row, :length] = encoding.ids
        types[row, :length] = encoding.type_ids
        mask[row, :length] = 1
    return ids, types, mask
