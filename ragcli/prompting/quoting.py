"""A small LLM answers by quoting: how the quotation begins, where it ends, what the answer is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from ragcli.config import LLMConfig, PromptingConfig
from ragcli.prompting.abstention import NO_ANSWER
from ragcli.prompting.fencing import one_line
from ragcli.prompting.selection import introduces
from ragcli.text.sentences import split_sentences
from ragcli.types import Passage

LEAD = 'The context says: "'
"""The assistant's first words, written for it: a model of 135M parameters then goes on with a sentence of the
context, where it would otherwise make one up.
"""

_END_MARKS = ('"\n', '" ', "\n")
"""Where the quotation is over; after it such a model rambles. The quotation mark does not stand alone: a
server that does not go on with the words it is given begins with a mark of its own.
"""

NEAR = 0.8
"""What quotes a sentence has at least this share of its characters from there."""

SHORTEST_RUN = 4
"""Single letters in the right order are found in any sentence."""

_CLOSED = re.compile(r"\"(?=\s|\Z)|\n")
_OPENING = re.compile(rf"\A\s*(?:{re.escape(LEAD[:-1])})?\"?\s*")
_OPENED = re.compile(rf"\A\s*(?:{re.escape(LEAD[:-1])})?\"")
_NUMBERS = re.compile(r"(?:\d[\d.]*[,;\s]+){8,}\d*[.…]*\s*\Z")
_LIST_MARK = re.compile(r"\A(?:[-*•]|\d{1,2}[.)])\s+(?=\S)")


def is_begun(config: PromptingConfig, llm: LLMConfig) -> bool:
    """Whether the prompt ends in the first words of the answer: where one is quoted by the embedded LLM.

    Its server goes on with these words. Others may begin again, refuse them, or answer to them, and none says
    which of these it does.
    """
    return config.style == "sentences" and llm.embedded


def stop_marks(config: PromptingConfig) -> tuple[str, ...]:
    """Where the text of an LLM ends that goes on with a quotation; nothing where it is not asked to quote."""
    return _END_MARKS if config.style == "sentences" else ()


def quotable(passage: Passage) -> str:
    """A passage as one line of the context: no line break, bullet or mark that would end a quotation."""
    title, text = (one_line(part).replace('"', "'") for part in (passage.candidate.chunk.title, passage.text))
    text = _LIST_MARK.sub("", text)
    return f"{title}: {text}" if title else text


def quotation(text: str, passages: Sequence[Passage], *, begun: bool = True) -> str:
    """The sentences of `passages` that the LLM quoted, as the documents have them: a small LLM leaves words
    out, a "never" among them.

    What quotes none of them is no answer: then NO_ANSWER. `begun`: the prompt opened the quotation. Where it
    did not and the LLM did not either, its words are its own, and stay as they are. Empty where it wrote
    nothing but marks.
    """
    if not begun and not _OPENED.match(text):
        return text.strip()
    body = text[match.end() :] if (match := _OPENING.match(text)) else text
    body = _CLOSED.split(body, maxsplit=1)[0].strip()
    titles = {one_line(passage.candidate.chunk.title).replace('"', "'") for passage in passages} - {""}
    if titles:
        # An LLM that quotes two lines of the context may repeat the second title between them.
        names = "|".join(re.escape(title) for title in sorted(titles, key=len, reverse=True))
        body = re.sub(rf"(?:\A|(?<=[.!?] ))(?:{names}): (?=\S)", "", body, flags=re.IGNORECASE)
    body = _LIST_MARK.sub("", body)
    if not body:
        return ""
    stored = [unit for passage in passages for unit in _units(passage.text)]
    quoted = [_nearest(body[start:end], stored) for start, end in split_sentences(body)]
    found = list(dict.fromkeys(filter(None, quoted)))
    return (
        " ".join(one for one in found if not any(one in other for other in found if other != one))
        or NO_ANSWER
    )


def _units(text: str) -> Iterator[str]:
    """What can be quoted: each sentence on a line; one that introduces others with these."""
    lines = [one_line(text[slice(*span)]) for span in split_sentences(text)]
    for index, line in enumerate(lines):
        end = index + 1
        while introduces(line) and end < len(lines) and (end == index + 1 or _LIST_MARK.match(lines[end])):
            end += 1
        yield "\n".join((_LIST_MARK.sub("", line), *lines[index + 1 : end]))


def _nearest(quote: str, stored: Sequence[str]) -> str:
    """Of what is stored, that which holds most of the quote; empty where none holds enough of it."""
    shares = [_share_held(quote, unit.replace("\n", " ").replace('"', "'")) for unit in stored]
    best = max(range(len(stored)), key=lambda i: (shares[i], -len(stored[i])), default=None)
    return stored[best] if best is not None and shares[best][0] >= NEAR else ""


def _share_held(quote: str, sentence: str) -> tuple[float, float]:
    """How much of the quote's characters the sentence holds in longer runs; then how alike the two are."""
    matcher = SequenceMatcher(None, sentence.lower(), quote.lower(), autojunk=False)
    shortest = min(SHORTEST_RUN, len(quote))
    held = sum(run.size for run in matcher.get_matching_blocks() if run.size >= shortest)
    return held / len(quote), matcher.ratio()


def runs_on(text: str) -> bool:
    """Whether the text ends in a list of numbers such as "80, 81, 82, 84": an LLM that counts on and on."""
    return bool(_NUMBERS.search(text))
