"""The connection to a Chroma server, made once per process: it costs four requests."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ragcli.config import StoreConfig
from ragcli.errors import StoreServerError
from ragcli.servers.addresses import CONNECT_SECONDS, bad_url, check_url
from ragcli.servers.keys import read_key
from ragcli.store.server.failing import (
    REFUSED,
    address,
    bad_status,
    not_chroma,
    server_errors,
    unknown_place,
    unreachable,
)

if TYPE_CHECKING:
    import httpx

EXAMPLE = "http://localhost:8000"


def connect(config: StoreConfig) -> Any:
    """Chroma's client for the server that the settings name. Raises StoreServerError."""
    key = read_key(config.api_key_env, address(config), StoreServerError)
    check_url("store.url", config.url, EXAMPLE)
    return _client(config, key)


@cache
def _client(config: StoreConfig, key: str) -> Any:
    import chromadb
    from chromadb.config import Settings
    from chromadb.errors import NotFoundError

    with server_errors(config):
        _probe(config, key)
        try:
            client = chromadb.HttpClient(
                host=config.url.rstrip("/"),
                ssl=config.url.startswith("https:"),
                headers=_headers(config, key),
                settings=Settings(anonymized_telemetry=False),
                tenant=config.tenant,
                database=config.database,
            )
        except NotFoundError as error:
            raise unknown_place(config, error) from error
        except ValueError as error:
            raise unreachable(config, error) from error
    # Chroma's client has no timeout, and no setting for one.
    client._server._session.timeout = _timeout(config)
    return client


def _probe(config: StoreConfig, key: str) -> None:
    """Chroma's client begins with requests that never time out, so the first request is ours."""
    import httpx

    url = f"{config.url.rstrip('/')}/api/v2/auth/identity"
    try:
        response = httpx.get(url, headers=_headers(config, key), timeout=_timeout(config))
    except httpx.InvalidURL as error:
        raise bad_url("store.url", EXAMPLE) from error
    if response.status_code in REFUSED or response.status_code >= 500:
        raise bad_status(config, response.status_code)
    try:
        known = response.is_success and "tenant" in response.json()
    except (ValueError, TypeError):
        known = False
    if not known:
        raise not_chroma(config)


def _headers(config: StoreConfig, key: str) -> dict[str, str]:
    if not key:
        return {}
    bearer = config.api_key_header.lower() == "authorization"
    return {config.api_key_header: f"Bearer {key}" if bearer else key}


def _timeout(config: StoreConfig) -> httpx.Timeout:
    import httpx

    return httpx.Timeout(config.timeout_seconds, connect=min(CONNECT_SECONDS, config.timeout_seconds))
