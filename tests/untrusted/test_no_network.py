"""With the local models nothing leaves the machine: not for models, telemetry or updates."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ragcli.models.locate import cache_folder

# No other variable: DO_NOT_TRACK, CI and similar ones change what libraries do for a user.
KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP")
PROGRAM = Path(__file__).parents[1] / "offline_run.py"
ISOLATED = ("unshare", "--net", "--map-root-user", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


def isolation() -> tuple[str, ...]:
    """Runs a program in a network with only a loopback; empty if that is not allowed.

    It also covers native code, which an audit hook does not see.
    """
    if not (shutil.which("unshare") and shutil.which("ip")):
        return ()
    probe = subprocess.run([*ISOLATED, "true"], capture_output=True, check=False)
    return ISOLATED if probe.returncode == 0 else ()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("offline")
    environ = {key: os.environ[key] for key in KEPT if key in os.environ}
    environ["RAGCLI_CACHE_DIR"] = str(cache_folder())
    environ["HOME"] = environ["USERPROFILE"] = str(tmp_path_factory.mktemp("home"))
    environ["PYTHONPATH"] = os.pathsep.join([str(PROGRAM.parent.parent), environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*isolation(), sys.executable, str(PROGRAM)],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.slow
def test_ingest_search_and_ask_work_without_a_network(found: dict[str, Any]) -> None:
    ingest, search, ask = found["runs"]
    assert [run["status"] for run in (ingest, search, ask)] == [0, 0, 0], found["runs"]
    assert "88 days" in search["stdout"]
    assert "88 days" in json.loads(ask["stdout"])["answer"]
    if isolation():
        assert found["interfaces"] == ["lo"]


@pytest.mark.slow
def test_none_of_them_tries_to_reach_one(found: dict[str, Any]) -> None:
    assert found["attempts"] == []


@pytest.mark.slow
def test_telemetry_is_not_even_loaded(found: dict[str, Any]) -> None:
    assert found["telemetry"] == []


@pytest.mark.slow
def test_no_library_leaves_anything_in_the_home_folder(found: dict[str, Any]) -> None:
    """ONNX Runtime's telemetry does: an identifier of the machine and what it will send when it can."""
    assert found["left_in_home"] == []
