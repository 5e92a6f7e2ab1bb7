"""The parts of an answer, each checked: a server may send anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragcli.servers.refusals import said, short
from ragcli.text.printable import CONTROLS
from ragcli.types import Usage

if TYPE_CHECKING:
    from openai import Stream
    from openai.types.chat import ChatCompletionChunk

REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
"""DeepSeek's, vLLM's and Ollama's name for it. A server that sends two of them sends the same text twice."""


@dataclass(frozen=True, slots=True)
class Part:
    """`finish_reason` and `usage` are None except in the last parts, and if a server sends none.

    `reasoning` is what the server itself separates from the text, `refusal` is the model's own, and
    `failure` is what the server says instead of an answer.
    """

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    failure: str = ""


def chunks_of(stream: Stream[ChatCompletionChunk]) -> Iterator[object]:
    """The parts of an answer; the whole answer as one part, if the server does not stream."""
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

    Raises ValueError if it is not a part of an answer: the client passes on any JSON as it is.
    """
    choices = _field(chunk, "choices")
    if not _is_record(chunk) or not isinstance(choices, list | None):
        raise ValueError("a part without choices")
    if not choices and (failure := _failure(chunk)):
        return Part(failure=failure)
    text = reasoning = refusal = ""
    finish_reason = None
    for choice in choices or ():
        # Servers that do not stream, and some that do, send a message instead of a delta.
        said = _field(choice, "delta") or _field(choice, "message")
        content = _field(said, "content")
        text += _text(_field(choice, "text") if content is None else content)
        reasoning += _reasoning(said, content)
        refusal += _optional(_field(said, "refusal"))
        reason = _field(choice, "finish_reason")
        if not isinstance(reason, str | None):
            raise ValueError("a finish_reason that is not text")
        finish_reason = reason or finish_reason
    # An answer must not be able to steer a terminal, nor to be impossible to write to one.
    text, reasoning, refusal = (CONTROLS.sub("", each) for each in (text, reasoning, refusal))
    return Part(text, reasoning, refusal, finish_reason, _usage(_field(chunk, "usage")))


def _field(record: Any, name: str) -> Any:
    """From a record of the client, or from JSON; None if it has none."""
    return record.get(name) if isinstance(record, Mapping) else getattr(record, name, None)


def _failure(chunk: Any) -> str:
    """What is sent instead of choices: {"error": ...}, {"message": ...}, {"detail": ...}."""
    names = ("error", "detail", "message", "errors", "msg")
    return short(said({name: _field(chunk, name) for name in names}))


def _text(content: Any) -> str:
    """Nothing if a part has none: some servers end with a choice that has a reason but no delta."""
    if isinstance(content, list):
        return "".join(_text(_field(item, "text")) for item in content if _kind(item) != "thinking")
    if not isinstance(content, str | None):
        raise ValueError("a content that is not text")
    return content or ""


def _kind(item: Any) -> str:
    """For one item of a content that is a list: "text", "thinking", or another type without text."""
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
    """A text, a list of texts, or a record that has one; other shapes are ignored."""
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
    """Invalid counts are ignored, so they are estimated."""
    prompt, completion = (_field(sent, f"{name}_tokens") for name in ("prompt", "completion"))
    if not (isinstance(prompt, int) and isinstance(completion, int) and min(prompt, completion) >= 0):
        return None
    return Usage(prompt, completion)
