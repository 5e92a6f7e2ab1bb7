"""A conversation as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ragcli.chat.turns import Exchange
from ragcli.reporting import plain_text as words
from ragcli.types import Answer

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_ACTIVE = re.compile(r"(?:!(?=\[)|<(?=[A-Za-z/!?]))")
UNANSWERED = {"stopped": "Stopped before there was an answer.", "failed": "The answer failed."}


def transcript(exchanges: Sequence[Exchange]) -> str:
    """The whole conversation. Stopped or failed answers are marked as such, without their partial text."""
    return (
        "\n".join(["# Conversation", *(line for exchange in exchanges for line in _lines(exchange))]) + "\n"
    )


def _lines(exchange: Exchange) -> Iterator[str]:
    yield f"\n## {words.markdown_literal(exchange.question)}\n"
    if exchange.asked != exchange.question:
        yield f"Asked as: {words.markdown_literal(exchange.asked)}\n"
    if exchange.answer is None:
        yield f"*{UNANSWERED[exchange.outcome]}*"
    else:
        yield from _answer(exchange.answer)


def _answer(answer: Answer) -> Iterator[str]:
    yield inert(answer.text)
    if answer.cut_off:
        yield "\n*Cut off: the LLM reached its limit before it was done.*"
    if answer.citations:
        yield ""
    for citation in sorted(answer.citations, key=lambda citation: citation.number):
        yield f"- \\[{citation.number}\\] {words.markdown_literal(words.citation_place(citation))}"
    yield f"\n*{words.markdown_literal(answer.model)}*"


def inert(text: str) -> str:
    """An LLM's Markdown without images and HTML, which a viewer would load and interpret; code stays."""
    parts = _CODE.split(words.clean(text).strip())
    return "".join(
        part if index % 2 else _ACTIVE.sub(lambda match: "\\" + match.group(), part)
        for index, part in enumerate(parts)
    )
