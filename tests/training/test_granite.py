"""The recipe's teacher: a pack of eight-bit weights becomes a folder that sentence-transformers reads."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

HIDDEN, LAYERS, MIDDLE, POSITIONS = 64, 2, 128, 34
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
WORDS = ["a", "snake", "eats", "birds", "what"]


@pytest.fixture(scope="module")
def granite() -> Iterator[ModuleType]:
    folder = str(Path(__file__).parents[2] / "recipes")
    sys.path.insert(0, folder)
    yield importlib.import_module("granite")
    sys.path.remove(folder)


def shapes() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {
        "word_emb": (len(SPECIAL) + len(WORDS), HIDDEN),
        "pos_emb": (POSITIONS, HIDDEN),
        "type_emb": (2, HIDDEN),
        "emb_ln.w": (HIDDEN,),
        "emb_ln.b": (HIDDEN,),
    }
    for layer in range(LAYERS):
        found |= {
            f"l{layer}.{name}": shape
            for name, shape in {
                "qkv.w": (3 * HIDDEN, HIDDEN),
                "qkv.b": (3 * HIDDEN,),
                "ao.w": (HIDDEN, HIDDEN),
                "ao.b": (HIDDEN,),
                "aln.w": (HIDDEN,),
                "aln.b": (HIDDEN,),
                "f1.w": (MIDDLE, HIDDEN),
                "f1.b": (MIDDLE,),
                "f2.w": (HIDDEN, MIDDLE),
                "f2.b": (HIDDEN,),
                "fln.w": (HIDDEN,),
                "fln.b": (HIDDEN,),
            }.items()
        }
    return found


def tokenizer() -> str:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    reader = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate(SPECIAL + WORDS)}, unk_token="<unk>")
    )
    reader.pre_tokenizer = pre_tokenizers.Whitespace()
    reader.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return str(reader.to_str())


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    """In float32, and what eight bits keep of the matrices: steps of the largest number of 64 / 127."""
    draw = np.random.default_rng(7)
    return {name: draw.normal(0, 0.2, shape).astype("<f4") for name, shape in shapes().items()}


def pack(weights: dict[str, np.ndarray]) -> bytes:
    tensors, body = [], b""
    for name, values in weights.items():
        whole = name.endswith(".w") and values.ndim == 2
        if whole:
            groups = values.reshape(-1, 64)
            scales = (np.abs(groups).max(axis=1, keepdims=True) / 127).astype("<f4")
            part = np.rint(groups / scales).astype(np.int8).tobytes() + scales.tobytes()
        else:
            part = values.tobytes()
        tensors.append(
            {
                "name": name,
                "dtype": "i8" if whole else "f32",
                "shape": list(values.shape),
                "len": len(part),
            }
        )
        body += part
    words = tokenizer().encode()
    header = {
        "meta": {"pooling": "cls", "max_length": POSITIONS - 2},
        "arch": {
            "hidden": HIDDEN,
            "layers": LAYERS,
            "heads": 4,
            "intermediate": MIDDLE,
            "vocab": len(SPECIAL) + len(WORDS),
            "max_positions": POSITIONS,
            "type_vocab": 2,
            "layer_norm_eps": 1e-12,
        },
        "tokenizer_len": len(words),
        "tensors": tensors,
    }
    text = json.dumps(header).encode()
    return b"HMSEMB01" + len(text).to_bytes(8, "little") + text + words + body


def test_the_weights_come_back_within_half_a_step(
    granite: ModuleType, weights: dict[str, np.ndarray]
) -> None:
    _, words, tensors = granite.unpacked(pack(weights))
    assert words == tokenizer()
    assert set(tensors) == set(weights)
    for name, values in weights.items():
        half = np.abs(values).max() / 127 / 2 + 1e-6
        assert np.abs(tensors[name].numpy() - values).max() <= half


def test_the_folder_embeds_as_the_network_does(
    granite: ModuleType, weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """By hand: two layers of attention and of feed-forward over the embeddings, the first place, length 1."""
    from sentence_transformers import SentenceTransformer

    granite.write_folder(pack(weights), tmp_path / "model")
    model = SentenceTransformer(str(tmp_path / "model"), device="cpu", local_files_only=True)
    found = model.encode(["what eats birds"], convert_to_tensor=True)[0]
    _, _, tensors = granite.unpacked(pack(weights))
    ids = [0, *(len(SPECIAL) + WORDS.index(word) for word in ["what", "eats", "birds"]), 2]
    torch.testing.assert_close(found, embedded_by_hand(tensors, ids), atol=1e-5, rtol=1e-4)


def embedded_by_hand(tensors: dict[str, torch.Tensor], ids: list[int]) -> torch.Tensor:
    functional = torch.nn.functional

    def normed(x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.layer_norm(x, (HIDDEN,), tensors[f"{name}.w"], tensors[f"{name}.b"], 1e-12)

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ tensors[f"{name}.w"].T + tensors[f"{name}.b"]

    places = torch.arange(len(ids)) + 2  # RoBERTa counts from the padding's id on
    x = normed(tensors["word_emb"][ids] + tensors["pos_emb"][places] + tensors["type_emb"][0], "emb_ln")
    for layer in range(LAYERS):
        heads = linear(x, f"l{layer}.qkv").view(len(ids), 3, 4, HIDDEN // 4).permute(1, 2, 0, 3)
        seen = functional.scaled_dot_product_attention(*heads).permute(1, 0, 2).reshape(len(ids), HIDDEN)
        x = normed(x + linear(seen, f"l{layer}.ao"), f"l{layer}.aln")
        inner = functional.gelu(linear(x, f"l{layer}.f1"))
        x = normed(x + linear(inner, f"l{layer}.f2"), f"l{layer}.fln")
    return functional.normalize(x[0], dim=0)
