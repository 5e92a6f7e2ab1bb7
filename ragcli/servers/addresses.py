"""The address of a server that is asked over HTTP, and a client for it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ragcli.errors import ConfigError
from ragcli.servers.redaction import without_credentials

if TYPE_CHECKING:
    from openai import OpenAI

CONNECT_SECONDS = 10.0


def check_url(setting: str, url: str, example: str) -> None:
    """Raises ConfigError, which never shows the address: it may hold a password."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if ":" not in host:
            host.encode("idna")  # Empty and endless labels are refused here, and not in mid-connection.
        usable = parts.scheme in ("http", "https") and bool(host) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or " " in url:
        raise bad_url(setting, example)


def open_client(
    setting: str, url: str, key: str, *, timeout_seconds: float, example: str, proxies: bool = True
) -> OpenAI:
    """A client that follows no redirect: what it sends goes to the server that was named, and to no other.

    `proxies`: whether the environment's proxy settings hold. Without a key a placeholder is sent, as the
    client insists on one. Raises ConfigError for an address that only the client finds fault with.
    """
    from openai import DefaultHttpxClient, OpenAI, Timeout

    timeout = Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds))
    http_client = DefaultHttpxClient(trust_env=proxies, follow_redirects=False)
    try:
        return OpenAI(
            base_url=url, api_key=key or "none", timeout=timeout, max_retries=0, http_client=http_client
        )
    except Exception as error:
        # Which library's InvalidURL it is depends on the version of openai, and neither is a ValueError.
        if type(error).__name__ == "InvalidURL":
            raise bad_url(setting, example) from error
        raise


def address_of(url: str) -> str:
    """The endpoint as messages name it: without a user name or password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return without_credentials(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else url


def bad_url(setting: str, example: str) -> ConfigError:
    return ConfigError(f"{setting} is not an http or https address.", hint=f"For instance {example}.")
