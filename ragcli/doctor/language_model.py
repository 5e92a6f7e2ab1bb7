"""The LLM: whether it can be reached, has the model, and writes a token."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from ragcli.config import LLMConfig
from ragcli.doctor.finding import Finding, problem
from ragcli.errors import LLMError, RagcliError
from ragcli.llm import client
from ragcli.llm.endings import ending
from ragcli.models.embedded_llms import LARGE, SMALL
from ragcli.servers.redaction import without_credentials
from ragcli.types import Message

PART = "LLM"
MOST_NAMES = 5


def check_llm(config: LLMConfig, environ: Mapping[str, str]) -> Finding:
    """Asks for one token. If that fails, the models that the server has are listed."""
    place = "embedded" if config.embedded else without_credentials(config.base_url)
    offered: tuple[str, ...] = ()
    started = time.perf_counter()
    try:
        with client.open_llm(config.model_copy(update={"answer_tokens": 1}), environ) as opened:
            try:
                _one_token(opened)
            except LLMError:
                offered = opened.offered()
                raise
    except RagcliError as error:
        unknown = offered and config.model not in offered
        names = f" The server has: {', '.join(offered[:MOST_NAMES])}." if unknown else ""
        found = problem(PART, "broken", error)
        return replace(found, detail=found.detail + names)
    seconds = time.perf_counter() - started
    detail = f"{config.model} ({place}): a token after {seconds:.1f} s"
    if config.embedded and config.model == SMALL.name:
        detail += f". It is small and quotes; for real answers: {LARGE.prepare}"
    return Finding(PART, "ok", detail)


def _one_token(opened: client.LLM) -> None:
    """Raises LLMError. A model that thinks before it writes ends its one token without text: it works."""
    generation = opened.stream([Message("user", "Say hello.")])
    try:
        for _part in generation:
            pass
    except LLMError:
        if generation.finish_reason is None or ending(generation.finish_reason) == "failed":
            raise
