"""What a failure of the LLM's server means for the user: one line, and what to do about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragcli.config import LLMConfig
from ragcli.errors import LLMError
from ragcli.llm import endings
from ragcli.servers.addresses import address_of, check_url
from ragcli.servers.refusals import message_of, said, short
from ragcli.servers.statuses import Meaning, Service, key_hint

if TYPE_CHECKING:
    from openai import APIStatusError

EXAMPLE = "http://localhost:11434/v1; local names the embedded LLM"
NO_QUOTA = "insufficient_quota"
UNKNOWN_MODEL = Meaning(
    "{server} does not know the model {model}, or the address is wrong{detail}",
    "Correct llm.model, or {url} (it ends in /v1 for most servers).",
    hopeless=True,
)
MAY_BE_TOO_LONG = frozenset(range(400, 500)) - {401, 403, 404, 429}

# OpenAI and vLLM: "maximum context length is 4096 tokens"; llama.cpp: "exceeds the available context size
# (4096 tokens)" with type exceed_context_size_error; others: "prompt is too long", "context window".
_TOO_LONG = re.compile(
    r"context[_ ](?:length|size|window)|prompt is too long|too many (?:input )?tokens", re.IGNORECASE
)
_WINDOW = re.compile(r"context[_ ](?:length|size|window)[^\d.;]{0,24}(\d{3,9})\b|\bn_ctx\D{1,6}(\d{3,9})\b")


def as_llm_error(error: Exception, config: LLMConfig, *, began: bool, partial: str) -> LLMError:
    """The LLMError for an exception of the client; `began`: the server has accepted the request.

    Neither message nor hint ever contains a key that was read.
    """
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, APITimeoutError):
        return _too_slow(config, began=began, partial=partial)
    if isinstance(error, APIStatusError):
        return _status_error(error, config)
    if isinstance(error, APIConnectionError):
        if began:
            return cut_off(config, partial=partial)
        hint = "Start the server, or correct llm.base_url."
        message = f"Nothing answers at {address(config)}: {_first_cause(error)}."
        return LLMError(message, hint=hint, transient=True, hopeless=True)
    if isinstance(error, ValueError | RecursionError):
        return LLMError(
            f"{address(config)} sent something that is not an answer: {message_of(error)}.",
            hint="Check llm.base_url: it ends in /v1 for most servers.",
            partial=partial,
        )
    if too_long := _too_long(error, config, partial=partial):
        return too_long
    return reported(short(said(getattr(error, "body", None))) or message_of(error), config, partial=partial)


def reported(words: str, config: LLMConfig, *, partial: str) -> LLMError:
    """The server says instead of an answer, or in the middle of one, that it failed."""
    hint = "Ask again, or read the server's log."
    message = f"{address(config)} reported an error: {words}."
    return LLMError(message, hint=hint, partial=partial, transient=True)


def _too_slow(config: LLMConfig, *, began: bool, partial: str) -> LLMError:
    hint = "Ask again, or raise llm.timeout_seconds for a slow model."
    if not began:
        return LLMError(f"{address(config)} did not answer in time.", hint=hint, transient=True)
    more = "more " if partial else ""
    message = f"{address(config)} sent nothing {more}for {config.timeout_seconds:g} seconds."
    return LLMError(message, hint=hint, partial=partial, transient=True)


def cut_off(config: LLMConfig, *, partial: str) -> LLMError:
    where = "before it was complete" if partial else "before its first word"
    return LLMError(
        f"The answer of {address(config)} broke off {where}.",
        hint="Ask again; if it happens again, check llm.base_url (it ends in /v1 for most servers).",
        partial=partial,
        transient=True,
    )


def empty_answer(config: LLMConfig, *, at_limit: bool, thought: bool) -> LLMError:
    """`at_limit`: all tokens were used without a word, as happens with models that `thought` first."""
    if at_limit:
        spent = "on its reasoning, and wrote no answer" if thought else "before its first word"
        return LLMError(
            f"{config.model} used all {config.answer_tokens} tokens of its answer {spent}.",
            hint="Raise llm.answer_tokens: a model that thinks first needs more of them.",
        )
    if thought:
        return LLMError(
            f"{config.model} wrote its reasoning but no answer.",
            hint="Ask again, raise llm.answer_tokens, or use another llm.model.",
        )
    return LLMError(
        f"{config.model} gave an empty answer.",
        hint="Rephrase the question, or use another llm.model.",
    )


def endless_answer(config: LLMConfig, *, partial: str) -> LLMError:
    return LLMError(
        f"{address(config)} sent far more than the {config.answer_tokens} tokens that were asked for.",
        hint="Raise llm.answer_tokens if your answers are long; if not, the server may ignore max_tokens.",
        partial=partial,
    )


def stopped_answer(config: LLMConfig, reason: str, *, partial: str) -> LLMError:
    """For a plain reason that is neither the end of the answer nor its limit."""
    meaning = endings.meaning(reason)
    said = f"{meaning} (finish_reason {short(reason)})" if meaning else f"finish_reason {short(reason)}"
    filtered = "filter" in meaning
    return LLMError(
        f"{address(config)} stopped the answer: {said}.",
        hint="Rephrase the question, or use another llm.model."
        if filtered or meaning
        else "Ask again, or read the server's log.",
        partial=partial,
        transient=not meaning,
    )


def declined(config: LLMConfig, refusal: str) -> LLMError:
    """The model refused in the field that the protocol has for it."""
    return LLMError(
        f"{config.model} declined to answer: {short(refusal)}.",
        hint="Rephrase the question, or use another llm.model.",
    )


def check_address(config: LLMConfig) -> None:
    """Raises ConfigError, which never shows the value: it can contain a password."""
    if not config.embedded:
        check_url("llm.base_url", config.base_url, EXAMPLE)


def address(config: LLMConfig) -> str:
    """The endpoint as messages name it: without a user name or password."""
    return "the local LLM server" if config.embedded else address_of(config.base_url)


def _status_error(error: APIStatusError, config: LLMConfig) -> LLMError:
    """A limit of requests passes; a quota that is used up does not."""
    if error.status_code == 429 and error.code == NO_QUOTA:
        return LLMError(
            f"{address(config)} accepts no more requests: the quota is used up (HTTP 429).",
            hint="Check the account's plan and billing, or name another server: llm.base_url.",
            hopeless=True,
        )
    if error.status_code in MAY_BE_TOO_LONG and (too_long := _too_long(error, config, partial="")):
        return too_long
    service = Service(
        server=address(config),
        url="llm.base_url",
        key=key_hint("llm", config.api_key_env),
        refused="Check the [llm] settings: ragcli config show. llm.extra removes what a server refuses.",
        own={404: UNKNOWN_MODEL},
        values={"model": repr(config.model)},
    )
    return service.failure(error, LLMError)


def is_too_long(error: Exception) -> bool:
    """Whether the prompt is too long for the model's window."""
    return bool(_TOO_LONG.search(_all_said(error)))


def _all_said(error: Exception) -> str:
    response = getattr(error, "response", None)
    return f"{error} {getattr(error, 'body', '')} {response.text if response is not None else ''}"


def _too_long(error: Exception, config: LLMConfig, *, partial: str) -> LLMError | None:
    """The error for a prompt that is too long for the model's window; None if that is not the reason."""
    if not is_too_long(error):
        return None
    found = _WINDOW.search(_all_said(error))
    window = next((number for number in found.groups() if number), "") if found else ""
    return LLMError(
        f"The prompt is too long for the window of {config.model} at {address(config)}"
        + (f": {window} tokens." if window else "."),
        hint=f"Set llm.context_tokens (now {config.context_tokens}) to {window or 'that window'} or less.",
        partial=partial,
    )


def _first_cause(error: BaseException) -> str:
    """The system's message: "Connection refused", "Name or service not known", a certificate error."""
    while error.__cause__ is not None:
        error = error.__cause__
    return message_of(error)
