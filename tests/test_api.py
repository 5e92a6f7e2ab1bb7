"""The Python API: the README's example runs, and the import is fast."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ragcli

ROOT = Path(__file__).parent.parent


def python_example() -> str:
    found = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(found) == 1, "the README has one Python example"
    return str(found[0])


def test_the_readmes_example_has_three_lines() -> None:
    assert len([line for line in python_example().splitlines() if line.strip()]) == 3


def test_the_readmes_example_runs(tmp_path: Path) -> None:
    shutil.copy(ROOT / "corpora" / "homonyms" / "jaguar-cars.md", tmp_path)
    ingest = (
        "from ragcli import open_pipeline\nwith open_pipeline() as rag:\n    rag.ingest(['jaguar-cars.md'])\n"
    )
    for program in (ingest, python_example()):
        run = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
    assert run.stdout.strip()


def test_importing_the_package_is_light() -> None:
    program = "import sys, ragcli; print(*sorted(name for name in sys.modules if name.startswith('ragcli')))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["ragcli"]


@pytest.mark.parametrize("name", ragcli.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(ragcli, name) is not None


def test_the_public_names_can_be_listed() -> None:
    assert set(ragcli.__all__) <= set(dir(ragcli))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = ragcli.no_such_name
