"""Messages become a stream of text, always through the `openai` client, whosever the server is.

A stream that does not end properly is an error that carries what had arrived, never an answer.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from ragcli import models
from ragcli.config import EMBEDDED_LLM, LLMConfig
from ragcli.errors import ConfigError, LLMError
from ragcli.llm_errors import (
    as_llm_error,
    check_address,
    cut_off,
    empty_answer,
    endless_answer,
    filtered_answer,
    missing_key,
    unusable_key,
)
from ragcli.llm_parts import read_part
from ragcli.local_server import local_server
from ragcli.redaction import remember_secret
from ragcli.types import Message, Usage

if TYPE_CHECKING:
    from openai import OpenAI, Stream
    from openai.types.chat import ChatCompletionChunk

LOCAL = "local"
CONNECT_SECONDS = 10.0

CHARACTERS_PER_TOKEN = 3.5
"""An estimate on the safe side for English text: common tokenizers need 4 characters or more to a token."""

MOST_CHARACTERS_PER_TOKEN = 64
"""An answer of more than this for each of `answer_tokens` comes from a server that does not end it."""


@contextmanager
def open_llm(config: LLMConfig, environ: Mapping[str, str] = os.environ) -> Iterator[LLM]:
    """The configured model, ready to stream. `base_url = local` starts the embedded server for the block.

    Raises LLMError when the key is missing, ModelError when the local model's file is, and ConfigError for an
    address that is none or a model that the embedded server has not.
    """
    check_address(config)
    check_embedded(config)
    key = _api_key(config, environ)
    with ExitStack() as stack:
        if config.base_url == LOCAL:
            server = stack.enter_context(
                local_server(models.llm_file(), context_tokens=config.context_tokens, threads=config.threads)
            )
            client = stack.enter_context(_client(server.base_url, server.key, config, proxies=False))
            yield LLM(client, config, server.count_tokens)
        else:
            client = stack.enter_context(_client(config.base_url, key, config, proxies=True))
            yield LLM(client, config, estimate_tokens)


def check(config: LLMConfig, environ: Mapping[str, str] = os.environ) -> None:
    """Raises what `open_llm` would raise for a missing file or key; loads nothing and asks no server."""
    check_address(config)
    check_embedded(config)
    if config.base_url == LOCAL:
        models.llm_file()
    _api_key(config, environ)


def check_embedded(config: LLMConfig) -> None:
    """Raises ConfigError where the embedded server would answer under the name of another model."""
    if config.base_url == LOCAL and config.model != EMBEDDED_LLM:
        raise ConfigError(
            f"The embedded server has one model, {EMBEDDED_LLM}, and not {config.model!r}.",
            hint="Name the endpoint that has it: --base-url URL, or llm.base_url.",
        )


def estimate_tokens(text: str) -> int:
    """For servers that cannot count: an estimate, rather too many than too few."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


class LLM:
    """One model at one endpoint. `count_tokens` is exact for the local server, else `estimate_tokens`."""

    def __init__(self, client: OpenAI, config: LLMConfig, count_tokens: Callable[[str], int]) -> None:
        self.model = config.model
        self.count_tokens = count_tokens
        self._client = client
        self._config = config

    def stream(self, messages: Sequence[Message], *, stop: Sequence[str] = ()) -> Generation:
        """Starts an answer that ends before any of the texts in `stop`.

        Nothing is sent before the generation is iterated.
        """
        return Generation(self, messages, stop)

    def offered(self) -> tuple[str, ...]:
        """The names of the models that the endpoint lists; empty where it does not say."""
        from openai import OpenAIError

        try:
            return tuple(model.id for model in self._client.models.list())
        except (OpenAIError, ValueError):
            return ()

    def _open(
        self, messages: Sequence[Message], stop: Sequence[str], limit_name: str = "max_tokens"
    ) -> Stream[ChatCompletionChunk]:
        from openai import BadRequestError

        request: dict[str, Any] = {
            "model": self._config.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "temperature": self._config.temperature,
            "seed": self._config.seed,
            limit_name: self._config.answer_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if stop:
            request["stop"] = list(stop)
        try:
            stream: Stream[ChatCompletionChunk] = self._client.chat.completions.create(**request)
        except BadRequestError as error:
            # OpenAI's newer models know the limit by another name, most other servers only by the older one.
            if limit_name == "max_tokens" and "max_completion_tokens" in str(error):
                return self._open(messages, stop, "max_completion_tokens")
            raise
        return stream


class Generation:
    """One answer, as it arrives: iterate it once for its pieces of text, free of control characters.

    Afterwards `text` is the whole, `finish_reason` says why it ended ("length": cut at `answer_tokens`) and
    `usage` counts tokens: an estimate (`usage_estimated`) where the server sent no count. Raises LLMError.
    """

    def __init__(self, llm: LLM, messages: Sequence[Message], stop: Sequence[str]) -> None:
        self.text = ""
        self.finish_reason: str | None = None
        self.usage = Usage(0, 0)
        self.usage_estimated = True
        self._llm = llm
        self._messages = messages
        self._stop = stop

    def __iter__(self) -> Iterator[str]:
        from openai import OpenAIError

        config = self._llm._config
        began = False
        try:
            with self._llm._open(self._messages, self._stop) as stream:
                began = True
                for chunk in stream:
                    yield from self._read(chunk)
        # The client lets unreadable JSON through as what json makes of it.
        except (OpenAIError, ValueError, RecursionError) as error:
            raise as_llm_error(error, config, began=began, partial=self.text) from error
        if self.finish_reason is None:
            raise cut_off(config, partial=self.text)
        if self.finish_reason == "content_filter":
            raise filtered_answer(config, partial=self.text)
        if not self.text.strip():
            raise empty_answer(config, at_limit=self.finish_reason == "length")
        if self.usage_estimated:
            count = self._llm.count_tokens
            self.usage = Usage(sum(count(message.content) for message in self._messages), count(self.text))

    def _read(self, chunk: ChatCompletionChunk) -> Iterator[str]:
        part = read_part(chunk)
        self.finish_reason = part.finish_reason or self.finish_reason
        if part.usage is not None:
            self.usage, self.usage_estimated = part.usage, False
        if not part.text:
            return
        limit = self._llm._config.answer_tokens * MOST_CHARACTERS_PER_TOKEN
        text = part.text[: limit - len(self.text)]
        self.text += text
        yield text
        if len(text) < len(part.text):
            raise endless_answer(self._llm._config, partial=self.text)


def _client(base_url: str, key: str, config: LLMConfig, *, proxies: bool) -> OpenAI:
    """`proxies`: whether the environment's proxy settings hold; never for our own loopback server.

    No redirect is followed: the documents go to the server that was named, and to no other.
    """
    from openai import DefaultHttpxClient, OpenAI, Timeout

    timeout = Timeout(config.timeout_seconds, connect=min(CONNECT_SECONDS, config.timeout_seconds))
    http_client = DefaultHttpxClient(trust_env=proxies, follow_redirects=False)
    return OpenAI(base_url=base_url, api_key=key, timeout=timeout, max_retries=0, http_client=http_client)


def _api_key(config: LLMConfig, environ: Mapping[str, str]) -> str:
    """The key from the environment; a placeholder for servers that want none (the client insists on one)."""
    if not config.api_key_env:
        return "none"
    key = environ.get(config.api_key_env, "").strip()
    if not key:
        raise missing_key(config)
    remember_secret(key)
    if not (key.isascii() and key.isprintable()):
        raise unusable_key(config)
    return key


__all__ = ["LLM", "LOCAL", "Generation", "LLMError", "check", "estimate_tokens", "open_llm"]
