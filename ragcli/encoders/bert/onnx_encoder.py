"""The layers of a MiniLM in float32 with ONNX Runtime.

The graphs next to this file contain no weights; recipes/bert_graphs.py writes them and says why.
"""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragcli.encoders.bert.minilm import MiniLM, other_model
from ragcli.encoders.bert.threads import threads
from ragcli.models.locate import quieten_libraries

if TYPE_CHECKING:
    from ragcli.encoders.bert.arrays import Batch, States
    from ragcli.encoders.bert.minilm import Weight


class OnnxEncoder:
    """A `ragcli.encoders.bert.Encoder` of the size in `minilm.SIZE`."""

    def __init__(self, folder: Path, *, prefix: str, first: bool) -> None:
        self._model = MiniLM(folder, prefix=prefix)
        self.head = self._model.head
        self._run = partial(_session(folder, _graph(first), self._model.layers).run, ["states"])

    def states(self, batch: Batch) -> States:
        found = self._run({"embedded": self._model.embedded(batch), "mask": batch[2].astype("int32")})
        states: States = found[0]
        return states


def _graph(first: bool) -> bytes:
    return (
        files("ragcli.encoders.bert")
        .joinpath("graphs", f"minilm-l6{'-first' if first else ''}.onnx")
        .read_bytes()
    )


def _session(folder: Path, graph: bytes, weights: dict[str, Weight]) -> Any:
    quieten_libraries()
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail

    onnxruntime.disable_telemetry_events()  # on Windows, where no variable does it
    onnxruntime.set_default_logger_severity(3)
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    options.inter_op_num_threads = 1
    # An arena grows to the sum of all shapes seen; without one, a batch's memory is freed after it.
    options.enable_cpu_mem_arena = False
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(weight) for weight in weights.values()]
    options.add_external_initializers(list(weights), values)
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Fail as error:
        raise other_model(folder, "have other shapes") from error
