"""The forward pass of BERTs of the size that ragcli brings, in float32 with ONNX Runtime.

The graphs beside this file hold no weights; recipes/bert_graphs.py writes them and says why.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ragcli.errors import ModelError
from ragcli.models import read_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragcli.bert import Batch, States

    Weight: TypeAlias = NDArray[np.float32]

LAYERS = 6
# What the graphs were written for.
SIZE = {
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 12,
    "hidden_size": 384,
    "intermediate_size": 1536,
    "layer_norm_eps": 1e-12,
}
# numpy reads these (I64 are the numbers of positions that old files carry); bfloat16 is left to torch.
READ = {"F32", "F16", "I64"}
_AGAIN = "Fetch the model again."


def has_graph(folder: Path) -> bool:
    """Whether a graph fits the model in this folder."""
    from safetensors import SafetensorError, safe_open

    settings = {"layer_norm_eps": 1e-12, **read_json(folder / "config.json")}
    if any(settings.get(key) != value for key, value in SIZE.items()):
        return False
    try:
        with safe_open(folder / "model.safetensors", "numpy") as file:
            return {file.get_slice(name).get_dtype() for name in file.keys()} <= READ  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The weights in {folder} cannot be read: {error}", hint=_AGAIN) from error


class OnnxEncoder:
    """A `ragcli.bert.Encoder` of the size in `SIZE`."""

    def __init__(self, folder: Path, *, prefix: str, first: bool) -> None:
        weights = _load_weights(folder / "model.safetensors")
        try:
            name = f"{prefix}embeddings.{{}}_embeddings.weight".format
            # The largest table stays as it was saved: only the rows of a batch are widened.
            self._word = weights.pop(name("word"))
            self._position = weights.pop(name("position")).astype("float32")
            self._type = weights.pop(name("token_type")).astype("float32")
            inner = dict(_graph_weights(weights, prefix))
        except KeyError as error:
            raise _other_model(folder, f"lack {error}") from error
        self.head = {name: weight.astype("float32") for name, weight in weights.items()}
        self._run = partial(_session(folder, _graph(first), inner).run, ["states"])

    def states(self, batch: Batch) -> States:
        ids, types, mask = batch
        # Added in float32: a sum of float16s would blur the third digit of a logit.
        words = self._word[ids].astype("float32", copy=False)
        embedded = words + self._position[: ids.shape[1]] + self._type[types]
        found = self._run({"embedded": embedded, "mask": mask.astype("int32")})
        states: States = found[0]
        return states


def _graph(first: bool) -> bytes:
    return files("ragcli.bert").joinpath("graphs", f"minilm-l6{'-first' if first else ''}.onnx").read_bytes()


def _session(folder: Path, graph: bytes, weights: dict[str, Weight]) -> Any:
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail

    onnxruntime.set_default_logger_severity(3)
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _threads()
    options.inter_op_num_threads = 1
    # An arena grows to the sum of all shapes seen; without one, a batch's memory goes back when it is done.
    options.enable_cpu_mem_arena = False
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(weight) for weight in weights.values()]
    options.add_external_initializers(list(weights), values)
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Fail as error:
        raise _other_model(folder, "have other shapes") from error


def _other_model(folder: Path, fault: str) -> ModelError:
    message = f"The weights in {folder} {fault}: this is not the model that config.json describes."
    return ModelError(message, hint=_AGAIN)


def _threads() -> int:
    """As many as this process may use at once; OMP_NUM_THREADS counts, as it does for torch."""
    if named := os.environ.get("OMP_NUM_THREADS", ""):
        return max(1, int(named)) if named.isdigit() else 1
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _graph_weights(weights: dict[str, Any], prefix: str) -> Iterator[tuple[str, Weight]]:
    """Takes the encoder's weights out of `weights`, and names and turns them as the graphs want them."""
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


def _load_weights(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read: {error}", hint=_AGAIN) from error
