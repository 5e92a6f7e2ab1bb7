"""The encoders with their own forward pass, compared with transformers."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForSequenceClassification, BertModel

from ragcli.encoders import bert
from ragcli.encoders.bert import is_plain_bert, load_encoder, load_tokenizer, pad
from ragcli.encoders.bert.minilm import is_minilm
from ragcli.encoders.bert.onnx_encoder import OnnxEncoder
from ragcli.encoders.bert.openvino_encoder import OpenVinoEncoder
from ragcli.errors import ModelError
from ragcli.models.locate import bi_encoder_files, cross_encoder_files

if TYPE_CHECKING:
    from ragcli.encoders.bert.arrays import Batch

ROOT = Path(__file__).parents[2]
RERANKER = Path(cross_encoder_files("ragcli").folder)
BI_ENCODER = Path(bi_encoder_files("all-MiniLM-L6-v2").folder)
# OpenVINO is installed only where it is used: on Linux, x86-64.
HAS_OPENVINO = importlib.util.find_spec("openvino") is not None
with_openvino = pytest.mark.skipif(not HAS_OPENVINO, reason="OpenVINO is not here")
KINDS = [OnnxEncoder, pytest.param(partial(OpenVinoEncoder, precision="float32"), marks=with_openvino)]
Kind: TypeAlias = type[OnnxEncoder] | partial[OpenVinoEncoder]
PAIRS = [
    ("Who designed it?", "Frederick Gordon Crosby drew the leaping jaguar, and the firm used it from 1938."),
    ("Who?", "Short."),
    (
        "What does the jaguar hunt?",
        "It hunts " + "capybaras, peccaries, deer and caimans, " * 20 + "at dusk.",
    ),
]


@pytest.fixture(scope="module")
def batch() -> Batch:
    return pad(load_tokenizer(RERANKER).encode_batch(PAIRS))


@pytest.fixture(scope="module")
def states(batch: Batch) -> np.ndarray:
    """transformers' last hidden states of the shipped cross-encoder."""
    model = BertForSequenceClassification.from_pretrained(str(RERANKER), dtype=torch.float32).eval().bert
    ids, types, mask = map(torch.from_numpy, batch)
    with torch.inference_mode():
        found: np.ndarray = model(
            input_ids=ids, token_type_ids=types, attention_mask=mask
        ).last_hidden_state.numpy()
    return found


def small_bert(folder: Path) -> Path:
    """Two layers of width 48: a size without a graph."""
    settings = BertConfig(
        hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=64, vocab_size=30522
    )
    torch.manual_seed(3)
    BertModel(settings).eval().save_pretrained(folder)
    shutil.copy(RERANKER / "tokenizer.json", folder)
    return folder


class TestStates:
    @pytest.mark.parametrize("kind", KINDS)
    def test_are_those_of_transformers(self, kind: Kind, batch: Batch, states: np.ndarray) -> None:
        ours = kind(RERANKER, prefix="bert.", first=False).states(batch)
        read = batch[2].astype(bool)
        assert ours.dtype == np.float32
        assert ours[read] == pytest.approx(states[read], abs=2e-5)

    @pytest.mark.parametrize("kind", KINDS)
    def test_of_the_first_token_alone(self, kind: Kind, batch: Batch, states: np.ndarray) -> None:
        ours = kind(RERANKER, prefix="bert.", first=True).states(batch)
        assert ours.shape == (3, 1, 384)
        assert ours[:, 0] == pytest.approx(states[:, 0], abs=2e-5)

    @with_openvino
    def test_in_bfloat16_are_near_enough(self, batch: Batch, states: np.ndarray) -> None:
        # bfloat16 keeps eight bits; states are of the size of 1.
        ours = OpenVinoEncoder(RERANKER, prefix="bert.", first=True).states(batch)
        assert ours[:, 0] == pytest.approx(states[:, 0], abs=0.03)

    def test_padding_changes_nothing(self, batch: Batch) -> None:
        encoder = OnnxEncoder(RERANKER, prefix="bert.", first=True)
        alone = pad(load_tokenizer(RERANKER).encode_batch(PAIRS[1:2]))
        assert alone[0].shape[1] < batch[0].shape[1] / 5
        assert encoder.states(alone)[0] == pytest.approx(encoder.states(batch)[1], abs=2e-5)


class TestBatches:
    @given(st.lists(st.integers(0, 600), max_size=80).map(sorted), st.integers(1, 64))
    def test_hold_every_text_once_and_no_more_than_they_may(self, lengths: list[int], most: int) -> None:
        parts = [lengths[part] for part in bert.batches(lengths, most)]
        assert [length for part in parts for length in part] == lengths
        for part in parts:
            assert 1 <= len(part) <= most
            assert len(part) == 1 or len(part) * max(part) <= bert.TOKENS_AT_ONCE

    def test_are_as_large_as_they_may_be(self) -> None:
        assert len(list(bert.batches([bert.TOKENS_AT_ONCE // 8] * 16, 64))) == 2
        assert len(list(bert.batches([1] * 16, 4))) == 4


class TestTheChoice:
    def test_onnx_reads_what_ragcli_brings(self) -> None:
        assert isinstance(load_encoder(BI_ENCODER), OnnxEncoder)
        assert isinstance(load_encoder(RERANKER, prefix="bert.", first=True), OnnxEncoder)

    def test_other_sizes_are_left_to_transformers(self, tmp_path: Path) -> None:
        assert is_plain_bert(RERANKER)
        assert not is_plain_bert(small_bert(tmp_path))

    @with_openvino
    def test_openvino_reads_much_where_bfloat16_is_fast(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bert, "precision", lambda: "bfloat16")
        assert isinstance(load_encoder(BI_ENCODER, bulk=True), OpenVinoEncoder)
        assert isinstance(load_encoder(BI_ENCODER), OnnxEncoder)

    def test_onnx_reads_much_where_it_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bert, "precision", lambda: "float32")
        assert isinstance(load_encoder(BI_ENCODER, bulk=True), OnnxEncoder)

    @with_openvino
    def test_openvino_comes_without_its_telemetry(self) -> None:
        probe = (
            "import sys; from pathlib import Path\n"
            "from ragcli.encoders.bert.openvino_encoder import OpenVinoEncoder\n"
            f"OpenVinoEncoder(Path({str(RERANKER)!r}), prefix='bert.', first=True)\n"
            "print({'openvino_telemetry', 'openvino.tools.ovc', 'torch', 'onnxruntime'} & sys.modules.keys())"
        )
        done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
        assert done.stdout == "set()\n"

    def test_weights_in_bfloat16_are_left_to_transformers(self, tmp_path: Path) -> None:
        shutil.copytree(BI_ENCODER, tmp_path / "model")
        weights = load_file(BI_ENCODER / "model.safetensors")
        narrow = {name: weight.to(torch.bfloat16) for name, weight in weights.items()}
        save_file(narrow, tmp_path / "model" / "model.safetensors")
        assert not is_minilm(tmp_path / "model")


class TestDamage:
    @pytest.mark.parametrize("kind", KINDS)
    def test_weights_of_another_model(self, kind: Kind) -> None:
        with pytest.raises(ModelError, match=r"lack 'bert\.embeddings"):
            kind(BI_ENCODER, prefix="bert.", first=True)

    def test_a_cut_file(self, tmp_path: Path) -> None:
        shutil.copytree(BI_ENCODER, tmp_path / "model")
        weights = tmp_path / "model" / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:100_000])
        with pytest.raises(ModelError, match="cannot be read"):
            load_encoder(tmp_path / "model")

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_weight_of_another_shape(self, kind: Kind, tmp_path: Path) -> None:
        shutil.copytree(BI_ENCODER, tmp_path / "model")
        path = tmp_path / "model" / "model.safetensors"
        weights = load_file(path)
        name = "encoder.layer.3.output.dense.weight"
        weights[name] = weights[name][:, :100].contiguous()
        save_file(weights, path)
        with pytest.raises(ModelError, match=r"not the model that config\.json describes"):
            kind(tmp_path / "model", prefix="", first=False)


def test_the_graphs_are_what_the_recipe_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["bert_graphs.py", "--out", str(tmp_path)])
    recipe().main()
    written = sorted(tmp_path.iterdir())
    assert [path.name for path in written] == ["minilm-l6-first.onnx", "minilm-l6.onnx"]
    shipped = ROOT / "ragcli" / "encoders" / "bert" / "graphs"
    for path in written:
        assert path.read_bytes() == (shipped / path.name).read_bytes()


def recipe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bert_graphs", ROOT / "recipes" / "bert_graphs.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_models_are_of_the_size_of_the_graphs() -> None:
    for folder in (RERANKER, BI_ENCODER):
        assert is_minilm(folder), json.loads((folder / "config.json").read_text(encoding="utf-8"))
