"""One request for a whole answer, made again if it may succeed later: for work that nobody waits for."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ragcli.config import LLMConfig
from ragcli.errors import UsageError
from ragcli.llm import client
from ragcli.llm.client import LLM
from ragcli.models.embedded_llms import LARGE, SMALL
from ragcli.servers.retrying import Backoff, with_retries
from ragcli.types import Message


def check(config: LLMConfig, task: str) -> None:
    """Raises UsageError for the LLM that can only quote, and what `client.check` raises."""
    if config.embedded and config.model == SMALL.name:
        raise UsageError(
            f"{SMALL.name} is too small to {task}.",
            hint=f"Run: {LARGE.prepare}; then add --profile local-large. Or name an endpoint: --base-url.",
        )
    client.check(config)


def ask(llm: LLM, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> str:
    """What the LLM writes: JSON of the schema, if there is one and the server knows how. Raises LLMError."""

    def once() -> str:
        generation = llm.stream(messages, schema=schema)
        for _ in generation:
            pass
        return generation.text

    return with_retries(once, Backoff(), threading.Event())
