"""Keeps a model's reasoning apart from its answer, also while both are being written.

Servers that know their model send the two in different fields. Others send the model's text as it is, with
the marks of its chat template in it:

    <think>The second passage is about leave.</think>Three months.
    <|channel|>analysis<|message|>It is ...<|end|><|start|>assistant<|channel|>final<|message|>Three months.

An opening mark counts only before the answer: later it is part of the answer's text. Some templates
write the opening mark into the prompt, so a closing one alone can end the reasoning too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MARKS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",
    "[think]": "[/think]",
    "◁think▷": "◁/think▷",
    "<|start_thinking|>": "<|end_thinking|>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|channel>thought": "<channel|>",
}
"""What begins the reasoning of a model, and what ends it; in lower case, and matched in any case."""

RESTART = "\f"
"""Says that the text so far was not the answer, which begins again. No answer contains it."""

_CHANNELS = ("<|channel|>", "<|start|>")
"""Either begins a text in OpenAI's harmony format. The channel "final" is the answer, the others are not."""

_OPENERS = (*MARKS, *_CHANNELS)
_CLOSERS = tuple(MARKS.values())
_CHANNEL_ENDS = tuple(f"<|{name}|>" for name in ("channel", "end", "return", "call", "start"))
_EDGES = re.compile(r"[<>\[\]◁▷|]")
_LONGEST_MARK = 24

_MESSAGE = re.compile(
    r"(?:<\|channel\|>\s*(?P<channel>\w*)[^<]*(?:<\|constrain\|>[^<]*)?)?<\|message\|>"
    r"(?P<text>.*?)(?=<\|(?:channel|end|return|call|start)\|>|\Z)",
    re.DOTALL,
)
# The same without its control tokens, since some servers leave them out.
_BARE_CHANNELS = re.compile(r"\Aanalysis(?P<reasoning>\S.*?)assistantfinal(?P<answer>.*)\Z", re.DOTALL)
_CLOSER = re.compile("|".join(map(re.escape, _CLOSERS)), re.IGNORECASE)
# A closing mark inside a sentence is part of its text.
_ENDS_BEFORE = re.compile(r"(?:\A|\n|[.!?:)\]\"”…。])[^\S\n]*\Z")
_BEGINS_AFTER = re.compile(r"[^\S\n]*(?:\n|\Z)|\w|[*#\[]")
_WRAPPING = re.compile(r"\A(?:\s|<\|begin_of_solution\|>|<\|START_RESPONSE\|>)+")
_ENDS = (
    *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>", "<|end|>", "<|return|>"),
    *("</s>", "<end_of_turn>", "<|end_of_solution|>", "<|end_response|>"),
)
"""What may follow an answer if a server also sends the control tokens of its model."""

_END_OF_TEXT = re.compile(rf"(?:\s*(?:{'|'.join(map(re.escape, _ENDS))}))+\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parts:
    """`thinks`: the reasoning has begun but not ended."""

    reasoning: str
    answer: str
    thinks: bool = False


class Splitter:
    """Takes the text of one answer as it arrives; `parts` are its parts so far.

    Text that may be the beginning of a mark is in neither part until more arrives.
    """

    def __init__(self) -> None:
        self.parts = Parts("", "")
        self._whole = ""

    def feed(self, text: str) -> str:
        """What this adds to the answer; after RESTART, if everything before was reasoning after all."""
        before, tail = self.parts, self._whole[-_LONGEST_MARK:]
        self._whole += text
        if before.answer and not _EDGES.search(tail + text):
            # No mark can end here, so a long text is not searched again for each of its parts.
            self.parts = Parts(before.reasoning, before.answer + text)
        elif before.thinks and not _EDGES.search(tail + text):
            self.parts = Parts(before.reasoning + text, "", thinks=True)
        else:
            self.parts = split(self._whole, done=False)
        return _added(before.answer, self.parts.answer)

    def finish(self) -> str:
        """What the end adds to the answer: everything that was held back in case more came."""
        before = self.parts
        self.parts = split(self._whole, done=True)
        return _added(before.answer, self.parts.answer)


def split(text: str, *, done: bool) -> Parts:
    """What a model wrote, as reasoning and answer. Not `done`: more of it may come."""
    if text.lstrip().startswith(_CHANNELS):
        return _of_channels(text, done)
    if bare := _BARE_CHANNELS.match(text):
        return Parts(bare["reasoning"].strip(), bare["answer"].lstrip())
    thoughts: list[str] = []
    rest = text
    while True:
        rest = _WRAPPING.sub("", rest)
        if opener := _opener_of(rest):
            found = re.compile(re.escape(MARKS[opener]), re.IGNORECASE).search(rest, len(opener))
            if found is None:
                open_end = rest[len(opener) :]
                thoughts.append(open_end if done else _without_beginning(open_end, (MARKS[opener],)))
                return Parts(_joined(thoughts), "", thinks=True)
            thoughts.append(rest[len(opener) : found.start()])
        elif found := _late_end(rest, done):
            thoughts.append(rest[: found.start()])
        else:
            break
        rest = rest[found.end() :]
    if done:
        return Parts(_joined(thoughts), _END_OF_TEXT.sub("", rest))
    if any(opener.startswith(rest.lower()) for opener in _OPENERS):
        return Parts(_joined(thoughts), "")
    return Parts(_joined(thoughts), _without_beginning(rest, (*_CLOSERS, *_ENDS)))


def _of_channels(text: str, done: bool) -> Parts:
    thoughts: list[str] = []
    answer = channel = ""
    text = text if done else _without_beginning(text, _CHANNEL_ENDS)
    for message in _MESSAGE.finditer(text):
        channel = message["channel"] or "final"
        if channel == "final":
            answer += message["text"]
        else:
            thoughts.append(message["text"])
    return Parts(_joined(thoughts), answer.lstrip(), thinks=channel not in ("", "final"))


def _opener_of(text: str) -> str:
    start = text[:_LONGEST_MARK].lower()
    return next((opener for opener in MARKS if start.startswith(opener)), "")


def _late_end(text: str, done: bool) -> re.Match[str] | None:
    """A closing mark whose opening one was not sent."""
    for closer in _CLOSER.finditer(text):
        before, after = text[: closer.start()], text[closer.end() :]
        if not done and not after.strip(" \t"):
            return None
        opener = next(opener for opener, end in MARKS.items() if end == closer.group().lower())
        quoted = opener in before.lower() or before.count("`") % 2
        if not quoted and (_ENDS_BEFORE.search(before) or _BEGINS_AFTER.match(after)):
            return closer
    return None


def _without_beginning(text: str, marks: tuple[str, ...]) -> str:
    """Without an end that may begin a mark. A complete mark counts as well: what follows decides."""
    tail = text[-_LONGEST_MARK:].rstrip(" \t").lower()
    for start in range(len(tail)):
        if any(mark.startswith(tail[start:]) for mark in marks):
            return text[: len(text) - len(text[-_LONGEST_MARK:]) + start]
    return text


def _joined(thoughts: list[str]) -> str:
    return "\n\n".join(filter(None, (thought.strip() for thought in thoughts)))


def _added(before: str, after: str) -> str:
    return after[len(before) :] if after.startswith(before) else RESTART + after
