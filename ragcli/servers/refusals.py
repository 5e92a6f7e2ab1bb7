"""What a server says of a failure, whatever the shape that it says it in: one short line for the user."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ragcli.servers.redaction import redact
from ragcli.text.printable import one_line

if TYPE_CHECKING:
    from openai import APIStatusError

LONGEST_DETAIL = 200
LONGEST_READ = 20_000
"""Of a longer answer only the beginning is looked at."""

# The names that servers give to their words, the most telling first.
_WORDS = (
    "message",
    "detail",
    "details",
    "msg",
    "error",
    "errors",
    "error_description",
    "description",
    "title",
)
_DEEPEST = 8

_PAGE = re.compile(r"<(?:!doctype|html|head|body|title|h1)\b", re.IGNORECASE)
_UNREAD = re.compile(r"<!--.*?-->|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")


def said_by(error: APIStatusError) -> str:
    """The server's own words; "" where it has none."""
    return short(said_in(error.response.text))


def said_in(content: str) -> str:
    """The words of an answer's body: of JSON that nests them in any of the usual ways, of a page, of text."""
    content = content[:LONGEST_READ]
    try:
        return said(json.loads(content))
    except (ValueError, RecursionError):
        return _text_of_page(content) if _PAGE.search(content) else content


def said(value: object, depth: int = 0) -> str:
    """The words of a decoded error: a text, a list of them, or a mapping that has them under a known name."""
    if isinstance(value, str):
        return value
    if depth > _DEEPEST or value is None or isinstance(value, bool | int | float):
        return ""
    if isinstance(value, Mapping):
        words = next(filter(None, (said(value.get(name), depth + 1) for name in _WORDS)), "")
        place = ".".join(_place(value.get("loc")))
        return f"{place}: {words}" if place and words else words
    if isinstance(value, list | tuple):
        return "; ".join(filter(None, (said(item, depth + 1) for item in value)))
    return ""


def message_of(error: BaseException) -> str:
    """The error's text without control characters and without the keys that were read."""
    # openai's errors say more in `message`, which is a method of Chroma's.
    message = getattr(error, "message", "")
    return short(message if isinstance(message, str) and message else str(error)) or type(error).__name__


def short(text: str) -> str:
    """One line without control characters, direction overrides and known keys, of a bounded length."""
    text = redact(one_line(text).strip(" ."), {})
    return text if len(text) <= LONGEST_DETAIL else f"{text[:LONGEST_DETAIL]}..."


def _place(loc: object) -> Iterator[str]:
    """Where in the request a fault is, as FastAPI says it: ["body", "seed"] is "seed"."""
    for part in loc if isinstance(loc, list | tuple) else ():
        if isinstance(part, str | int) and part != "body":
            yield str(part)


def _text_of_page(content: str) -> str:
    """A page's title and first heading; all of its text where it has neither."""
    content = _UNREAD.sub(" ", content)
    titles = dict.fromkeys(match.group(2).strip() for match in _TITLE.finditer(content))
    text = ": ".join(titles) if titles else content
    return html.unescape(_TAG.sub(" ", text))
