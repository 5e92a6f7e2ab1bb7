"""The cross-encoder's graph in 8-bit integers, made in memory from the weights at hand; for `backends.py`.

Three ways: `tensor` (weights per output channel, activations one scale a tensor: ONNX Runtime's dynamic
quantisation), `token` (weights per channel, activations one scale a token) and `block` (weights and
activations one scale per 32 values: MatMulNBits).
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes"))
from bert_graphs import FUSED, FUSED_OPSET, IR_VERSION, OPSET

from ragcli.encoders.bert.minilm import EPSILON, HEADS, LAYERS, WIDTH, MiniLM
from ragcli.encoders.bert.onnx_encoder import OnnxEncoder
from ragcli.encoders.bert.threads import threads

WAYS = ("tensor", "token", "block")
MOST = 127
ZERO = 128
BLOCK = 32


class Int8Graph:
    """Nodes and constants; matrices are quantised on the way in."""

    def __init__(self, weights: dict[str, np.ndarray], way: str) -> None:
        self.nodes: list[object] = []
        self.constants = [
            numpy_helper.from_array(np.array(value, kind), name)
            for name, value, kind in (
                ("most", MOST, np.float32),
                ("step", 1 / MOST, np.float32),
                ("one", 1, np.float32),
                ("middle", ZERO, np.uint8),
                ("zero", [0], np.int64),
            )
        ]
        self._weights = weights
        self._multiply = {"tensor": self._by_tensor, "token": self._by_token, "block": self._by_block}[way]

    def add(self, kind: str, inputs: list[str], output: str, domain: str = "", **options: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **options))
        return output

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self._weights[name])

    def multiply(self, states: str, name: str) -> str:
        return self._multiply(states, self._weights[f"{name}.weight"], name)

    def multiply_part(self, states: str, name: str, part: int) -> str:
        """With a third of the attention's matrix: queries, keys or values."""
        matrix = np.split(self._weights[f"{name}.weight"], 3, axis=1)[part]
        return self._multiply(states, matrix, f"{name}.{part}")

    def _by_channel(self, matrix: np.ndarray, name: str) -> list[str]:
        scales = (np.abs(matrix).max(axis=0) / MOST).astype(np.float32)
        values = np.rint(matrix / scales).astype(np.int8)
        return [self.constant(f"{name}.values", values), self.constant(f"{name}.scales", scales)]

    def _by_tensor(self, states: str, matrix: np.ndarray, name: str) -> str:
        return self.add(
            "DynamicQuantizeMatMul", [states, *self._by_channel(matrix, name)], f"{name}.p", FUSED
        )

    def _by_token(self, states: str, matrix: np.ndarray, name: str) -> str:
        values, scales = self._by_channel(matrix, name)
        largest = self.add("ReduceMax", [self.add("Abs", [states], f"{name}.abs")], f"{name}.max", axes=[-1])
        scaled = self.add(
            "Mul", [states, self.add("Div", ["most", largest], f"{name}.inv")], f"{name}.scaled"
        )
        whole = self.add("QuantizeLinear", [scaled, "one", "middle"], f"{name}.whole")
        summed = self.add("MatMulInteger", [whole, values, "middle"], f"{name}.sums")
        real = self.add("Cast", [summed], f"{name}.real", to=TensorProto.FLOAT)
        by_channel = self.add("Mul", [real, scales], f"{name}.channels")
        return self.add("Mul", [by_channel, self.add("Mul", [largest, "step"], f"{name}.steps")], f"{name}.p")

    def _by_block(self, states: str, matrix: np.ndarray, name: str) -> str:
        height, width = matrix.shape
        blocks = matrix.T.reshape(width, height // BLOCK, BLOCK)
        scales = (np.abs(blocks).max(axis=-1) / MOST).astype(np.float32)
        values = (np.rint(blocks / scales[..., None]) + ZERO).astype(np.uint8)
        stored = [self.constant(f"{name}.values", values), self.constant(f"{name}.scales", scales.ravel())]
        sizes = {"K": height, "N": width, "bits": 8, "block_size": BLOCK, "accuracy_level": 4}
        return self.add("MatMulNBits", [states, *stored], f"{name}.p", FUSED, **sizes)

    def norm(self, product: str, bias: str, states: str, name: str) -> str:
        names = [self.weight(each) for each in (f"{name}.weight", f"{name}.bias", f"{bias}.bias")]
        return self.add(
            "SkipLayerNormalization", [product, states, *names], f"{name}.states", FUSED, epsilon=EPSILON
        )

    def layer(self, states: str, name: str, *, first: bool) -> str:
        mixed, out, up, down = (f"{name}.{part}" for part in ("attention", "output", "up", "down"))
        kept = self.add("Gather", [states, "zero"], "first", axis=1) if first else states
        parts = [self.multiply_part(kept if part == 0 else states, mixed, part) for part in range(3)]
        attended = self.add(
            "MultiHeadAttention",
            [*parts, self.weight(f"{mixed}.bias"), "mask"],
            f"{mixed}.states",
            FUSED,
            num_heads=HEADS,
        )
        states = self.norm(self.multiply(attended, out), out, kept, f"{name}.norm1")
        inner = self.add("BiasGelu", [self.multiply(states, up), self.weight(f"{up}.bias")], f"{up}.s", FUSED)
        return self.norm(self.multiply(inner, down), down, states, f"{name}.norm2")

    def model(self) -> ModelProto:
        norm = [self.weight(f"embeddings.norm.{part}") for part in ("weight", "bias")]
        states = self.add("LayerNormalization", ["embedded", *norm], "summed", epsilon=EPSILON, axis=-1)
        for place in range(LAYERS):
            states = self.layer(states, f"layer.{place}", first=place == LAYERS - 1)
        self.add("Identity", [states], "states")
        embedded = helper.make_tensor_value_info("embedded", TensorProto.FLOAT, ["n", "t", WIDTH])
        mask = helper.make_tensor_value_info("mask", TensorProto.INT32, ["n", "t"])
        found = helper.make_tensor_value_info("states", TensorProto.FLOAT, ["n", 1, WIDTH])
        graph = helper.make_graph(self.nodes, "int8", [embedded, mask], [found], self.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, FUSED_OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def quantise(encoder: OnnxEncoder, folder: Path, prefix: str, way: str) -> None:
    """Puts the quantised graph in the place of the encoder's own."""
    import onnxruntime

    graph = Int8Graph(MiniLM(folder, prefix=prefix).layers, way).model()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    options.enable_cpu_mem_arena = False
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=providers)
    encoder._run = partial(session.run, ["states"])
