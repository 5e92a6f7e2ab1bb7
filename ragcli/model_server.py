"""A server that runs an encoder, asked through the `openai` client: its retries, its key, its failures."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.endpoints import address_of, one_line, retry_after
from ragcli.errors import ConfigError, ServerError
from ragcli.redaction import remember_secret
from ragcli.retrying import Backoff, with_retries

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

CONNECT_SECONDS = 10.0


def check(section: str, config: EmbeddingConfig | RerankingConfig) -> str:
    """The key, "" where none is wanted; asks no server. `section` is the table that the settings stand in.

    Raises ConfigError where no model is named and ServerError where the key's variable is not set.
    """
    if "model" not in config.model_fields_set:
        raise ConfigError(
            f"{section}.url names a server, and {section}.model does not say which model it runs.",
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

    def unusable(self, reason: str) -> ServerError:
        """The error for an answer that is none; `reason` ends the sentence "SERVER sent ..."."""
        return ServerError(
            f"{self._address} sent {reason}.",
            hint=f"Check that it runs {self._config.model}, and the [{self._section}] settings.",
        )

    def _ask_once(self, path: str, body: Mapping[str, Any]) -> Any:
        import httpx
        from openai import OpenAIError

        try:
            response = self._opened().post(path, body=dict(body), cast_to=httpx.Response)
            answer = response.json()
        except (OpenAIError, httpx.InvalidURL, ValueError) as error:
            raise self._error(error, path) from error
        self._has_answered = True
        return answer

    def _opened(self) -> OpenAI:
        from openai import OpenAI, Timeout

        if self._client is None:
            seconds = self._config.timeout_seconds
            timeout = Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
            # The client insists on a key, also for servers that want none.
            self._client = OpenAI(
                base_url=self._config.url, api_key=self._key or "none", timeout=timeout, max_retries=0
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
        status, section, variable = error.status_code, self._section, self._config.api_key_env
        detail = one_line(error).removeprefix(f"Error code: {status} - ")
        if status in (401, 403):
            hint = f"Check the key in {variable}."
            if not variable:
                hint = f"Set {section}.api_key_env to the variable that holds it."
            return ServerError(f"{self._address} refused the key (HTTP {status}).", hint=hint, hopeless=True)
        if status == 404:
            return ServerError(
                f"{self._address} has no {path}, or not the model {self._config.model!r} (HTTP 404).",
                hint=f"Correct {section}.url or {section}.model.",
                hopeless=True,
            )
        if status == 501:
            return ServerError(
                f"{self._address} does not do this (HTTP 501): {detail}.",
                hint=f"Start it for {section}, or correct {section}.url.",
                hopeless=True,
            )
        if status == 429 or status >= 500:
            return ServerError(
                f"{self._address} failed (HTTP {status}): {detail}.",
                hint="Try again, or read the server's log.",
                transient=True,
                retry_after=retry_after(error),
            )
        return ServerError(
            f"{self._address} refused the request (HTTP {status}): {detail}.",
            hint=f"Check {section}.model. If it was too large, lower {section}.batch_size or .max_tokens.",
        )
