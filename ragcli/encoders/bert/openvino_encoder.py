"""The layers of a MiniLM with OpenVINO, in bfloat16: for processors that multiply it faster than float32.

bench/README.md has the figures: on them it takes half of the time of ONNX Runtime in float32.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragcli.encoders.bert.minilm import EPSILON, HEADS, LAYERS, WIDTH, MiniLM, other_model
from ragcli.encoders.bert.threads import threads

if TYPE_CHECKING:
    from ragcli.encoders.bert.arrays import Batch, States
    from ragcli.encoders.bert.minilm import Weight
    from ragcli.models.locate import Precision

HEADS_FIRST = (0, 2, 1, 3)


class OpenVinoEncoder:
    """A `ragcli.encoders.bert.Encoder` of the size in `minilm.SIZE`."""

    def __init__(self, folder: Path, *, prefix: str, first: bool, precision: Precision = "bfloat16") -> None:
        self._model = MiniLM(folder, prefix=prefix)
        self.head = self._model.head
        try:
            graph = _Graph(self._model.layers).encoder(first=first)
        except RuntimeError as error:
            raise other_model(folder, "have other shapes") from error
        self._compiled = _compile(graph, precision)
        self._model.layers.clear()

    def states(self, batch: Batch) -> States:
        found = self._compiled([self._model.embedded(batch), batch[2].astype("int32")])
        states: States = found[0]
        return states


def _openvino() -> Any:
    """OpenVINO without its converter, which has a telemetry client and takes longer than everything else."""
    converter = "openvino.tools.ovc"
    if "openvino" in sys.modules or converter in sys.modules:
        import openvino

        return openvino
    modules: dict[str, Any] = sys.modules
    modules[converter] = None
    try:
        import openvino
    finally:
        del modules[converter]
    return openvino


def _compile(graph: Any, precision: Precision) -> Any:
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads(),
    }
    return _openvino().Core().compile_model(graph, "CPU", settings)


class _Graph:
    """BERT (Devlin et al. 2019) made of OpenVINO's operators, with weights as `MiniLM.layers` names them."""

    def __init__(self, weights: dict[str, Weight]) -> None:
        self._op: Any = _openvino().opset13
        self._weights = weights

    def encoder(self, *, first: bool) -> Any:
        """From embeddings (n, t, WIDTH) and mask (n, t) to states (n, t, WIDTH), or (n, 1, WIDTH)."""
        import numpy as np

        embedded = self._op.parameter([-1, -1, WIDTH], np.float32)
        mask = self._op.parameter([-1, -1], np.int32)
        attended = self._op.unsqueeze(self._op.convert(mask, "boolean"), np.array([1, 2]))
        states = self._norm(embedded, "embeddings.norm")
        for place in range(LAYERS):
            states = self._layer(states, attended, f"layer.{place}", first=first and place == LAYERS - 1)
        return _openvino().Model([states], [embedded, mask])

    def _layer(self, states: Any, attended: Any, name: str, *, first: bool) -> Any:
        """With `first`, only for the first token, which attends to all."""
        mixed = self._linear(states, f"{name}.attention")
        query, key, value = self._op.split(mixed, 2, 3).outputs()
        if first:
            states, query = self._first_token(states), self._first_token(query)
        attention = self._op.scaled_dot_product_attention(
            *(self._heads(part) for part in (query, key, value)), attended
        )
        attention = self._reshape(self._op.transpose(attention, HEADS_FIRST), 0, 0, WIDTH)
        states = self._norm(self._op.add(states, self._linear(attention, f"{name}.output")), f"{name}.norm1")
        inner = self._op.gelu(self._linear(states, f"{name}.up"), "erf")
        return self._norm(self._op.add(states, self._linear(inner, f"{name}.down")), f"{name}.norm2")

    def _first_token(self, states: Any) -> Any:
        return self._op.slice(states, [0], [1], [1], [1])

    def _heads(self, states: Any) -> Any:
        return self._op.transpose(self._reshape(states, 0, 0, HEADS, WIDTH // HEADS), HEADS_FIRST)

    def _reshape(self, states: Any, *shape: int) -> Any:
        """0 keeps a dimension as it is."""
        return self._op.reshape(states, list(shape), special_zero=True)

    def _linear(self, states: Any, name: str) -> Any:
        product = self._op.matmul(states, self._constant(f"{name}.weight"), False, False)
        return self._op.add(product, self._constant(f"{name}.bias"))

    def _norm(self, states: Any, name: str) -> Any:
        scaled = self._op.mvn(states, [-1], True, EPSILON, "inside_sqrt")
        return self._op.add(
            self._op.multiply(scaled, self._constant(f"{name}.weight")), self._constant(f"{name}.bias")
        )

    def _constant(self, name: str) -> Any:
        return self._op.constant(self._weights[name], shared_memory=True)
