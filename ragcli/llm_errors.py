"""What a server's failure means to the user: one line, and the change that mends it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ragcli.config import LLMConfig
from ragcli.endpoints import retry_after as _retry_after
from ragcli.errors import ConfigError, LLMError
from ragcli.redaction import redact

if TYPE_CHECKING:
    from openai import APIStatusError

LONGEST_DETAIL = 200
NO_QUOTA = "insufficient_quota"

# OpenAI and vLLM: "maximum context length is 4096 tokens"; llama.cpp: "exceeds the available context size
# (4096 tokens)" with type exceed_context_size_error; others: "prompt is too long", "context window".
_TOO_LONG = re.compile(
    r"context[_ ](?:length|size|window)|prompt is too long|too many (?:input )?tokens", re.IGNORECASE
)
_WINDOW = re.compile(r"context[_ ](?:length|size|window)[^\d.;]{0,24}(\d{3,9})\b|\bn_ctx\D{1,6}(\d{3,9})\b")


def as_llm_error(error: Exception, config: LLMConfig, *, began: bool, partial: str) -> LLMError:
    """The LLMError for what the client raised; `began` once the server has accepted the request.

    Neither message nor hint ever holds a key that was read.
    """
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    server = address(config)
    detail = _one_line(getattr(error, "message", "") or str(error))
    if isinstance(error, APITimeoutError):
        return _too_slow(config, began=began, partial=partial)
    if isinstance(error, APIStatusError):
        return _status_error(error, server, config, detail)
    if isinstance(error, APIConnectionError):
        if began:
            return cut_off(config, partial=partial)
        hint = "Start the server, or correct llm.base_url."
        message = f"Nothing answers at {server}: {_first_cause(error)}."
        return LLMError(message, hint=hint, transient=True, hopeless=True)
    if isinstance(error, ValueError | RecursionError):
        return LLMError(
            f"{server} sent something that is not an answer: {detail}.",
            hint="Check llm.base_url: it ends in /v1 for most servers.",
            partial=partial,
        )
    if too_long := _too_long(error, config, partial=partial):
        return too_long
    hint = "Ask again, or read the server's log."
    return LLMError(f"{server} reported an error: {detail}.", hint=hint, partial=partial, transient=True)


def _too_slow(config: LLMConfig, *, began: bool, partial: str) -> LLMError:
    hint = "Ask again, or raise llm.timeout_seconds for a slow model."
    if not began:
        return LLMError(f"{address(config)} did not answer in time.", hint=hint, transient=True)
    more = "more " if partial else ""
    message = f"{address(config)} sent nothing {more}for {config.timeout_seconds:g} seconds."
    return LLMError(message, hint=hint, partial=partial, transient=True)


def missing_key(config: LLMConfig) -> LLMError:
    return LLMError(
        f"No key for {address(config)}: the environment variable {config.api_key_env} is not set.",
        hint=f"export {config.api_key_env}=...",
    )


def unusable_key(config: LLMConfig) -> LLMError:
    return LLMError(
        f"The key in {config.api_key_env} holds characters that no key has, such as a line break.",
        hint=f"Set {config.api_key_env} anew.",
    )


def cut_off(config: LLMConfig, *, partial: str) -> LLMError:
    where = "before its end" if partial else "before its first word"
    return LLMError(
        f"The answer of {address(config)} broke off {where}.",
        hint="Ask again; if it stays so, check that llm.base_url is right (it ends in /v1 for most servers).",
        partial=partial,
        transient=True,
    )


def empty_answer(config: LLMConfig, *, at_limit: bool) -> LLMError:
    """`at_limit`: all tokens were spent without a word, as models do that think first."""
    if at_limit:
        return LLMError(
            f"{config.model} used all {config.answer_tokens} tokens of its answer before its first word.",
            hint="Raise llm.answer_tokens: a model that thinks first needs more of them.",
        )
    return LLMError(
        f"{config.model} gave an empty answer.",
        hint="Put it in other words, or use another llm.model.",
    )


def endless_answer(config: LLMConfig, *, partial: str) -> LLMError:
    return LLMError(
        f"{address(config)} goes on far beyond the {config.answer_tokens} tokens that it was asked for.",
        hint="Raise llm.answer_tokens for long answers; else the server may not heed max_tokens.",
        partial=partial,
    )


def filtered_answer(config: LLMConfig, *, partial: str) -> LLMError:
    return LLMError(
        f"{address(config)} stopped the answer: its content filter.",
        hint="Put it in other words, or use another llm.model.",
        partial=partial,
    )


def check_address(config: LLMConfig) -> None:
    """Raises ConfigError, which never shows what it may be: it can hold a password."""
    if config.base_url == "local":
        return
    try:
        parts = urlsplit(config.base_url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in config.base_url):
        raise ConfigError(
            "llm.base_url is no http or https address.",
            hint="For instance http://localhost:11434/v1; local names the embedded LLM.",
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
    if 300 <= status < 400:
        return LLMError(
            f"{server} points to another address (HTTP {status}), and ragcli asks only the one you name.",
            hint="Put the address that is meant into llm.base_url; perhaps it begins with https.",
            hopeless=True,
        )
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
        return _too_many(error, server)
    if status >= 500:
        return LLMError(
            f"{server} failed (HTTP {status}): {detail}.",
            hint="Ask again, or read the server's log.",
            transient=True,
            retry_after=_retry_after(error),
        )
    if too_long := _too_long(error, config, partial=""):
        return too_long
    return LLMError(
        f"{server} refused the request (HTTP {status}): {detail}.",
        hint="Check the [llm] settings: ragcli config show",
    )


def _too_many(error: APIStatusError, server: str) -> LLMError:
    """A limit of requests passes; a quota that is used up does not."""
    if error.code == NO_QUOTA:
        return LLMError(
            f"{server} takes no more requests: the quota is used up (HTTP 429).",
            hint="Check the account's plan and bill, or name another server: llm.base_url.",
            hopeless=True,
        )
    retry_after = _retry_after(error)
    wait = "a minute" if retry_after is None else f"{retry_after:.0f} seconds"
    return LLMError(
        f"{server} takes no more requests for now (HTTP 429).",
        hint=f"Wait {wait} and ask again, or check your quota.",
        transient=True,
        retry_after=retry_after,
    )


def _too_long(error: Exception, config: LLMConfig, *, partial: str) -> LLMError | None:
    """The error for a prompt that the model's window does not hold; None where this is not what happened."""
    said = f"{error} {getattr(error, 'body', '')}"
    if not _TOO_LONG.search(said):
        return None
    found = _WINDOW.search(said)
    window = next((number for number in found.groups() if number), "") if found else ""
    return LLMError(
        f"The prompt is too long for the window of {config.model} at {address(config)}"
        + (f": {window} tokens." if window else "."),
        hint=f"Set llm.context_tokens (now {config.context_tokens}) to {window or 'that window'} or less.",
        partial=partial,
    )


def _first_cause(error: BaseException) -> str:
    """What the system said: "Connection refused", "Name or service not known", a certificate's fault."""
    while error.__cause__ is not None:
        error = error.__cause__
    return _one_line(str(error) or type(error).__name__)


def _one_line(text: str) -> str:
    text = redact(re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip(" ."), {})
    return text if len(text) <= LONGEST_DETAIL else f"{text[:LONGEST_DETAIL]}..."
