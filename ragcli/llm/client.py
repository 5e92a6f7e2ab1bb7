"""Messages become a stream of text, always through the `openai` client, whatever the server.

A stream that does not end properly is an error with the text so far, never an answer.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from threading import Lock
from typing import TYPE_CHECKING, Any

from ragcli.config import LLMConfig
from ragcli.errors import ConfigError, LLMError
from ragcli.llm.endings import ending, plain
from ragcli.llm.failures import (
    EXAMPLE,
    address,
    as_llm_error,
    check_address,
    cut_off,
    declined,
    empty_answer,
    endless_answer,
    is_too_long,
    reported,
    stopped_answer,
)
from ragcli.llm.local import local_server
from ragcli.llm.reasoning import Splitter
from ragcli.llm.request import Request, check_extra, refused_fields
from ragcli.llm.stream_part import chunks_of, read_part
from ragcli.llm.yes_or_no import probability_of_yes
from ragcli.models import locate
from ragcli.models.embedded_llms import EMBEDDED_LLMS, EmbeddedLLM
from ragcli.servers.addresses import open_client
from ragcli.servers.keys import read_key
from ragcli.types import Message, Usage

if TYPE_CHECKING:
    from openai import OpenAI, Stream
    from openai.types.chat import ChatCompletionChunk

CHARACTERS_PER_TOKEN = 3.5
"""A safe estimate for English text: common tokenizers have 4 or more characters per token."""

MOST_CHARACTERS_PER_TOKEN = 64
"""An answer with more than this for each of `answer_tokens` comes from a server that does not end it."""

MOST_REASONING = 1_000_000
"""In characters. Not every server counts the reasoning among the tokens of the answer."""


@contextmanager
def open_llm(config: LLMConfig, environ: Mapping[str, str] = os.environ) -> Iterator[LLM]:
    """The configured model, ready to stream. `base_url = local` starts the embedded server for the block.

    Raises LLMError if the key is missing, ModelError if the local model's file is missing, and ConfigError
    for an invalid address or a model that the embedded server does not have.
    """
    check_address(config)
    check_extra(config)
    key = read_key(config.api_key_env, address(config), LLMError, environ)
    with ExitStack() as stack:
        if config.embedded:
            file = locate.llm_file(embedded_llm(config))
            server = stack.enter_context(
                local_server(file, context_tokens=config.context_tokens, threads=config.threads)
            )
            # A proxy from the environment must not see loopback requests.
            client = stack.enter_context(_client(server.base_url, server.key, config, proxies=False))
            yield LLM(client, config, server.count_tokens)
        else:
            client = stack.enter_context(_client(config.base_url, key, config, proxies=True))
            yield LLM(client, config, estimate_tokens)


def check(config: LLMConfig, environ: Mapping[str, str] = os.environ) -> None:
    """Raises what `open_llm` would raise for a missing file or key; loads nothing and asks no server."""
    check_address(config)
    check_extra(config)
    if config.embedded:
        locate.llm_file(embedded_llm(config))
    read_key(config.api_key_env, address(config), LLMError, environ)


def embedded_llm(config: LLMConfig) -> EmbeddedLLM:
    """The one that `llm.model` names. Raises ConfigError if the embedded server does not have it."""
    if config.model in EMBEDDED_LLMS:
        return EMBEDDED_LLMS[config.model]
    raise ConfigError(
        f"The embedded server has {' and '.join(EMBEDDED_LLMS)}, but not {config.model!r}.",
        hint="Name the endpoint that has it: --base-url URL, or llm.base_url.",
    )


def estimate_tokens(text: str) -> int:
    """For servers that cannot count: an estimate, too many rather than too few."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


class LLM:
    """One model at one endpoint. `count_tokens` is exact for the local server, else `estimate_tokens`."""

    def __init__(self, client: OpenAI, config: LLMConfig, count_tokens: Callable[[str], int]) -> None:
        self.model = config.model
        self.count_tokens = count_tokens
        self._client = client
        self._config = config
        self._request = Request(config)
        self._one_at_a_time: AbstractContextManager[object] = Lock() if config.embedded else nullcontext()

    def turn(self) -> AbstractContextManager[object]:
        """For requests that belong together: the embedded server remembers only the last prompt."""
        return self._one_at_a_time

    def stream(
        self,
        messages: Sequence[Message],
        *,
        stop: Sequence[str] = (),
        schema: Mapping[str, Any] | None = None,
        goes_on: bool = False,
    ) -> Generation:
        """Starts an answer that ends before any of the texts in `stop`, and is JSON of this `schema` where
        the endpoint knows how.

        `goes_on`: the embedded server does not read the beginning of these messages again if the last ones
        in the same turn began in the same way. Nothing is sent until the generation is iterated.
        """
        return Generation(self, messages, stop, schema, goes_on=goes_on)

    def probability_of_yes(self, messages: Sequence[Message]) -> float:
        """The embedded LLM's probability of "yes" as the first word, relative to "no". Raises LLMError."""
        from openai import OpenAIError

        try:
            return probability_of_yes(self._client, self.model, messages)
        except (OpenAIError, ValueError, LookupError) as error:
            raise as_llm_error(error, self._config, began=False, partial="") from error

    @property
    def refused_fields(self) -> tuple[str, ...]:
        """Fields of the request that the endpoint refused; later requests leave them out."""
        return self._request.left_out

    def offered(self) -> tuple[str, ...]:
        """The names of the models that the endpoint lists; empty if it does not say."""
        from openai import OpenAIError

        try:
            return tuple(model.id for model in self._client.models.list())
        except (OpenAIError, ValueError):
            return ()

    def _open(
        self,
        messages: Sequence[Message],
        stop: Sequence[str],
        schema: Mapping[str, Any] | None,
        *,
        goes_on: bool,
    ) -> Stream[ChatCompletionChunk]:
        """Asks again without the fields that the endpoint says it does not accept, until it names no more."""
        from openai import APIStatusError

        refused: frozenset[str] = frozenset()
        while True:
            body = self._request.body(messages, stop, refused, schema)
            if goes_on:
                body["cache_prompt"] = True
            try:
                stream = self._send(body)
            except APIStatusError as error:
                fields = frozenset() if is_too_long(error) else refused_fields(error, body)
                if not fields:
                    raise
                refused |= fields
            else:
                self._request.remember(refused)
                return stream

    def _send(self, body: dict[str, Any]) -> Stream[ChatCompletionChunk]:
        # The client has no arguments for the fields of other servers, so all fields go around them.
        rest = {name: value for name, value in body.items() if name not in ("model", "messages")}
        stream: Stream[ChatCompletionChunk] = self._client.chat.completions.create(
            model=body["model"], messages=body["messages"], stream=True, extra_body=rest
        )
        return stream


class Generation:
    """One answer, as it arrives: iterate it once for its pieces of text, free of control characters.

    A piece is empty while the model thinks, so that the caller can stop it. One that begins with
    `llm_reasoning.RESTART` says that everything before it was not part of the answer.

    Afterwards `text` is the whole text, without the model's `reasoning`; `finish_reason` says why it ended
    and `cut_off` whether that was a limit. `usage` counts tokens: an estimate (`usage_estimated`) if the
    server sent no count. Raises LLMError unless the answer came to its end or its limit.
    """

    def __init__(
        self,
        llm: LLM,
        messages: Sequence[Message],
        stop: Sequence[str],
        schema: Mapping[str, Any] | None = None,
        *,
        goes_on: bool = False,
    ) -> None:
        self.text = ""
        self.reasoning = ""
        self.finish_reason: str | None = None
        self.cut_off = False
        self.usage = Usage(0, 0)
        self.usage_estimated = True
        self._llm = llm
        self._messages = messages
        self._stop = stop
        self._schema = schema
        self._goes_on = goes_on
        self._splitter = Splitter()
        self._told_reasoning = ""
        self._refusal = ""

    def __iter__(self) -> Iterator[str]:
        from openai import OpenAIError

        config = self._llm._config
        began = False
        try:
            with self._llm._open(self._messages, self._stop, self._schema, goes_on=self._goes_on) as stream:
                began = True
                for chunk in chunks_of(stream):
                    yield from self._read(chunk)
        # The client does not catch the error for unreadable JSON.
        except (OpenAIError, ValueError, RecursionError) as error:
            raise as_llm_error(error, config, began=began, partial=self.text) from error
        if rest := self._splitter.finish():
            yield rest
        self._take_over()
        self._check_end()
        if self.usage_estimated:
            count = self._llm.count_tokens
            self.usage = Usage(sum(count(message.content) for message in self._messages), count(self.text))

    def _read(self, chunk: object) -> Iterator[str]:
        part = read_part(chunk)
        if part.failure:
            raise reported(part.failure, self._llm._config, partial=self.text)
        self.finish_reason = plain(part.finish_reason) or self.finish_reason
        if part.usage is not None:
            self.usage, self.usage_estimated = part.usage, False
        self._told_reasoning += part.reasoning
        self._refusal += part.refusal
        room = self._room()
        text = part.text[: max(0, room)]
        added = self._splitter.feed(text)
        self._take_over()
        if text or part.reasoning:
            yield added
        if len(text) < len(part.text) or room < 0:
            raise endless_answer(self._llm._config, partial=self.text)

    def _room(self) -> int:
        """How many more characters are accepted; negative if there were already too many."""
        reasoning = MOST_REASONING - len(self._told_reasoning) - len(self._splitter.parts.reasoning)
        answer = self._llm._config.answer_tokens * MOST_CHARACTERS_PER_TOKEN - len(self.text)
        return reasoning if self._splitter.parts.thinks else min(answer, reasoning)

    def _take_over(self) -> None:
        parts = self._splitter.parts
        self.text = parts.answer
        self.reasoning = "\n\n".join(filter(None, (self._told_reasoning.strip(), parts.reasoning)))

    def _check_end(self) -> None:
        """Raises LLMError if this is not an answer."""
        config = self._llm._config
        if self.finish_reason is None:
            raise cut_off(config, partial=self.text)
        how = ending(self.finish_reason)
        if how == "failed":
            raise stopped_answer(config, self.finish_reason, partial=self.text)
        self.cut_off = how == "cut off"
        if self.text.strip():
            return
        if self._refusal.strip():
            raise declined(config, self._refusal)
        raise empty_answer(config, at_limit=self.cut_off, thought=bool(self.reasoning))


def _client(base_url: str, key: str, config: LLMConfig, *, proxies: bool) -> OpenAI:
    return open_client(
        "llm.base_url",
        base_url,
        key,
        timeout_seconds=config.timeout_seconds,
        example=EXAMPLE,
        proxies=proxies,
    )
