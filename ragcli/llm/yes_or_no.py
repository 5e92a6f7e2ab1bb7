"""How surely an LLM says yes: the probabilities of its first token, which the embedded server tells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragcli.types import Message

if TYPE_CHECKING:
    from openai import OpenAI

LOOKED_AT = 20
"""Tokens whose probabilities are asked for: "Yes" and " yes" are two."""


def probability_of_yes(client: OpenAI, model: str, messages: Sequence[Message]) -> float:
    """P(yes) / (P(yes) + P(no)); 1 where neither is among the likely first tokens: that says nothing."""
    response = client.chat.completions.create(
        model=model,
        messages=[{"role": message.role, "content": message.content} for message in messages],  # type: ignore[misc]
        max_tokens=1,
        temperature=0.0,
        logprobs=True,
        top_logprobs=LOOKED_AT,
    )
    told = response.choices[0].logprobs
    found = {"yes": 0.0, "no": 0.0}
    for first in (told.content or [])[:1] if told else []:
        for token in first.top_logprobs:
            word = token.token.strip().lower()
            if word in found:
                found[word] += math.exp(token.logprob)
    total = sum(found.values())
    return found["yes"] / total if total else 1.0
