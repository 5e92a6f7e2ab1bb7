"""The key of a server, read from the environment variable that its settings name."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ragcli.errors import RagcliError
from ragcli.servers.redaction import remember_secret


def read_key(
    variable: str, address: str, kind: type[RagcliError], environ: Mapping[str, str] = os.environ
) -> str:
    """The key, which no message shows from now on; "" where no variable is named.

    Raises a `kind` where the variable is not set, or holds what cannot be sent.
    """
    key = environ.get(variable, "").strip() if variable else ""
    if variable and not key:
        raise kind(
            f"No key for {address}: the environment variable {variable} is not set.",
            hint=f"export {variable}=...",
        )
    remember_secret(key)
    if key and not (key.isascii() and key.isprintable()):
        raise kind(
            f"The key in {variable} contains characters that a key cannot have, such as a line break.",
            hint=f"Set {variable} again.",
        )
    return key
