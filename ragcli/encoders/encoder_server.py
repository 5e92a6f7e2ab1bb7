"""A server that runs an encoder, asked through the `openai` client: its retries, its key, its failures."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.encoders.known_pair import KnownValues
from ragcli.errors import ConfigError, ServerError
from ragcli.servers.addresses import (
    address_of,
    check_url,
    one_line,
    open_client,
    refused,
    retry_after,
    said_by,
)
from ragcli.servers.redaction import remember_secret
from ragcli.servers.refusals import said, short
from ragcli.servers.retrying import Backoff, with_retries

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

EXAMPLE = "http://localhost:8080"


def check(section: str, config: EmbeddingConfig | RerankingConfig) -> str:
    """The key, "" where none is wanted; asks no server. `section` is the table that the settings stand in.

    Raises ConfigError where no model is named, or no address, and ServerError where the key's variable is not
    set.
    """
    check_url(f"{section}.url", config.url, EXAMPLE)
    if "model" not in config.model_fields_set:
        raise ConfigError(
            f"{section}.url names a server, but {section}.model does not say which model it runs.",
            hint=f"Set {section}.model to the model's name on the server.",
        )
    key = os.environ.get(config.api_key_env, "").strip() if config.api_key_env else ""
    if config.api_key_env and not key:
        raise ServerError(
            f"No key for {address_of(config.url)}: the environment variable {config.api_key_env} is not set.",
            hint=f"export {config.api_key_env}=...",
            hopeless=True,
        )
    remember_secret(key)
    return key


def served_fingerprint(*parts: object) -> str:
    """Of what is known about a model that a server runs; as long as the sha256 of weights, and never one."""
    whole = "\n".join(map(str, parts)).encode()
    return f"served-{hashlib.sha256(whole).hexdigest()}"[:64]


class ModelServer:
    """One endpoint. What may succeed later is asked again, for some minutes at most."""

    def __init__(self, section: str, config: EmbeddingConfig | RerankingConfig) -> None:
        self.backoff = Backoff()
        self._section = section
        self._config = config
        self._key = check(section, config)
        self._address = address_of(config.url)
        self._client: OpenAI | None = None
        self._has_answered = False

    def ask(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON of the answer. Raises ServerError, after the retries where they are of use."""
        return with_retries(partial(self._ask_once, path, body), self.backoff, threading.Event())

    def unusable(self, reason: str, answer: object = None) -> ServerError:
        """The error for an answer that is none; `reason` ends the sentence "SERVER sent ...".

        What the answer says of itself, such as {"error": "loading"}, is told as well.
        """
        words = short(said(answer)) if isinstance(answer, Mapping) else ""
        return ServerError(
            f"{self._address} sent {reason}{f': {words}' if words else ''}.",
            hint=f"Check that it runs {self._config.model}, and the [{self._section}] settings.",
        )

    def another_model(self, found: KnownValues, expected: KnownValues) -> ServerError:
        """The error for one that scores the known pair otherwise than the model of its name does here."""
        scored, known = (", ".join(f"{value:.3f}" for value in values.all) for values in (found, expected))
        name, section = self._config.model, self._section
        return ServerError(
            f"{self._address} does not run {name} as ragcli does: it scores three known texts {scored} "
            f"instead of {known}.",
            hint="llama.cpp drops the last layers of some models: use another server (docs/scaling.md), or "
            f"give another model its own name: {section}.model.",
            hopeless=True,
        )

    def _ask_once(self, path: str, body: Mapping[str, Any]) -> Any:
        from openai import OpenAIError

        try:
            answer = json.loads(self._opened().post(path, body=dict(body), cast_to=str))
        except (OpenAIError, ValueError, RecursionError) as error:
            raise self._error(error, path) from error
        self._has_answered = True
        return answer

    def _opened(self) -> OpenAI:
        if self._client is None:
            self._client = open_client(
                f"{self._section}.url",
                self._config.url,
                self._key,
                timeout_seconds=self._config.timeout_seconds,
                example=EXAMPLE,
            )
        return self._client

    def _error(self, error: Exception, path: str) -> ServerError:
        """A server that never answered is not waited for; one that did may just be starting again."""
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        settings = f"{self._section}.url"
        if isinstance(error, APITimeoutError):
            return ServerError(
                f"{self._address} did not answer within {self._config.timeout_seconds:g} seconds.",
                hint=f"Try again, or raise {self._section}.timeout_seconds.",
                transient=self._has_answered,
            )
        if isinstance(error, APIStatusError):
            return self._status_error(error, path)
        if isinstance(error, APIConnectionError):
            return ServerError(
                f"Nothing answers at {self._address}: {one_line(error.__cause__ or error)}.",
                hint=f"Start the server, or correct {settings}.",
                transient=self._has_answered,
                hopeless=True,
            )
        return ServerError(
            f"{self._address} sent something that is not JSON: {one_line(error)}.",
            hint=f"Correct {settings}.",
            hopeless=True,
        )

    def _status_error(self, error: APIStatusError, path: str) -> ServerError:
        status, section, words = error.status_code, self._section, said_by(error)
        detail = f" (HTTP {status}){f': {words}' if words else ''}."
        common = refused(
            error,
            ServerError,
            section=section,
            setting=f"{section}.url",
            url=self._config.url,
            key_variable=self._config.api_key_env,
        )
        if common:
            return common
        if status == 404:
            return ServerError(
                f"{self._address} has no {path}, or does not have the model {self._config.model!r}{detail}",
                hint=f"Correct {section}.url or {section}.model.",
                hopeless=True,
            )
        if status == 501:
            return ServerError(
                f"{self._address} does not support this{detail}",
                hint=f"Start it for {section}, or correct {section}.url.",
                hopeless=True,
            )
        if status == 429 or status >= 500:
            return ServerError(
                f"{self._address} failed{detail}",
                hint="Try again, or read the server's log.",
                transient=True,
                retry_after=retry_after(error),
            )
        hint = f"Check {section}.model. If it was too large, lower {section}.batch_size or .max_tokens."
        if "raw_scores" in words or "use_activation" in words:
            hint = 'Set reranking.scores = "probabilities": then ragcli does not ask for logits.'
        return ServerError(f"{self._address} refused the request{detail}", hint=hint)
