"""Writing a trained model: a standard Hugging Face folder, float16, together with ragcli's own facts."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ragcli.encoders.calibration import Calibration
from ragcli.encoders.prior import Prior
from ragcli.errors import UsageError
from ragcli.training.provenance import TrainingFile


def check_replaceable(folder: Path) -> None:
    """Raises UsageError if `write_model` would replace something that ragcli did not write."""
    if folder.is_dir() and ((folder / "ragcli.json").is_file() or not any(folder.iterdir())):
        return
    if folder.exists():
        raise UsageError(
            f"{folder} contains something other than a trained model.",
            hint="Name a new folder with --out: the new model replaces a folder of the same name.",
        )


def write_model(
    network: Any,
    tokenizer: Any,
    folder: Path,
    *,
    prior: Prior,
    calibration: Calibration,
    max_tokens: int,
    trained_on: Sequence[TrainingFile],
    card: str,
) -> str:
    """The sha256 of the weights. The folder appears whole or not at all; one of that name is replaced.

    The file is float16 for its size, and config.json says float32: a model that is loaded as float16 scores
    slowly and coarsely on a processor, so the folder asks its readers to widen it.
    """
    import torch

    check_replaceable(folder)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    network.to("cpu", torch.float16).save_pretrained(partial)
    tokenizer.model_max_length = max_tokens
    tokenizer.save_pretrained(partial)
    config_path = partial / "config.json"
    config = json.loads(config_path.read_text(encoding="utf-8"))
    config.pop("torch_dtype", None)
    config.pop("_name_or_path", None)
    config |= {
        "dtype": "float32",
        "id2label": {"0": "relevance"},
        "label2id": {"relevance": 0},
        "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"},
    }
    config_path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    fingerprint = hashlib.sha256((partial / "model.safetensors").read_bytes()).hexdigest()
    facts = {
        "schema": 1,
        "sha256": fingerprint,
        "prior_weight": prior.weight,
        "prior_words": prior.words,
        "prior_headings": prior.headings,
        "calibration": {"slope": calibration.slope, "intercept": calibration.intercept},
        "trained_on": [asdict(file) for file in trained_on],
    }
    (partial / "ragcli.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    (partial / "README.md").write_text(card, encoding="utf-8")
    _put_in_place(partial, folder)
    return fingerprint


def _put_in_place(new: Path, folder: Path) -> None:
    """The folder that was there goes only when the new one has its name: one of them is whole at any time."""
    before = folder.with_name(folder.name + ".before")
    shutil.rmtree(before, ignore_errors=True)
    if folder.exists():
        folder.rename(before)
    try:
        new.rename(folder)
    except OSError:
        if before.exists():
            before.rename(folder)
        raise
    shutil.rmtree(before, ignore_errors=True)
