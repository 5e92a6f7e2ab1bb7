"""The parts of an answer, each checked: whatever answers at an address may send whatever it likes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragcli.servers.refusals import said, short
from ragcli.types import Usage

if TYPE_CHECKING:
    from openai import Stream
    from openai.types.chat import ChatCompletionChunk

NOT_TEXT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters, direction overrides and halves of characters: an answer must not be able to steer a
terminal, nor to be impossible to write to one.
"""


REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
"""DeepSeek's, vLLM's and Ollama's name for it. A server that sends two of them sends the same text twice."""


@dataclass(frozen=True, slots=True)
class Part:
    """`finish_reason` and `usage` are None in all parts but the last ones, and where a server sends none.

    `reasoning` is what the server itself tells apart from the text, `refusal` is the model's own, and
    `failure` what the server says in place of an answer.
    """

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    failure: str = ""


def chunks_of(stream: Stream[ChatCompletionChunk]) -> Iterator[object]:
    """The parts of an answer; the whole of it as one part, where the server does not stream."""
    if "json" in stream.response.headers.get("content-type", ""):
        content = _content(stream)
        if content.lstrip().startswith(b"{"):
            yield json.loads(content)
            return
    yield from stream


def _content(stream: Stream[ChatCompletionChunk]) -> bytes:
    from openai import APIConnectionError, APITimeoutError

    request = stream.response.request
    try:
        return stream.response.read()
    except Exception as error:
        # The client turns its library's errors into its own only for what it reads itself.
        if "Timeout" in type(error).__name__:
            raise APITimeoutError(request=request) from error
        raise APIConnectionError(request=request) from error


def read_part(chunk: Any) -> Part:
    """A part of a stream, or the whole answer of a server that does not stream: JSON, or the client's record.

    Raises ValueError for what is no part of an answer: the client hands on any JSON as it came.
    """
    choices = _field(chunk, "choices")
    if not _is_record(chunk) or not isinstance(choices, list | None):
        raise ValueError("a part without choices")
    if not choices and (failure := _failure(chunk)):
        return Part(failure=failure)
    text = reasoning = refusal = ""
    finish_reason = None
    for choice in choices or ():
        # Servers that do not stream, and some that do, send a message in place of a delta.
        said = _field(choice, "delta") or _field(choice, "message")
        content = _field(said, "content")
        text += _text(_field(choice, "text") if content is None else content)
        reasoning += _reasoning(said, content)
        refusal += _optional(_field(said, "refusal"))
        reason = _field(choice, "finish_reason")
        if not isinstance(reason, str | None):
            raise ValueError("a finish_reason that is not text")
        finish_reason = reason or finish_reason
    text, reasoning, refusal = (NOT_TEXT.sub("", each) for each in (text, reasoning, refusal))
    return Part(text, reasoning, refusal, finish_reason, _usage(_field(chunk, "usage")))


def _field(record: Any, name: str) -> Any:
    """Of a record of the client's, or of JSON; None where it has none."""
    return record.get(name) if isinstance(record, Mapping) else getattr(record, name, None)


def _failure(chunk: Any) -> str:
    """What is said in place of choices: {"error": ...}, {"message": ...}, {"detail": ...}."""
    names = ("error", "detail", "message", "errors", "msg")
    return short(said({name: _field(chunk, name) for name in names}))


def _text(content: Any) -> str:
    """Nothing where a part has none: some servers end with a choice that has a reason and no delta."""
    if isinstance(content, list):
        return "".join(_text(_field(item, "text")) for item in content if _kind(item) != "thinking")
    if not isinstance(content, str | None):
        raise ValueError("a content that is not text")
    return content or ""


def _kind(item: Any) -> str:
    """Of one item of a content that is a list: "text", "thinking", or another that has no text."""
    if not _is_record(item):
        raise ValueError("a content that is not text")
    kind = str(_field(item, "type"))
    return "thinking" if "think" in kind or "reasoning" in kind else kind


def _reasoning(said: Any, content: Any) -> str:
    sent = (_thought(_field(said, name)) for name in REASONING_FIELDS)
    items = content if isinstance(content, list) else ()
    return next(filter(None, sent), "") + "".join(
        _thought(item) for item in items if _kind(item) == "thinking"
    )


def _thought(value: Any) -> str:
    """A text, a list of them, or a record that has one; of no other shape is anything made."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_thought(item) for item in value)
    names = ("thinking", "reasoning", "text", "content", "summary")
    found = (_field(value, name) for name in names) if _is_record(value) else ()
    return next(filter(None, (_thought(each) for each in found)), "")


def _is_record(value: Any) -> bool:
    return isinstance(value, Mapping) or hasattr(value, "model_fields_set")


def _optional(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _usage(sent: Any) -> Usage | None:
    """Counts that are no counts are as good as none: they are estimated then."""
    prompt, completion = (_field(sent, f"{name}_tokens") for name in ("prompt", "completion"))
    if not (isinstance(prompt, int) and isinstance(completion, int) and min(prompt, completion) >= 0):
        return None
    return Usage(prompt, completion)
