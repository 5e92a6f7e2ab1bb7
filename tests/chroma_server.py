"""A real Chroma server on a loopback port, with a separate database for each test."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from ragcli.config import StoreConfig

PATIENCE_SECONDS = 60.0


@contextmanager
def chroma_server(folder: Path, port: int | None = None) -> Iterator[str]:
    """The URL of a server that keeps its data in the folder; it ends with the block."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    program = Path(sys.executable).with_name("chroma")
    command = [str(program), "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with (folder.parent / f"{folder.name}.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(f"{url}/api/v2/heartbeat", process)
            yield url
        finally:
            process.kill()
            process.wait()


def own_database(url: str) -> StoreConfig:
    """The settings of an empty database on the server."""
    name = f"test-{uuid.uuid4().hex}"
    httpx.post(f"{url}/api/v2/tenants/default_tenant/databases", json={"name": name}).raise_for_status()
    return StoreConfig(url=url, database=name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("chroma run did not start")
