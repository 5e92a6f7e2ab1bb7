"""The forward pass of a BERT encoder, straight from its safetensors file.

The two models that ragcli brings are small BERTs. Importing transformers for them costs four seconds of every
command, more than answering does; this needs torch alone. A test holds it to transformers' own output.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ragcli.errors import ModelError
from ragcli.models import precision, read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer
    from torch import Tensor

    Batch: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


class Bert:
    """A BERT encoder on the processor. `state` holds the weights beside the encoder (pooler, classifier).

    Matrices are multiplied in `models.precision()`; sums, norms and the result are float32, so that neither
    padding nor depth blurs the scores.
    """

    def __init__(self, folder: Path, *, prefix: str = "") -> None:
        import torch

        settings = read_json(folder / "config.json")
        self.heads = _number(settings, "num_attention_heads")
        self.epsilon = float(str(settings.get("layer_norm_eps", 1e-12)))
        self.dtype = torch.bfloat16 if precision() == "bfloat16" else torch.float32
        self.state = _load_weights(folder / "model.safetensors")
        try:
            self._embeddings = self._embedding_weights(f"{prefix}embeddings.")
            layers = _number(settings, "num_hidden_layers")
            self._layers = [self._layer_weights(f"{prefix}encoder.layer.{i}.") for i in range(layers)]
        except KeyError as error:
            message = (
                f"The weights in {folder} lack {error}: this is not the model that config.json describes."
            )
            raise ModelError(message, hint="Fetch the model again.") from error

    def hidden(self, batch: Batch) -> Tensor:
        """The last hidden states, float32 (n, t, d), of ids, token types and mask, each int64 (n, t)."""
        import torch
        from torch.nn import functional

        ids, types, mask = (torch.from_numpy(part) for part in batch)
        word, position, kind, scale, shift = self._embeddings
        with torch.inference_mode():
            states = word[ids] + position[: ids.shape[1]] + kind[types]
            states = functional.layer_norm(states, states.shape[-1:], scale, shift, self.epsilon)
            attended = mask.bool()[:, None, None, :]
            for layer in self._layers:
                states = self._apply(layer, states, attended)
        return states

    def _apply(self, layer: Sequence[Tensor], states: Tensor, attended: Tensor) -> Tensor:
        from torch.nn import functional as f

        mix, mix_bias, out, out_bias, scale1, shift1, up, up_bias, down, down_bias, scale2, shift2 = layer
        n, t, width = states.shape
        mixed = f.linear(states.to(self.dtype), mix, mix_bias).view(n, t, 3, self.heads, width // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        attention = f.scaled_dot_product_attention(query, key, value, attn_mask=attended)
        attention = f.linear(attention.transpose(1, 2).reshape(n, t, width), out, out_bias)
        states = f.layer_norm(states + attention, (width,), scale1, shift1, self.epsilon)
        inner = f.gelu(f.linear(states.to(self.dtype), up, up_bias))
        return f.layer_norm(states + f.linear(inner, down, down_bias), (width,), scale2, shift2, self.epsilon)

    def _embedding_weights(self, prefix: str) -> list[Tensor]:
        names = ("word_embeddings.weight", "position_embeddings.weight", "token_type_embeddings.weight")
        return [self.state[prefix + name] for name in (*names, "LayerNorm.weight", "LayerNorm.bias")]

    def _layer_weights(self, prefix: str) -> list[Tensor]:
        import torch

        def linear(*names: str) -> list[Tensor]:
            parts = [[self.state[f"{prefix}{name}.{part}"] for name in names] for part in ("weight", "bias")]
            return [torch.cat(part).to(self.dtype) for part in parts]

        def norm(name: str) -> list[Tensor]:
            return [self.state[f"{prefix}{name}.LayerNorm.{part}"] for part in ("weight", "bias")]

        return [
            *linear("attention.self.query", "attention.self.key", "attention.self.value"),
            *linear("attention.output.dense"),
            *norm("attention.output"),
            *linear("intermediate.dense"),
            *linear("output.dense"),
            *norm("output"),
        ]


def is_plain_bert(folder: Path) -> bool:
    """Whether `Bert` computes what the model in this folder means."""
    settings = read_json(folder / "config.json")
    return (
        settings.get("model_type") == "bert"
        and settings.get("hidden_act", "gelu") == "gelu"
        and settings.get("position_embedding_type", "absolute") == "absolute"
        and (folder / "tokenizer.json").is_file()
        and (folder / "model.safetensors").is_file()
    )


def load_tokenizer(folder: Path) -> Tokenizer:
    """The fast tokenizer of a folder, neither cutting nor padding (files often carry settings for both)."""
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    try:
        tokenizer: Any = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers has no exception of its own
        raise ModelError(f"{path} cannot be read: {error}", hint="Fetch the model again.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer  # type: ignore[no-any-return]


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


def _load_weights(path: Path) -> dict[str, Tensor]:
    """All weights as float32, whatever they were saved in."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {name: tensor.to(torch.float32) for name, tensor in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read: {error}", hint="Fetch the model again.") from error


def _number(settings: dict[str, object], key: str) -> int:
    value = settings.get(key)
    if not isinstance(value, int):
        raise ModelError(f"The model's config.json has no {key}.", hint="Fetch the model again.")
    return value
