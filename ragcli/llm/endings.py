"""Why an answer ended, for the words of various servers: it is complete, cut off, or not an answer.

OpenAI, vLLM, llama.cpp, Ollama, Mistral and DeepSeek say "stop" and "length"; text-generation-inference
"eos_token" and "stop_sequence"; proxies for Anthropic's models "end_turn" and "max_tokens", of
Google's "STOP" and "MAX_TOKENS", of Cohere's "COMPLETE"; Together "eos". Each has its own words for
failures.
"""

from __future__ import annotations

from typing import Literal

Ending = Literal["whole", "cut off", "failed"]

_WHOLE = {"stop", "eos", "eos_token", "stop_sequence", "stop_token", "end_turn", "complete", "completed"}
_CUT_OFF = {
    *("length", "max_tokens", "max_length", "model_length", "token_limit", "max_output_tokens"),
    *("max_new_tokens", "max_completion_tokens", "context_length", "model_context_window_exceeded"),
}
_NOT_YET = {"", "null", "none"}
_FILTERED = {"content_filter", "safety", "sensitive", "recitation", "blocklist", "prohibited_content", "spii"}
_TOOLS = {"tool_calls", "tool_call", "tool_use", "function_call"}


def plain(reason: str | None) -> str | None:
    """In lower case, without a prefix ("FinishReason.STOP"); None if there is none."""
    word = (reason or "").strip().rpartition(".")[2].lower().replace("-", "_").replace(" ", "_")
    return None if word in _NOT_YET else word


def ending(reason: str) -> Ending:
    """For a plain reason. A reason that is not known to end an answer properly is a failure."""
    if reason in _WHOLE:
        return "whole"
    return "cut off" if reason in _CUT_OFF else "failed"


def meaning(reason: str) -> str:
    """What the reason for a failure means; "" if it must speak for itself."""
    if reason in _FILTERED:
        return "its content filter"
    return "it wants to call a tool, and there is none" if reason in _TOOLS else ""
