"""The weights of BERTs of the size that ragcli includes, and their embeddings; other modules run the layers.

ONNX Runtime (`onnx_encoder`) and OpenVINO (`openvino_encoder`) compute the layers of this one size.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ragcli.errors import ModelError
from ragcli.models.locate import read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragcli.encoders.bert.arrays import Batch, States

    Weight: TypeAlias = NDArray[np.float32]

LAYERS, HEADS, WIDTH, EPSILON = 6, 12, 384, 1e-12
SIZE = {
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "hidden_size": WIDTH,
    "intermediate_size": 1536,
    "layer_norm_eps": EPSILON,
}
# numpy reads these (I64 are the position numbers in old files); bfloat16 is left to transformers.
READ = {"F32", "F16", "I64"}
_AGAIN = "Fetch the model again."


def is_minilm(folder: Path) -> bool:
    """Whether the model in this folder has that size, in numbers that numpy reads."""
    from safetensors import SafetensorError, safe_open

    settings = {"layer_norm_eps": EPSILON, **read_json(folder / "config.json")}
    if any(settings.get(key) != value for key, value in SIZE.items()):
        return False
    try:
        with safe_open(folder / "model.safetensors", "numpy") as file:
            return {file.get_slice(name).get_dtype() for name in file.keys()} <= READ  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The weights in {folder} cannot be read: {error}", hint=_AGAIN) from error


class MiniLM:
    """`layers` has the layers' weights, matrices (inputs, outputs); `head` the weights outside the encoder,
    by the names in the file. All are float32.
    """

    def __init__(self, folder: Path, *, prefix: str) -> None:
        name = f"{prefix}embeddings.{{}}_embeddings.weight".format
        path = folder / "model.safetensors"
        weights = _load_weights(path, but=name("word"))
        try:
            self._word = _mapped(path, name("word"))
            self._position = weights.pop(name("position")).astype("float32")
            self._type = weights.pop(name("token_type")).astype("float32")
            self.layers = dict(_layer_weights(weights, prefix))
        except KeyError as error:
            raise other_model(folder, f"lack {error}") from error
        self.head = {name: weight.astype("float32") for name, weight in weights.items()}

    def embedded(self, batch: Batch) -> States:
        """The summed embeddings of the tokens, not yet normalised, float32 (n, t, WIDTH)."""
        ids, types, _ = batch
        import numpy as np

        # Added in float32: a sum of float16s would blur the third digit of a logit.
        words = np.asarray(self._word[ids], dtype=np.float32)
        states: States = words + self._position[: ids.shape[1]] + self._type[types]
        return states


def other_model(folder: Path, fault: str) -> ModelError:
    message = f"The weights in {folder} {fault}: this is not the model that config.json describes."
    return ModelError(message, hint=_AGAIN)


def _layer_weights(weights: dict[str, Any], prefix: str) -> Iterator[tuple[str, Weight]]:
    """Takes the encoder's weights out of `weights`, and names and transposes them as the graphs need them."""
    import numpy as np

    def take(*names: str) -> Weight:
        found = [weights.pop(f"{prefix}{name}").astype(np.float32) for name in names]
        turned: Weight = np.ascontiguousarray(np.concatenate(found).T)
        return turned

    for part in ("weight", "bias"):
        yield f"embeddings.norm.{part}", take(f"embeddings.LayerNorm.{part}")
        for place in range(LAYERS):
            ours, theirs = f"layer.{place}", f"encoder.layer.{place}"
            mixed = [f"{theirs}.attention.self.{name}.{part}" for name in ("query", "key", "value")]
            yield f"{ours}.attention.{part}", take(*mixed)
            yield f"{ours}.output.{part}", take(f"{theirs}.attention.output.dense.{part}")
            yield f"{ours}.norm1.{part}", take(f"{theirs}.attention.output.LayerNorm.{part}")
            yield f"{ours}.up.{part}", take(f"{theirs}.intermediate.dense.{part}")
            yield f"{ours}.down.{part}", take(f"{theirs}.output.dense.{part}")
            yield f"{ours}.norm2.{part}", take(f"{theirs}.output.LayerNorm.{part}")


def _load_weights(path: Path, *, but: str) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys() if name != but}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read: {error}", hint=_AGAIN) from error


def _mapped(path: Path, name: str) -> Any:
    """A matrix left in its file, as it was saved: of the word table, which is half of a model, a question
    touches a few rows. Only those are read, and widened. KeyError if there is none.

    The format: https://github.com/huggingface/safetensors#format
    """
    import numpy as np

    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(length))[name]
    kind = {"F32": "<f4", "F16": "<f2"}[entry["dtype"]]
    return np.memmap(path, kind, "r", 8 + length + entry["data_offsets"][0], tuple(entry["shape"]))
