"""recipes/mean_weights.py: the mean of trained cross-encoders is a model folder that scores between them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ragcli.models.locate import SHIPPED_CROSS_ENCODER, cross_encoder_files

SHIPPED = Path(cross_encoder_files(SHIPPED_CROSS_ENCODER).folder)
SCRIPT = Path(__file__).parents[2] / "recipes" / "mean_weights.py"


def mean(*folders: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, *folders, "--out", out]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model with each weight one and a half times as large."""
    folder = tmp_path_factory.mktemp("models") / "other"
    shutil.copytree(SHIPPED, folder)
    weights = {name: 1.5 * row for name, row in load_file(SHIPPED / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_each_weight_is_the_mean_and_the_folder_is_a_model(other: Path, tmp_path: Path) -> None:
    out = tmp_path / "mean"
    assert mean(SHIPPED, other, out=out).returncode == 0
    shipped, found = load_file(SHIPPED / "model.safetensors"), load_file(out / "model.safetensors")
    for name, row in shipped.items():
        assert found[name].dtype == row.dtype
        torch.testing.assert_close(found[name].float(), 1.25 * row.float(), rtol=2e-3, atol=1e-4)
    facts = json.loads((out / "ragcli.json").read_text(encoding="utf-8"))
    assert cross_encoder_files(str(out)).fingerprint == facts["sha256"]


def test_it_writes_over_nothing_and_averages_like_with_like(other: Path, tmp_path: Path) -> None:
    assert "exists already" in mean(SHIPPED, other, out=tmp_path).stderr
    small = tmp_path / "small"
    shutil.copytree(SHIPPED, small)
    save_file({"one": torch.zeros(2)}, small / "model.safetensors")
    assert "different shape" in mean(SHIPPED, small, out=tmp_path / "out").stderr
    assert not (tmp_path / "out").exists()
