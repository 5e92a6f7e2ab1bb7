"""The forward pass of any plain BERT in torch: float32, or bfloat16 where the processor has units for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragcli.errors import ModelError
from ragcli.models import precision, read_json

if TYPE_CHECKING:
    from torch import Tensor

    from ragcli.bert import Batch, States


class TorchEncoder:
    """A `ragcli.bert.Encoder` of any size.

    Matrices are multiplied in `models.precision()`; sums, norms and the result are float32, so that neither
    padding nor depth blurs the scores.
    """

    def __init__(self, folder: Path, *, prefix: str, first: bool) -> None:
        import torch

        settings = read_json(folder / "config.json")
        self.heads = _number(settings, "num_attention_heads")
        self.epsilon = float(str(settings.get("layer_norm_eps", 1e-12)))
        self.dtype = torch.bfloat16 if precision() == "bfloat16" else torch.float32
        self._first = first
        self._weights = _load_weights(folder / "model.safetensors")
        inside = (f"{prefix}embeddings.", f"{prefix}encoder.")
        self.head = {
            name: weight.numpy() for name, weight in self._weights.items() if not name.startswith(inside)
        }
        try:
            self._embeddings = self._embedding_weights(f"{prefix}embeddings.")
            layers = _number(settings, "num_hidden_layers")
            self._layers = [self._layer_weights(f"{prefix}encoder.layer.{i}.") for i in range(layers)]
        except KeyError as error:
            message = (
                f"The weights in {folder} lack {error}: this is not the model that config.json describes."
            )
            raise ModelError(message, hint="Fetch the model again.") from error

    def states(self, batch: Batch) -> States:
        import torch
        from torch.nn import functional

        ids, types, mask = (torch.from_numpy(part) for part in batch)
        word, position, kind, scale, shift = self._embeddings
        with torch.inference_mode():
            states = word[ids] + position[: ids.shape[1]] + kind[types]
            states = functional.layer_norm(states, states.shape[-1:], scale, shift, self.epsilon)
            attended = mask.bool()[:, None, None, :]
            *inner, last = self._layers
            for layer in inner:
                states = self._apply(layer, states, attended)
            states = self._apply(last, states, attended, kept=1 if self._first else None)
        result: States = states.numpy()
        return result

    def _apply(
        self, layer: Sequence[Tensor], states: Tensor, attended: Tensor, kept: int | None = None
    ) -> Tensor:
        """One layer; for the first `kept` tokens alone, that attend to all."""
        from torch.nn import functional as f

        mix, mix_bias, out, out_bias, scale1, shift1, up, up_bias, down, down_bias, scale2, shift2 = layer
        n, t, width = states.shape
        mixed = f.linear(states.to(self.dtype), mix, mix_bias).view(n, t, 3, self.heads, width // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        states = states[:, :kept]
        attention = f.scaled_dot_product_attention(query[:, :, :kept], key, value, attn_mask=attended)
        attention = f.linear(attention.transpose(1, 2).reshape(states.shape), out, out_bias)
        states = f.layer_norm(states + attention, (width,), scale1, shift1, self.epsilon)
        inner = f.gelu(f.linear(states.to(self.dtype), up, up_bias))
        return f.layer_norm(states + f.linear(inner, down, down_bias), (width,), scale2, shift2, self.epsilon)

    def _embedding_weights(self, prefix: str) -> list[Tensor]:
        names = ("word_embeddings.weight", "position_embeddings.weight", "token_type_embeddings.weight")
        return [self._weights[prefix + name] for name in (*names, "LayerNorm.weight", "LayerNorm.bias")]

    def _layer_weights(self, prefix: str) -> list[Tensor]:
        import torch

        def linear(*names: str) -> list[Tensor]:
            parts = [
                [self._weights[f"{prefix}{name}.{part}"] for name in names] for part in ("weight", "bias")
            ]
            return [torch.cat(part).to(self.dtype) for part in parts]

        def norm(name: str) -> list[Tensor]:
            return [self._weights[f"{prefix}{name}.LayerNorm.{part}"] for part in ("weight", "bias")]

        return [
            *linear("attention.self.query", "attention.self.key", "attention.self.value"),
            *linear("attention.output.dense"),
            *norm("attention.output"),
            *linear("intermediate.dense"),
            *linear("output.dense"),
            *norm("output"),
        ]


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
