"""One part of a streamed answer, checked: whatever answers at an address may send whatever it likes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ragcli.types import Usage

NOT_TEXT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters, direction overrides and halves of characters: an answer must not be able to steer a
terminal, nor to be impossible to write to one.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """`finish_reason` and `usage` are None in all parts but the last ones, and where a server sends none."""

    text: str
    finish_reason: str | None
    usage: Usage | None


def read_part(chunk: Any) -> Part:
    """Raises ValueError for what is no part of an answer: the client hands on any JSON as it came."""
    choices = getattr(chunk, "choices", None)
    if not hasattr(chunk, "model_fields_set") or not isinstance(choices, list | None):
        raise ValueError("a part without choices")
    text, finish_reason = "", None
    for choice in choices or ():
        text += _text(getattr(choice, "delta", None))
        reason = getattr(choice, "finish_reason", None)
        if not isinstance(reason, str | None):
            raise ValueError("a finish_reason that is no text")
        finish_reason = reason or finish_reason
    return Part(NOT_TEXT.sub("", text), finish_reason, _usage(getattr(chunk, "usage", None)))


def _text(delta: Any) -> str:
    """Nothing where a part has none: some servers end with a choice that has a reason and no delta."""
    content = getattr(delta, "content", None)
    if not isinstance(content, str | None):
        raise ValueError("a content that is no text")
    return content or ""


def _usage(sent: Any) -> Usage | None:
    """Counts that are no counts are as good as none: they are estimated then."""
    prompt, completion = (getattr(sent, f"{name}_tokens", None) for name in ("prompt", "completion"))
    if not (isinstance(prompt, int) and isinstance(completion, int) and min(prompt, completion) >= 0):
        return None
    return Usage(prompt, completion)
