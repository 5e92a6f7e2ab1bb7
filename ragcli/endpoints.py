"""What servers that are asked over HTTP have in common: an address, and what they say when they fail."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ragcli.redaction import redact

if TYPE_CHECKING:
    from openai import APIStatusError

LONGEST_DETAIL = 200


def address_of(url: str) -> str:
    """The endpoint as messages name it: without a user name or password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else url


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


def one_line(error: BaseException) -> str:
    """The error's text without control characters and without the keys that were read."""
    # openai's errors say more in `message`, which is a method of Chroma's.
    message = getattr(error, "message", "")
    said = message if isinstance(message, str) and message else str(error)
    text = redact(re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", said).strip(" ."), {})
    text = text or type(error).__name__
    return text if len(text) <= LONGEST_DETAIL else f"{text[:LONGEST_DETAIL]}..."
