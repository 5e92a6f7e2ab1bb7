"""The mean of several runs of one recipe: `python recipes/mean_weights.py FOLDER FOLDER --out FOLDER`.

Runs that start from the same weights and differ in their batches end in one basin, and the mean of their
weights does better on average (Wortsman et al. 2022, "Model soups"; ours in bench/reranker-log.md). What is
written is a start for a further stage: the model card and the calibration beside it are the first folder's.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def mean_weights(folders: list[Path], out: Path) -> None:
    """Float16 like its sources; the sum is taken in float32. Exits where the networks are not alike."""
    networks = [load_file(folder / "model.safetensors") for folder in folders]
    first = networks[0]
    for folder, network in zip(folders, networks, strict=True):
        if {name: w.shape for name, w in network.items()} != {name: w.shape for name, w in first.items()}:
            sys.exit(f"{folder} and {folders[0]} are networks of different shape.")
    shutil.copytree(folders[0], out)
    mean = {
        name: torch.stack([network[name].float() for network in networks]).mean(dim=0).to(weights.dtype)
        for name, weights in first.items()
    }
    save_file(mean, out / "model.safetensors", metadata={"format": "pt"})
    settings = json.loads((out / "ragcli.json").read_text(encoding="utf-8"))
    settings["sha256"] = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()
    (out / "ragcli.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Mean of the weights of trained cross-encoders.")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    arguments = parser.parse_args()
    if arguments.out.exists():
        sys.exit(f"{arguments.out} exists already.")
    mean_weights(arguments.folders, arguments.out)


if __name__ == "__main__":
    main()
