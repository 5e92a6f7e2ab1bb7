"""Texts become vectors: unit length, so that the dot product is the cosine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ragcli.config import EmbeddingConfig
from ragcli.encoders import encoder_server
from ragcli.encoders.bert import Encoder, batches, is_plain_bert, load_encoder, load_tokenizer, pad
from ragcli.encoders.bi_encoder_server import ServedBiEncoder
from ragcli.errors import ModelError, first_line
from ragcli.models.locate import EMBEDDED_BI_ENCODER, bi_encoder_files, quieten_libraries, read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    Vectors: TypeAlias = NDArray[np.float32]


class _Backend(Protocol):
    """`window` counts the text's own tokens, without the model's special tokens."""

    tokenizer: Tokenizer
    dimension: int
    window: int

    def encode(self, texts: Sequence[str], *, query: bool) -> Vectors: ...


class BiEncoder:
    """A loaded bi-encoder. `window` is the longest text, in tokens without special ones, that is read in
    full.

    `truncated` counts the longer texts so far, of which only the beginning was read. `is_warm` is set
    after a text has been read: the first may wait for the weights.
    """

    def __init__(self, name: str, fingerprint: str, backend: _Backend, *, batch_size: int) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.dimension = backend.dimension
        self.window = backend.window
        self.truncated = 0
        self.is_warm = False
        self._backend = backend
        self._batch_size = batch_size

    def embed(
        self, texts: Sequence[str], *, query: bool = False, advance: Callable[[int], None] | None = None
    ) -> Vectors:
        """Unit rows, float32 (n, dimension), in the order of `texts`; equal texts have equal rows.

        `query` matters for models that were trained with a prompt for questions. `advance` gets the number of
        texts of each finished batch. Raises ModelError if the model returns a value that is not a number.
        """
        import numpy as np

        rows: Vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return rows
        places: dict[str, list[int]] = {}
        for place, text in enumerate(texts):
            places.setdefault(text, []).append(place)
        lengths = dict(zip(places, self._lengths(list(places)), strict=True))
        self.truncated += sum(len(places[text]) for text in places if lengths[text] > self.window)
        # By length, so that little is padded; then by text, so that the caller's order makes no difference.
        ordered = sorted(places, key=lambda text: (lengths[text], text))
        # Longer texts are cut to the window before they are encoded.
        read = [min(lengths[text], self.window) for text in ordered]
        for part in batches(read, self._batch_size):
            batch = ordered[part]
            for text, row in zip(batch, self._backend.encode(batch, query=query), strict=True):
                rows[places[text]] = row
            if advance is not None:
                advance(sum(len(places[text]) for text in batch))
        self.is_warm = True
        if not np.isfinite(rows).all():
            raise ModelError(
                f"The bi-encoder {self.name} returned vectors with NaN or infinite values.",
                hint="Use another model.",
            )
        return rows

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """The character span of every token of the text, special tokens left out. Does not import torch."""
        return list(self._backend.tokenizer.encode(text, add_special_tokens=False).offsets)

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        encodings = self._backend.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]


def check(config: EmbeddingConfig) -> str:
    """The fingerprint of the configured model; "" if a server runs it, since only the server knows.

    Raises what `load_bi_encoder` would raise for missing files or a missing key. Loads nothing and asks no
    server.
    """
    if config.url:
        encoder_server.check("embedding", config)
        return ""
    return bi_encoder_files(config.model).fingerprint


def load_bi_encoder(config: EmbeddingConfig, *, bulk: bool = False) -> BiEncoder:
    """The configured bi-encoder. The embedded one reads its weights at the first text.

    `bulk`: many texts will be read, so a slower start is worth it if the rest is faster.

    Raises ModelError, or ServerError if a server runs it.
    """
    if config.url:
        served = ServedBiEncoder(config)
        return BiEncoder(config.model, served.fingerprint, served, batch_size=config.batch_size)
    files = bi_encoder_files(config.model)
    quieten_libraries()
    folder = Path(files.folder)
    backend: _Backend
    if config.model == EMBEDDED_BI_ENCODER and is_plain_bert(folder):
        backend = _PlainBert(folder, bulk=bulk)
    else:
        backend = _SentenceTransformer(config.model, folder)
    return BiEncoder(files.name, files.fingerprint, backend, batch_size=config.batch_size)


class _PlainBert:
    """The embedded model: BERT, the mean over the text's tokens, unit length."""

    def __init__(self, folder: Path, *, bulk: bool) -> None:
        settings, reading = read_json(folder / "config.json"), read_json(folder / "sentence_bert_config.json")
        self.tokenizer = load_tokenizer(folder)
        self.dimension = int(str(settings["hidden_size"]))
        longest = int(str(reading.get("max_seq_length", settings["max_position_embeddings"])))
        self.window = longest - self.tokenizer.num_special_tokens_to_add(False)
        self._cutting = load_tokenizer(folder)
        self._cutting.enable_truncation(longest)
        self._load = partial(load_encoder, folder, bulk=bulk)
        self._encoder: Encoder | None = None

    def encode(self, texts: Sequence[str], *, query: bool) -> Vectors:
        import numpy as np

        self._encoder = self._encoder or self._load()
        ids, types, mask = pad(self._cutting.encode_batch(list(texts)))
        states = self._encoder.states((ids, types, mask))
        means = (states * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return _unit(means.astype(np.float32))


class _SentenceTransformer:
    """Any other model, as sentence-transformers reads it: its pooling, its prompts, its other layers."""

    def __init__(self, name: str, folder: Path) -> None:
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer

        try:
            self._model: Any = SentenceTransformer(
                str(folder),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True, "dtype": "float32"},
            )
        except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
            hint = "Name a sentence-transformers model: its folder, or its name on the hub."
            raise ModelError(
                f"The bi-encoder {name} cannot be loaded: {first_line(error)}", hint=hint
            ) from error
        fast = getattr(self._model.tokenizer, "backend_tokenizer", None)
        if fast is None:
            raise ModelError(
                f"The bi-encoder {name} has no fast tokenizer, which is needed to split documents.",
                hint="Name a model whose folder has a tokenizer.json.",
            )
        self.tokenizer = _uncut_copy(fast)
        self.dimension = len(self._model.encode(["."])[0])
        longest = int(self._model.max_seq_length or 512)
        self.window = longest - self.tokenizer.num_special_tokens_to_add(False)

    def encode(self, texts: Sequence[str], *, query: bool) -> Vectors:
        import numpy as np

        encode = self._model.encode_query if query else self._model.encode_document
        rows = encode(list(texts), batch_size=len(texts), show_progress_bar=False, convert_to_numpy=True)
        return _unit(np.asarray(rows, dtype=np.float32))


def _uncut_copy(tokenizer: Tokenizer) -> Tokenizer:
    """sentence-transformers cuts and pads with its own tokenizer, so counting needs a separate one."""
    from tokenizers import Tokenizer

    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy


def _unit(rows: Vectors) -> Vectors:
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.maximum(lengths, 1e-12)).astype(np.float32, copy=False)
