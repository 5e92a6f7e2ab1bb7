"""Which passage each sentence of an answer rests on: named by the LLM, or found by the words they share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ragcli.config import PromptingConfig
from ragcli.prompting.support import lexical_support
from ragcli.sentences import split_sentences
from ragcli.types import Citation, Context, Passage

MIN_SUPPORT = 0.5
"""A sentence is attributed to a passage that has a sentence with at least this share of its content words."""

Support = Callable[[str, str], float]
"""How far evidence (second) supports a claim (first), from 0 to 1."""

# [2], [2, 3], [2-4]; not a link, [2](https://...).
_MARK = re.compile(r"[^\S\n]*(?:\[|【)(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)(?:\]|】)(?!\()")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cited:
    """`text` with its marks, `citations` by number, `unknown`: numbers that the context does not hold."""

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

    `citations = model`: numbers that the context does not hold are dropped from the text and returned.
    `citations = attributed`: marks that the LLM wrote are worth nothing and dropped; each sentence gets the
    mark of the passage that supports it best, none where the support is below MIN_SUPPORT. `question` decides
    between passages that support a sentence alike. Each quote is the passage's most supporting sentence.
    """
    evidence = [item for passage in context.passages for item in _evidence(passage)]
    if config.citations == "model":
        return _checked(text.strip(), evidence, context, support)
    return _attributed(_without_marks(text).strip(), evidence, support, question)


def _attributed(text: str, evidence: list[_Evidence], support: Support, question: str) -> Cited:
    pieces: list[str] = []
    best: dict[int, tuple[float, _Evidence]] = {}
    end_before = 0
    for start, end in split_sentences(text):
        claim = text[start:end]
        scored = [(support(claim, item.text), item) for item in evidence]
        value, item = max(
            scored, key=lambda pair: (pair[0], support(question, pair[1].text)), default=(0.0, None)
        )
        pieces.append(text[end_before:end])
        end_before = end
        if item is None or value < MIN_SUPPORT:
            continue
        number = item.passage.number
        pieces.append(f" [{number}]")
        if number not in best or value > best[number][0]:
            best[number] = (value, item)
    pieces.append(text[end_before:])
    citations = tuple(_citation(best[number][1], attributed=True) for number in sorted(best))
    return Cited("".join(pieces), citations, ())


def _checked(text: str, evidence: list[_Evidence], context: Context, support: Support) -> Cited:
    known = {passage.number for passage in context.passages}
    unknown: set[int] = set()
    claims: dict[int, str] = {}
    code = [match.span() for match in _CODE.finditer(text)]

    def keep_known(match: re.Match[str]) -> str:
        if any(start <= match.start() < end for start, end in code):
            return match.group()
        numbers = list(_numbers(match.group(1)))
        unknown.update(number for number in numbers if number not in known)
        for number in numbers:
            if number in known:
                claims.setdefault(number, _claim_before(text, match.start()))
        kept = [str(number) for number in numbers if number in known]
        space = match.group()[: len(match.group()) - len(match.group().lstrip())]
        return f"{space}[{', '.join(kept)}]" if kept else ""

    marked = _MARK.sub(keep_known, text).strip()
    citations = []
    for number in sorted(claims):
        own = [item for item in evidence if item.passage.number == number]
        best = max(own, key=lambda item: support(claims[number], item.text))
        citations.append(_citation(best, attributed=False))
    return Cited(marked, tuple(citations), tuple(sorted(unknown)))


def _numbers(written: str) -> Iterator[int]:
    """The numbers of a mark: "2, 4-6" is 2, 4, 5, 6."""
    for part in re.split(r"\s*[,;]\s*", written):
        first, _, last = re.sub(r"\s", "", part).replace("–", "-").partition("-")
        yield from (
            range(int(first), int(last or first) + 1) if int(last or first) >= int(first) else (int(first),)
        )


def _claim_before(text: str, mark: int) -> str:
    """The sentence that a mark closes, without marks."""
    plain = _without_marks(text[:mark])
    spans = split_sentences(plain)
    return plain[slice(*spans[-1])] if spans else plain


def _without_marks(text: str) -> str:
    code = [match.span() for match in _CODE.finditer(text)]
    return _MARK.sub(
        lambda match: match.group() if any(start <= match.start() < end for start, end in code) else "", text
    )


def _evidence(passage: Passage) -> list[_Evidence]:
    """The sentences of the chunk that the LLM got to read; the whole text where it has none."""
    text = passage.candidate.chunk.text
    spans = [span for span in split_sentences(text) if text[slice(*span)] in passage.text]
    return [_Evidence(passage, *span) for span in spans or [(0, len(text))]]


def _citation(evidence: _Evidence, *, attributed: bool) -> Citation:
    chunk = evidence.passage.candidate.chunk
    line_start, line_end = chunk.line_start, chunk.line_end
    # Lines inside the chunk can only be counted where the text has a line break for each line of the file.
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
