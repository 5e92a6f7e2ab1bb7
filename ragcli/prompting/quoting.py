"""A small LLM answers by quoting: how the quotation begins, where it ends, and what the answer is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from ragcli.config import LLMConfig, PromptingConfig
from ragcli.prompting.abstention import NO_ANSWER
from ragcli.prompting.fencing import one_line
from ragcli.text.sentences import split_sentences
from ragcli.types import Passage

LEAD = 'The context says: "'
"""The assistant's first words, written for it: a model of 135M parameters then continues with a sentence from
the context, which it would otherwise make up.
"""

_END_MARKS = ('"\n', '" ', "\n")
"""Where the quotation ends; after it a small model rambles. The quotation mark is not enough by itself: a
server that does not continue the given words begins with its own mark.
"""

NEAR = 0.8
"""A quotation of a sentence has at least this share of its characters from it."""

SHORTEST_RUN = 4
"""Any sentence contains single letters in the right order."""

_CLOSED = re.compile(r"\"(?=\s|\Z)|\n")
_OPENING = re.compile(rf"\A\s*(?:{re.escape(LEAD[:-1])})?\"?\s*")
_OPENED = re.compile(rf"\A\s*(?:{re.escape(LEAD[:-1])})?\"")
_NUMBERS = re.compile(r"(?:\d[\d.]*[,;\s]+){8,}\d*[.…]*\s*\Z")
_LIST_MARK = re.compile(r"\A(?:[-*•]|\d{1,2}[.)])\s+(?=\S)")


def is_begun(config: PromptingConfig, llm: LLMConfig) -> bool:
    """Whether the prompt ends in the first words of the answer: if the embedded LLM quotes.

    Its server continues these words. Others may begin again, refuse them, or reply to them, and they do not
    say which.
    """
    return config.style == "sentences" and llm.embedded


def stop_marks(config: PromptingConfig) -> tuple[str, ...]:
    """Where the text of an LLM that continues a quotation ends; nothing if it is not asked to quote."""
    return _END_MARKS if config.style == "sentences" else ()


def quotable(passage: Passage) -> str:
    """A passage as one line of the context: no line break, bullet or mark that would end a quotation."""
    title, text = (one_line(part).replace('"', "'") for part in (passage.candidate.chunk.title, passage.text))
    text = _LIST_MARK.sub("", text)
    return f"{title}: {text}" if title else text


def quotation(text: str, passages: Sequence[Passage], *, begun: bool = True) -> str:
    """The sentences of `passages` that the LLM quoted, as in the documents: a small LLM leaves out words,
    even a "never".

    Text that quotes none of them is not an answer: then NO_ANSWER. `begun`: the prompt opened the quotation.
    If neither the prompt nor the LLM opened one, the text is the LLM's own and does not change. Empty if it
    wrote only marks.
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
    stored = [passage.text[slice(*span)] for passage in passages for span in split_sentences(passage.text)]
    found = [_nearest(body[start:end], stored) for start, end in split_sentences(body)]
    return " ".join(dict.fromkeys(filter(None, found))) or NO_ANSWER


def _nearest(quote: str, stored: Sequence[str]) -> str:
    """The stored sentence with most of the quote, on one line; empty if none has enough of it."""
    lines = [_LIST_MARK.sub("", one_line(sentence)) for sentence in stored]
    shares = [_share_held(quote, line.replace('"', "'")) for line in lines]
    best = max(range(len(lines)), key=lambda i: (shares[i], -len(lines[i])), default=None)
    return lines[best] if best is not None and shares[best][0] >= NEAR else ""


def _share_held(quote: str, sentence: str) -> tuple[float, float]:
    """The share of the quote's characters in longer runs of the sentence; then how similar the two are."""
    matcher = SequenceMatcher(None, sentence.lower(), quote.lower(), autojunk=False)
    shortest = min(SHORTEST_RUN, len(quote))
    held = sum(run.size for run in matcher.get_matching_blocks() if run.size >= shortest)
    return held / len(quote), matcher.ratio()


def runs_on(text: str) -> bool:
    """Whether the text ends in a list of numbers such as "80, 81, 82, 84": an LLM that keeps counting."""
    return bool(_NUMBERS.search(text))
