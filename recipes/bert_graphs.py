"""Writes the ONNX graphs in ragcli/bert/graphs: `python recipes/bert_graphs.py`.

A graph holds no weights: their names and shapes only. They come from a model's own safetensors file when the
model is loaded, so that there is one copy of them, guarded by one hash. The graphs are written by hand rather
than exported, with the fused operators of ONNX Runtime: nothing is left for an optimiser to find.

`minilm-l6` puts out the last hidden states of all tokens (a bi-encoder takes their mean), `minilm-l6-first`
those of the first token only: a cross-encoder reads no other, and its last layer costs a seventh then.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from ragcli.encoders.bert.minilm import EPSILON, HEADS, LAYERS, SIZE, WIDTH

INNER = SIZE["intermediate_size"]
FUSED = "com.microsoft"
OPSET, FUSED_OPSET, IR_VERSION = 17, 1, 9
FOLDER = Path(__file__).parent.parent / "ragcli" / "encoders" / "bert" / "graphs"


class Graph:
    """Nodes and the weights that they name, in order."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: Sequence[str], output: str, domain: str = "", **options: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **options))
        return output

    def weight(self, name: str, *shape: int) -> str:
        """A weight that is handed over when the graph is loaded: `location` is never opened."""
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="model.safetensors")
        self.weights.append(tensor)
        return name

    def linear(self, states: str, name: str, inputs: int, outputs: int) -> str:
        """Without its bias, which the operator after it adds."""
        return self.add("MatMul", [states, self.weight(f"{name}.weight", inputs, outputs)], f"{name}.product")

    def add_and_norm(self, product: str, bias: str, states: str, name: str) -> str:
        inputs = [product, states, self.weight(f"{name}.weight", WIDTH), self.weight(f"{name}.bias", WIDTH)]
        bias = self.weight(f"{bias}.bias", WIDTH)
        return self.add(
            "SkipLayerNormalization", [*inputs, bias], f"{name}.states", domain=FUSED, epsilon=EPSILON
        )


def layer(graph: Graph, states: str, name: str, *, first: bool) -> str:
    """One layer of BERT (Devlin et al. 2019); with `first`, for the first token alone."""
    mixed = f"{name}.attention"
    weights = graph.weight(f"{mixed}.weight", WIDTH, 3 * WIDTH)
    bias = graph.weight(f"{mixed}.bias", 3 * WIDTH)
    if first:
        states, attended = first_attention(graph, states, weights, bias, mixed)
    else:
        inputs = [states, weights, bias, "mask"]
        attended = graph.add("Attention", inputs, f"{mixed}.mixed", domain=FUSED, num_heads=HEADS)
    out, up, down = f"{name}.output", f"{name}.up", f"{name}.down"
    product = graph.linear(attended, out, WIDTH, WIDTH)
    states = graph.add_and_norm(product, out, states, f"{name}.norm1")
    product = graph.linear(states, up, WIDTH, INNER)
    inner = graph.add("BiasGelu", [product, graph.weight(f"{up}.bias", INNER)], f"{up}.states", domain=FUSED)
    return graph.add_and_norm(graph.linear(inner, down, INNER, WIDTH), down, states, f"{name}.norm2")


def first_attention(graph: Graph, states: str, weights: str, bias: str, name: str) -> tuple[str, str]:
    """The first token's states and what it attends to: one query, the keys and values of all tokens."""
    graph.nodes.append(
        helper.make_node("Split", [weights], [f"{name}.{part}" for part in ("q", "k", "v")], axis=1)
    )
    graph.nodes.append(
        helper.make_node(
            "Constant", [], ["zero"], value=helper.make_tensor("zero", TensorProto.INT64, [1], [0])
        )
    )
    first = graph.add("Gather", [states, "zero"], "first", axis=1)
    query = graph.add("MatMul", [first, f"{name}.q"], f"{name}.query")
    key = graph.add("MatMul", [states, f"{name}.k"], f"{name}.key")
    value = graph.add("MatMul", [states, f"{name}.v"], f"{name}.value")
    attended = graph.add(
        "MultiHeadAttention",
        [query, key, value, bias, "mask"],
        f"{name}.mixed",
        domain=FUSED,
        num_heads=HEADS,
    )
    return first, attended


def encoder(*, first: bool) -> onnx.ModelProto:
    """From summed embeddings (n, t, WIDTH) and mask (n, t) to hidden states (n, t or 1, WIDTH)."""
    graph = Graph()
    norm = [graph.weight("embeddings.norm.weight", WIDTH), graph.weight("embeddings.norm.bias", WIDTH)]
    states = graph.add(
        "LayerNormalization", ["embedded", *norm], "embeddings.states", epsilon=EPSILON, axis=-1
    )
    for place in range(LAYERS):
        states = layer(graph, states, f"layer.{place}", first=first and place == LAYERS - 1)
    graph.add("Identity", [states], "states")
    tokens = 1 if first else "t"
    made = helper.make_graph(
        graph.nodes,
        "bert",
        [
            helper.make_tensor_value_info("embedded", TensorProto.FLOAT, ["n", "t", WIDTH]),
            helper.make_tensor_value_info("mask", TensorProto.INT32, ["n", "t"]),
        ],
        [helper.make_tensor_value_info("states", TensorProto.FLOAT, ["n", tokens, WIDTH])],
        graph.weights,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, FUSED_OPSET)]
    return helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args()
    for name, first in (("minilm-l6", False), ("minilm-l6-first", True)):
        model = encoder(first=first)
        (options.out / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
