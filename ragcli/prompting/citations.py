"""The passage that supports each sentence of an answer: named by the LLM, or found by shared words."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from ragcli.config import PromptingConfig
from ragcli.prompting.marks import Mark, behind_sentences, code_blocks, code_spans, find_marks
from ragcli.prompting.support import beyond, has_figures, lexical_support, only_answers, without_figures
from ragcli.text.sentences import split_sentences
from ragcli.types import Citation, Context, Passage

_ANY_MARK = re.compile(r"[\[【][\d\s,;–-]*[\]】]")
_FENCE = re.compile(r"^[^\S\n]*(?:`{3,}|~{3,}).*$", re.MULTILINE)

MIN_SUPPORT = 0.5
"""A sentence is attributed to a passage if a sentence of it has at least this share of its content words."""

MIN_SUPPORT_OF_WHOLE = 2 / 3
"""If no sentence has enough of the words, all sentences of a passage together must have this share: the more
text, the more of any claim's words it has by chance.
"""

Support = Callable[[str, str], float]
"""How far evidence (second) supports a claim (first), from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Cited:
    """`text` with its marks, `citations` by number, `unknown`: numbers that are not in the context."""

    text: str
    citations: tuple[Citation, ...]
    unknown: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """A sentence of a passage, by its offsets in the chunk's text."""

    passage: Passage
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.passage.candidate.chunk.text[self.start : self.end]


def cite(
    text: str,
    context: Context,
    config: PromptingConfig,
    support: Support = lexical_support,
    *,
    question: str = "",
) -> Cited:
    """The LLM's text with citations that resolve.

    `citations = model`: numbers that are not in the context are dropped from the text and returned. A text
    that cites nothing in the context is treated like one that was not asked to cite.
    `citations = attributed`: marks that the LLM wrote are dropped; each sentence gets the mark of the passage
    that supports it best, by one sentence or else by all together, or none if neither supports it
    enough. `question` decides between passages that support a sentence equally, and is what "Yes." and
    "No." claim. Each quote is the passage's most supporting sentence.
    """
    evidence = [item for passage in context.passages for item in _evidence(passage)]
    known = {passage.number for passage in context.passages}
    text = behind_sentences(text.strip(), known)
    if config.citations == "model":
        checked = _checked(text, evidence, known, support)
        if checked.citations:
            return checked
        return replace(_attributed(checked.text, evidence, support, question), unknown=checked.unknown)
    return _attributed(_without_marks(text, find_marks(text, known)).strip(), evidence, support, question)


def says_something(text: str) -> bool:
    """Whether there is a word or a figure besides the marks: "[1] [2]" says nothing."""
    return any(character.isalnum() for character in _ANY_MARK.sub("", text))


def _attributed(text: str, evidence: list[_Evidence], support: Support, question: str) -> Cited:
    found = _places(text, evidence, support, question)
    pieces: list[str] = []
    best: dict[int, tuple[float, _Evidence]] = {}
    end_before = 0
    for end, value, item in found:
        number = item.passage.number
        pieces += (text[end_before:end], f" [{number}]")
        end_before = end
        if number not in best or value > best[number][0]:
            best[number] = (value, item)
    pieces.append(text[end_before:])
    citations = tuple(_citation(best[number][1], attributed=True) for number in sorted(best))
    return Cited("".join(pieces), citations, ())


def _places(
    text: str, evidence: list[_Evidence], support: Support, question: str
) -> list[tuple[int, float, _Evidence]]:
    """Where the marks go, each with the support and the sentence that gives it."""
    blocks = code_blocks(text)
    code = code_spans(text)
    found = []
    for start, end in split_sentences(text):
        # Right after inline code is outside it; a mark after a block's fence would reopen the block.
        if any(first < end < last for first, last in code) or any(end == last for _, last in blocks):
            continue
        best = _best(text[start:end], evidence, support, question)
        found += [(end, *best)] if best else []
    if found or not blocks:
        return found
    # "Run this:" says nothing without the code that it leads to.
    end = len(text[: blocks[0][0]].rstrip())
    best = _best(_FENCE.sub("", text), evidence, support, question) if end else None
    return [(end, *best)] if best else []


def _best(
    claim: str, evidence: list[_Evidence], support: Support, question: str
) -> tuple[float, _Evidence] | None:
    """The support of the sentence that supports the claim best, or None if nothing supports it enough."""
    if only_answers(claim):
        claim = question
    wholes = _wholes(claim, evidence, support)
    scored = [(_supports(support, claim, question, item), item) for item in evidence]

    def order(pair: tuple[float, _Evidence]) -> tuple[float, float, float]:
        return pair[0], support(question, pair[1].text), wholes[pair[1].passage.number]

    best = max(scored, key=order, default=None)
    if best is None or best[0] >= MIN_SUPPORT:
        return best
    if has_figures(claim):  # A figure and the thing that it counts are in the same sentence.
        return None
    most = max(wholes.values())
    enough = [pair for pair in scored if MIN_SUPPORT_OF_WHOLE <= wholes[pair[1].passage.number] == most]
    return max(enough, key=order, default=None)


def _wholes(claim: str, evidence: list[_Evidence], support: Support) -> dict[int, float]:
    """How far all sentences of each passage together support the claim."""
    texts: dict[int, list[str]] = {}
    for item in evidence:
        texts.setdefault(item.passage.number, []).append(item.text)
    return {number: support(claim, " ".join(parts)) for number, parts in texts.items()}


def _supports(support: Support, claim: str, question: str, evidence: _Evidence) -> float:
    """How far the evidence supports the claim, or what the claim says beyond the question or the passage's
    location: an answer repeats their words, which the sentence may not have.
    """
    location = without_figures(evidence.passage.candidate.chunk.location)
    said = (claim, beyond(claim, question), beyond(claim, location))
    return max(support(part, evidence.text) for part in said)


def _checked(text: str, evidence: list[_Evidence], known: Collection[int], support: Support) -> Cited:
    marks = find_marks(text, known)
    pieces: list[str] = []
    claims: dict[int, str] = {}
    end_before = 0
    for place, mark in enumerate(marks):
        pieces += (text[end_before : mark.start], _rewritten(mark, known))
        end_before = mark.end
        claim = _last_sentence(_without_marks(text[: mark.start], marks[:place]))
        for number in mark.numbers:
            if number in known:
                claims.setdefault(number, claim)
    citations = []
    for number in sorted(claims):
        own = [item for item in evidence if item.passage.number == number]
        best = max(own, key=lambda item: support(claims[number], item.text))
        citations.append(_citation(best, attributed=False))
    unknown = {number for mark in marks for number in mark.numbers if number not in known}
    whole = "".join([*pieces, text[end_before:]]).strip()
    return Cited(whole, tuple(citations), tuple(sorted(unknown)))


def _rewritten(mark: Mark, known: Collection[int]) -> str:
    """The mark without unknown numbers."""
    kept = [str(number) for number in mark.numbers if number in known]
    return f"{mark.space}[{', '.join(kept)}]" if kept else ""


def _last_sentence(text: str) -> str:
    spans = split_sentences(text)
    return text[slice(*spans[-1])] if spans else text


def _without_marks(text: str, marks: Sequence[Mark]) -> str:
    for mark in reversed(marks):
        text = text[: mark.start] + text[mark.end :]
    return text


def _evidence(passage: Passage) -> list[_Evidence]:
    """The sentences of the chunk that the LLM could read; the whole text if it has none."""
    text = passage.candidate.chunk.text
    spans = [span for span in split_sentences(text) if text[slice(*span)] in passage.text]
    return [_Evidence(passage, *span) for span in spans or [(0, len(text))]]


def _citation(evidence: _Evidence, *, attributed: bool) -> Citation:
    chunk = evidence.passage.candidate.chunk
    line_start, line_end = chunk.line_start, chunk.line_end
    # Lines inside the chunk can be counted only if the text has a line break for each line of the file.
    if line_start is not None and line_end is not None and chunk.text.count("\n") == line_end - line_start:
        line_start += chunk.text.count("\n", 0, evidence.start)
        line_end = line_start + evidence.text.rstrip("\n").count("\n")
    return Citation(
        number=evidence.passage.number,
        source=chunk.source,
        location=chunk.location,
        line_start=line_start,
        line_end=line_end,
        page_start=chunk.page_start,
        page_end=chunk.page_end,
        chunk_id=chunk.id,
        quote=" ".join(evidence.text.split()),
        attributed=attributed,
        format=chunk.format,
    )
