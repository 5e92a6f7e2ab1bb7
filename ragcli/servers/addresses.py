"""What servers that are asked over HTTP have in common: an address, a client, and how they refuse."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from ragcli.errors import ConfigError, ServerError
from ragcli.servers.redaction import without_credentials
from ragcli.servers.refusals import one_line, said_by

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

CONNECT_SECONDS = 10.0

Failure = TypeVar("Failure", bound=ServerError)


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


def refused(
    error: APIStatusError, failure: type[Failure], *, section: str, setting: str, url: str, key_variable: str
) -> Failure | None:
    """The error for a redirect and for a key that is refused, whatever the server is for; else None.

    `setting` is the dotted key of `url`, `section` the table that it stands in.
    """
    status, server = error.status_code, address_of(url)
    if 300 <= status < 400:
        return failure(
            f"{server} points to another address (HTTP {status}), and ragcli asks only the one you name.",
            hint=f"Put the address that is meant into {setting}; perhaps it begins with https.",
            hopeless=True,
        )
    if status in (401, 403):
        hint = f"Check the key in {key_variable}."
        if not key_variable:
            hint = f"Set {section}.api_key_env to the variable that holds it."
        said = said_by(error)
        message = f"{server} refused the key (HTTP {status}){f': {said}' if said else ''}."
        return failure(message, hint=hint, hopeless=True)
    return None


def retry_after(error: APIStatusError) -> float | None:
    """Seconds from the Retry-After header, which holds seconds or a date (RFC 9110); None without one."""
    text = error.response.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def bad_url(setting: str, example: str) -> ConfigError:
    return ConfigError(f"{setting} is no http or https address.", hint=f"For instance {example}.")


__all__ = [
    "address_of",
    "bad_url",
    "check_url",
    "one_line",
    "open_client",
    "refused",
    "retry_after",
    "said_by",
]
