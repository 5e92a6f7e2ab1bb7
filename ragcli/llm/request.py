"""The request to an endpoint: the fields of the settings, without those that it has refused.

There is one protocol, but not every server accepts all of it: newer models of OpenAI refuse `max_tokens` and
a temperature, Mistral refuses `seed` and `stream_options`, others a `stop`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ragcli.config import LLMConfig
from ragcli.errors import ConfigError
from ragcli.servers.refusals import said_in
from ragcli.types import Message

if TYPE_CHECKING:
    from openai import APIStatusError

REFUSED = (400, 422)
LIMIT, NEWER_LIMIT = "max_tokens", "max_completion_tokens"
OPTIONAL = ("seed", "stream_options", "temperature", "stop", "response_format")
"""Without these an answer is still an answer."""

OWN = ("model", "messages")
"""What `llm.extra` cannot change: these are the question, and have their own settings."""

# A limit that is too high is not an unknown field, and must be corrected in the settings.
_UNKNOWN = re.compile(
    r"not (?:supported|permitted|allowed|recognized|recognised|known|accepted|available|a valid)"
    r"|unsupported|unknown|unrecogni[sz]ed|unexpected|forbidden|extra (?:inputs?|fields?)|additional propert"
    r"|invalid (?:field|param|argument|key)|deprecated|does not support|use '?max_completion_tokens|instead",
    re.IGNORECASE,
)


class Request:
    """Makes the requests to one endpoint, and remembers what it refused. Any thread may call it."""

    def __init__(self, config: LLMConfig) -> None:
        self._config = config
        self._left_out: frozenset[str] = frozenset()

    @property
    def left_out(self) -> tuple[str, ...]:
        """The fields that the server refused and that are left out, sorted."""
        return tuple(sorted(self._left_out))

    def body(
        self,
        messages: Sequence[Message],
        stop: Sequence[str],
        refused: frozenset[str] = frozenset(),
        schema: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The whole request, with what `llm.extra` adds and removes. `refused`: left out as well. `schema`:
        of the JSON that the answer is to be.
        """
        config, without = self._config, self._left_out | refused
        limit = NEWER_LIMIT if LIMIT in without else LIMIT
        fields: dict[str, Any] = {
            "temperature": config.temperature,
            "seed": config.seed,
            limit: config.answer_tokens,
            "stream_options": {"include_usage": True},
        }
        if stop:
            fields["stop"] = list(stop)
        if schema is not None:
            form = {"name": "answer", "strict": True, "schema": schema}
            fields["response_format"] = {"type": "json_schema", "json_schema": form}
        fields |= config.extra
        kept = {name: value for name, value in fields.items() if name not in without and value != ""}
        return {
            "model": config.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "stream": True,
            **kept,
        }

    def remember(self, refused: frozenset[str]) -> None:
        """From now on, requests leave these out."""
        self._left_out |= refused


def refused_fields(error: APIStatusError, asked: Mapping[str, Any]) -> frozenset[str]:
    """Fields of the request that the server does not accept, by its own words; none for another refusal."""
    if error.status_code not in REFUSED:
        return frozenset()
    said = f"{said_in(error.response.text)} {getattr(error, 'param', None) or ''}"
    names = list(OPTIONAL)
    if _UNKNOWN.search(said):
        names += (LIMIT, NEWER_LIMIT)
        # "Use max_completion_tokens instead" is about the other one.
        said += f" {LIMIT}" if _names(said, NEWER_LIMIT) and NEWER_LIMIT not in asked else ""
    return frozenset(name for name in names if name in asked and _names(said, name))


def check_extra(config: LLMConfig) -> None:
    """Raises ConfigError for a field that has its own setting."""
    for name in OWN:
        if name in config.extra:
            raise ConfigError(
                f"llm.extra may not hold {name}.",
                hint="The model is llm.model, and the messages are made by ragcli.",
            )


def _names(said: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", said) is not None
