"""What a server's failure means to the user: one line, and the change that mends it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ragcli.config import LLMConfig
from ragcli.errors import LLMError

if TYPE_CHECKING:
    from openai import APIStatusError

LONGEST_DETAIL = 200


def as_llm_error(error: Exception, config: LLMConfig, *, key: str, began: bool, partial: str) -> LLMError:
    """The LLMError for what the client raised; `began` once the server has accepted the request.

    Neither message nor hint ever holds the key.
    """
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    server = address(config)
    detail = _one_line(error, key)
    if isinstance(error, APITimeoutError):
        return _too_slow(config, began=began, partial=partial)
    if isinstance(error, APIStatusError):
        return _status_error(error, server, config, detail)
    if isinstance(error, APIConnectionError):
        if began:
            return cut_off(config, partial=partial)
        hint = "Start the server, or correct llm.base_url."
        return LLMError(f"Nothing answers at {server}.", hint=hint, transient=True, hopeless=True)
    if isinstance(error, ValueError):
        return LLMError(
            f"{server} sent something that is not an answer: {detail}.",
            hint="Check llm.base_url: it ends in /v1 for most servers.",
            partial=partial,
        )
    hint = "Ask again, or read the server's log."
    return LLMError(f"{server} reported an error: {detail}.", hint=hint, partial=partial, transient=True)


def _too_slow(config: LLMConfig, *, began: bool, partial: str) -> LLMError:
    hint = "Ask again, or raise llm.timeout_seconds for a slow model."
    if not began:
        return LLMError(f"{address(config)} did not answer in time.", hint=hint, transient=True)
    message = f"{address(config)} sent nothing more for {config.timeout_seconds:g} seconds."
    return LLMError(message, hint=hint, partial=partial, transient=True)


def missing_key(config: LLMConfig) -> LLMError:
    return LLMError(
        f"No key for {address(config)}: the environment variable {config.api_key_env} is not set.",
        hint=f"export {config.api_key_env}=...",
    )


def cut_off(config: LLMConfig, *, partial: str) -> LLMError:
    where = "before its end" if partial else "before its first word"
    return LLMError(
        f"The answer of {address(config)} broke off {where}.",
        hint="Ask again; if it stays so, check that llm.base_url is right (it ends in /v1 for most servers).",
        partial=partial,
        transient=True,
    )


def empty_answer(config: LLMConfig) -> LLMError:
    return LLMError(
        f"{config.model} gave an empty answer.",
        hint="Put it in other words, or use another llm.model.",
    )


def address(config: LLMConfig) -> str:
    """The endpoint as messages name it: without a user name or password."""
    if config.base_url == "local":
        return "the local LLM server"
    parts = urlsplit(config.base_url)
    return (
        f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else config.base_url
    )


def _status_error(error: APIStatusError, server: str, config: LLMConfig, detail: str) -> LLMError:
    status = error.status_code
    if status in (401, 403):
        variable = config.api_key_env
        hint = (
            f"Check the key in {variable}."
            if variable
            else "Set llm.api_key_env to the variable that holds it."
        )
        return LLMError(f"{server} refused the key (HTTP {status}).", hint=hint, hopeless=True)
    if status == 404:
        return LLMError(
            f"{server} does not know the model {config.model!r}, or the address is wrong (HTTP 404).",
            hint="Correct llm.model, or llm.base_url (it ends in /v1 for most servers).",
            hopeless=True,
        )
    if status == 429:
        return LLMError(
            f"{server} takes no more requests for now (HTTP 429).",
            hint="Wait a minute and ask again, or check your quota.",
            transient=True,
            retry_after=_retry_after(error),
        )
    if status >= 500:
        return LLMError(
            f"{server} failed (HTTP {status}): {detail}.",
            hint="Ask again, or read the server's log.",
            transient=True,
            retry_after=_retry_after(error),
        )
    return LLMError(
        f"{server} refused the request (HTTP {status}): {detail}.",
        hint="Check the [llm] settings: ragcli config show",
    )


def _retry_after(error: APIStatusError) -> float | None:
    """Seconds from the Retry-After header, which holds seconds or a date (RFC 9110); None without one."""
    text = error.response.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _one_line(error: Exception, key: str) -> str:
    text = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", getattr(error, "message", "") or str(error)).strip(" .")
    text = text.replace(key, "***") if len(key) > 4 else text
    return text if len(text) <= LONGEST_DETAIL else f"{text[:LONGEST_DETAIL]}..."
