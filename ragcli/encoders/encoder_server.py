"""A server that runs an encoder, asked through the `openai` client: its retries, its key, its failures."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.encoders.known_pair import KnownValues
from ragcli.errors import ConfigError, ServerError
from ragcli.servers.addresses import address_of, check_url, open_client
from ragcli.servers.keys import read_key
from ragcli.servers.refusals import message_of, said, said_by, short
from ragcli.servers.retrying import Backoff, with_retries
from ragcli.servers.statuses import Meaning, Service, key_hint

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

EXAMPLE = "http://localhost:8080"
_OWN = {
    404: Meaning(
        "{server} has no {path}, or does not have the model {model}{detail}",
        "Correct {url} or {section}.model.",
        hopeless=True,
    ),
    501: Meaning(
        "{server} does not support this{detail}", "Start it for {section}, or correct {url}.", hopeless=True
    ),
}


def check(section: str, config: EmbeddingConfig | RerankingConfig) -> str:
    """The key, "" if none is needed; asks no server. `section` is the table of the settings.

    Raises ConfigError if no model or no address is named, and ServerError if the key's variable is not
    set.
    """
    check_url(f"{section}.url", config.url, EXAMPLE)
    if "model" not in config.model_fields_set:
        raise ConfigError(
            f"{section}.url names a server, but {section}.model does not say which model it runs.",
            hint=f"Set {section}.model to the model's name on the server.",
        )
    return read_key(config.api_key_env, address_of(config.url), ServerError)


def served_fingerprint(*parts: object) -> str:
    """Made from what is known about a model on a server; as long as a sha256 of weights, but never equal to
    one.
    """
    whole = "\n".join(map(str, parts)).encode()
    return f"served-{hashlib.sha256(whole).hexdigest()}"[:64]


class ModelServer:
    """One endpoint. Requests that may succeed later are repeated, for a few minutes at most."""

    def __init__(self, section: str, config: EmbeddingConfig | RerankingConfig) -> None:
        self.backoff = Backoff()
        self._section = section
        self._config = config
        self._key = check(section, config)
        self._address = address_of(config.url)
        self._client: OpenAI | None = None
        self._has_answered = False

    def ask(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON of the answer. Raises ServerError, after retries if they may help."""
        return with_retries(partial(self._ask_once, path, body), self.backoff, threading.Event())

    def unusable(self, reason: str, answer: object = None) -> ServerError:
        """The error for an invalid answer; `reason` ends the sentence "SERVER sent ...".

        A message in the answer, such as {"error": "loading"}, is included.
        """
        words = short(said(answer)) if isinstance(answer, Mapping) else ""
        return ServerError(
            f"{self._address} sent {reason}{f': {words}' if words else ''}.",
            hint=f"Check that it runs {self._config.model}, and the [{self._section}] settings.",
        )

    def in_order(self, entries: Sequence[Mapping[str, Any]], key: str, what: str, count: int) -> list[Any]:
        """The value of each entry, in the order of the `count` texts whatever the order of the answer."""
        found = {entry.get("index"): entry.get(key) for entry in entries}
        if len(entries) != count or set(found) != set(range(count)):
            raise self.unusable(f"{len(entries)} {what} for {count} texts, or numbered them wrongly")
        return [found[index] for index in range(count)]

    def another_model(self, found: KnownValues, expected: KnownValues) -> ServerError:
        """The error for a server whose scores of the known pair differ from those of the same model here."""
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
        """Do not wait for a server that never answered; one that did may just be restarting."""
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
                f"Nothing answers at {self._address}: {message_of(error.__cause__ or error)}.",
                hint=f"Start the server, or correct {settings}.",
                transient=self._has_answered,
                hopeless=True,
            )
        return ServerError(
            f"{self._address} sent something that is not JSON: {message_of(error)}.",
            hint=f"Correct {settings}.",
            hopeless=True,
        )

    def _status_error(self, error: APIStatusError, path: str) -> ServerError:
        section = self._section
        refused = f"Check {section}.model. If it was too large, lower {section}.batch_size or .max_tokens."
        if re.search("raw_scores|use_activation", said_by(error)):
            refused = 'Set reranking.scores = "probabilities": then ragcli does not ask for logits.'
        service = Service(
            server=self._address,
            url=f"{section}.url",
            key=key_hint(section, self._config.api_key_env),
            refused=refused,
            own=_OWN,
            values={"section": section, "path": path, "model": repr(self._config.model)},
        )
        return service.failure(error, ServerError)
