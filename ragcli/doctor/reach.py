"""Which settings make ragcli use the network: nothing else does."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from ragcli.config import Config
from ragcli.doctor.finding import Finding
from ragcli.models.status import READY, model_entries
from ragcli.servers.redaction import without_credentials


def check_network(config: Config, environ: Mapping[str, str]) -> Finding:
    """Missing hub models would be fetched: a warning, as that fails without a network."""
    missing = [
        entry.name for entry in model_entries(config) if entry.origin == "hub" and entry.state != READY
    ]
    if missing:
        would = f"would fetch {', '.join(missing)} from the hub"
        offline = "; HF_HUB_OFFLINE forbids it" if environ.get("HF_HUB_OFFLINE", "0") not in ("", "0") else ""
        return Finding("network", "warning", would + offline, "ragcli models prepare")
    servers = _servers(config)
    if not servers:
        return Finding("network", "ok", "no setting uses it: everything runs offline")
    return Finding("network", "ok", f"used by {', '.join(servers)}")


def _servers(config: Config) -> list[str]:
    """Servers on other machines, by the setting that names them."""
    urls = {
        "store.url": config.store.url,
        "embedding.url": config.embedding.url,
        "reranking.url": config.reranking.url,
        "llm.base_url": "" if config.llm.embedded else config.llm.base_url,
    }
    return [
        f"{key} ({without_credentials(url)})" for key, url in urls.items() if url and not is_loopback(url)
    ]


def is_loopback(url: str) -> bool:
    """Whether a URL is for this machine; a malformed one is not."""
    try:
        host = urlsplit(url).hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
