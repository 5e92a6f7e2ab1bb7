"""Keys and passwords never reach a screen, a file or a traceback: what a failure shows goes through here.

A library's exception may hold the request that it made, headers and all, so that it is not enough for our own
messages to leave a key out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

HIDDEN = "***"
SHORTEST = 5
"""A "key" of fewer characters is a placeholder, and taking it out of a text would only garble it."""

_read: set[str] = set()
_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS)\Z")
# A password may contain what ends the name of a server (/ ? #), so it is recognised by not being a port.
_CREDENTIALS = re.compile(r"://(?:[^/\s:@\"']*:(?!\d+(?:[/?#\s]|\Z))[^\s\"']*|[^/\s?#\"']*)@")
_SECRET_PARAMETER = re.compile(
    r"([?&][\w.-]*(?:key|token|secret|sig|signature|password|code)=)[^&\s#\"']+", re.IGNORECASE
)


def remember_secret(value: str) -> None:
    """From now on `redact` takes this value out, in this process. For each key that is read from anywhere."""
    if len(value) >= SHORTEST:
        _read.add(value)


def redact(text: str, environ: Mapping[str, str]) -> str:
    """`text` without the keys that were read, without values of variables that are named like secrets, and
    without the credentials of URLs.
    """
    named = {value for name, value in environ.items() if _SECRET_NAME.search(name.upper())}
    secrets = {value.strip() for value in named} | _read
    for secret in sorted((s for s in secrets if len(s) >= SHORTEST), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return without_credentials(text)


def without_credentials(text: str) -> str:
    """URLs without user, password and keys: "http://me:secret@host/v1" -> "http://***@host/v1"."""
    text = _CREDENTIALS.sub(f"://{HIDDEN}@", text)
    return _SECRET_PARAMETER.sub(rf"\1{HIDDEN}", text)
