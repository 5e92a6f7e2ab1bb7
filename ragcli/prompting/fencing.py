"""Document text is untrusted: it must not close its fence, forge a citation or write a control token."""

from __future__ import annotations

import re

from ragcli.prompting.marks import reads_as_attached
from ragcli.text.clean import INVISIBLE
from ragcli.text.printable import printable

FENCE = "passage"
"""Whole passages are between <passage ...> and </passage>."""

_FENCE_TAG = re.compile(rf"<(?=\s*/?\s*{FENCE}\b)", re.IGNORECASE)
# In the brackets that `marks` reads as citations; a run of them is one or the other.
_MARK = re.compile(r"[\[【](\s*\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\s*)[\]】]")
_MARKS = re.compile(rf"(?:{_MARK.pattern})+")
_SUBSCRIPT = re.compile(r"(?:\[\d{1,3}(?:, ?\d{1,3})*\])+")
_NAME_BEFORE = re.compile(r"[A-Za-z0-9_]\Z")
# The control tokens of the common chat templates: ChatML and Llama 3 (<|...|>), Llama 2 and Mistral ([INST],
# <<SYS>>, <s>), Gemma (<start_of_turn>), reasoning models (<think>, [THINK]).
_PIPE_TOKEN = re.compile(r"<(?=\s*[|｜])|(?<=[|｜])\s*>")
_TAG_TOKEN = re.compile(
    r"<(?=\s*/?\s*(?:s|bos|eos|pad|unk|(?:seed:)?think|thinking|thought|reasoning|tool_call|(?:start|end)_of_(?:turn|text))\s*>|<\s*/?\s*SYS\s*>>)",
    re.IGNORECASE,
)
_BRACKET_TOKEN = re.compile(
    r"\[(?=\s*/?\s*(?:INST|THINK|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\s*\])"
)


def neutralise(text: str) -> str:
    """`text` made safe for a prompt: it reads the same, but works only as text.

    Angle brackets of fences and control tokens become ‹ and ›, [3] becomes (3). A subscript that cannot be
    mistaken for a citation stays: grid[0][1].
    """
    text = INVISIBLE.sub("", printable(text))
    text = _FENCE_TAG.sub("‹", text)
    text = _PIPE_TOKEN.sub(lambda match: "‹" if "<" in match.group() else "›", text)
    text = _TAG_TOKEN.sub("‹", text)
    text = _BRACKET_TOKEN.sub("(", text)
    return _MARKS.sub(_without_marks, text)


def _without_marks(run: re.Match[str]) -> str:
    is_subscript = _SUBSCRIPT.fullmatch(run[0]) and _NAME_BEFORE.match(run.string[: run.start()][-1:])
    if is_subscript and not reads_as_attached(run.string, run.start(), run.end()):
        return run[0]
    return _MARK.sub(r"(\1)", run[0])


def one_line(text: str) -> str:
    """Neutralised, and on one line: with a line break, a document could begin a line of the prompt."""
    return " ".join(neutralise(text).split())
