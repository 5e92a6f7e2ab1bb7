"""The process that keeps these settings warm, where there is one."""

from __future__ import annotations

from ragcli.config import Config
from ragcli.doctor.finding import Finding
from ragcli.serving.client import running


def check_server(config: Config) -> Finding:
    """There may be none: commands then load the models themselves."""
    server = running(config)
    if server is None:
        return Finding("server", "ok", "none is running for these settings; ragcli serve starts one")
    use = "" if config.serve.use else ", but serve.use is off"
    where = f"{server.address} (process {server.pid}, since {server.started_at})"
    return Finding("server", "ok", f"these settings are kept warm at {where}{use}")
