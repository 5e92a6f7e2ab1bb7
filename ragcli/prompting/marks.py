"""Which brackets of an answer are citations. Many are not: grid[0][1], a vector [3, 4], an interval [10-20].

A citation follows a word or a sentence, apart from it, and contains numbers of the context's passages:

    Three months [2]. Three months. [1][2] Three months [1, 2] for all [3-4].

The surrounding text shows whether a bracket is something else; such brackets do not change.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

_NUMBERS = r"(?P<{0}>\d{{1,3}}(?:\s*[,;–-]\s*\d{{1,3}})*)"
# Not a link, [2](https://...), nor the name of one, [2]: https://...
_BRACKETS = re.compile(
    rf"(?P<space>[^\S\n]*)(?:\[{_NUMBERS.format('square')}\]|【{_NUMBERS.format('lenticular')}】)(?!\()"
)
_CODE = re.compile(
    r"^[^\S\n]*(?P<fence>`{3,}(?=[^`\n]*$)|~{3,}).*?(?:^[^\S\n]*(?P=fence)[`~]*[^\S\n]*$|\Z)"
    r"|(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)",
    re.DOTALL | re.MULTILINE,
)

# The value itself follows these: "x = [7]", "the vector is [3, 4]", "a scale of [1-5]".
_VALUE_FOLLOWS = re.compile(
    r"(?:[=<>+/&^(\[{\\$#@]|\b(?:is|are|was|were|be|equals?|gives?|returns?|returned|yields?|contains?|becomes?"
    r"|arrays?|lists?|vectors?|tuples?|matrix|matrices|sets?|pairs?|intervals?|ranges?|scale|shape|size|slice"
    r"|coordinates?|points?|index|indices|dimensions?|elements?|rows?|columns?|keys?|options?|version|number))\s*\Z",
    re.IGNORECASE,
)
# These as well, if not all of the numbers can be cited: "values in [0, 1]", "from [1, 9]".
_VALUE_MAY_FOLLOW = re.compile(
    r"\b(?:in|of|to|from|between|at|by|with|for|on|over|within|the|an?|and|or|as|than)\s*\Z", re.IGNORECASE
)
_NAMES_SOURCES = re.compile(
    r"\b(?:sources?|citations?|references?|passages?|see|cf\.?)\s*:?\s*\Z", re.IGNORECASE
)
_LISTS_MORE = re.compile(r"[^\S\n]*(?:[,;&]|,? ?\b(?:and|or)\b)\Z")
_OPENS_LINE = re.compile(r"(?:\A|\n)[^\S\n]*(?:[-*•>]|\d{1,3}[.)])?\Z")
_OPENS_PART = re.compile(r"[:,;]\Z")
_AFTER_ALL = re.compile(r"[^\S\n]*(?:[.,;:!?)…\"”'’|]|\n|\Z|\[\d|【)")
_PROSE = re.compile(r"(?:\A|[\s(*_\"“'‘-])[^\W\d_]{3,}[*_\"”'’]{0,3}\Z|(?:\A|\s)\d[\d.,]*[%°]?\Z")
# "[1] is the first element" is about a list.
_OPENS_SENTENCE = re.compile(
    r"(?:\A|(?<=[.!?]) +)\[(\d{1,3}(?:, ?\d{1,3})*)\]:? +(?!(?:is|are|was|were|has|have)\b)(?=[^\s\[])"
)
_NEAR = 100


@dataclass(frozen=True, slots=True)
class Mark:
    """A citation: `numbers` as they were written out, `start` to `end` with the space before it."""

    start: int
    end: int
    space: str
    numbers: tuple[int, ...]


def code_spans(text: str) -> list[tuple[int, int]]:
    """Blocks and inline code, by their offsets."""
    return [match.span() for match in _CODE.finditer(text)]


def code_blocks(text: str) -> list[tuple[int, int]]:
    """Fenced blocks only, by their offsets."""
    return [match.span() for match in _CODE.finditer(text) if match["fence"]]


def find_marks(text: str, known: Collection[int]) -> list[Mark]:
    """The citations of an answer, in order. `known`: the numbers that can be cited."""
    code = code_spans(text)
    apart: list[Mark] = []
    attached: list[Mark] = []
    end_before = -1  # Of the citation before: "[1], [2] and [3]" are all of them or none.
    for group in _groups(text, code):
        if _stands_apart(text, group[0]):
            goes_on = end_before >= 0 and bool(_LISTS_MORE.match(text, end_before, group[0].start()))
            found = [mark for mark in map(_mark, group) if _is_citation(text, mark, group, known, goes_on)]
            end_before = group[-1].end() if found else -1
            apart += found
        elif _may_be_attached(text, group, known):
            attached += map(_mark, group)
    # A text uses one of the two styles: if other citations stand apart, months[1] is not a citation.
    return apart or attached


def behind_sentences(text: str, known: Collection[int]) -> str:
    """`text` with its marks behind the sentences that they open: small LLMs write "[1] Three months."

    Only if the text is a single line that opens with a mark and does not end with one, and all such marks can
    be cited: several lines may be a numbered list or a bibliography.
    """
    opening = list(_OPENS_SENTENCE.finditer(text))
    if "\n" in text or text.endswith("]") or not opening or opening[0].start() > 0:
        return text
    if not all(number in known for match in opening for number in _numbers(match[1])):
        return text
    ends = [match.start() for match in opening[1:]] + [len(text)]
    sentences = [text[match.end() : end].strip() for match, end in zip(opening, ends, strict=True)]
    return " ".join(f"{said} [{match[1]}]" for said, match in zip(sentences, opening, strict=True))


def _groups(text: str, code: Sequence[tuple[int, int]]) -> Iterator[list[re.Match[str]]]:
    """Brackets outside code; consecutive ones without a space between them are one group."""
    group: list[re.Match[str]] = []
    for match in _BRACKETS.finditer(text):
        if any(start < match.end() and match.start() < end for start, end in code):
            continue
        if group and not (match.start() == group[-1].end() and not match["space"]):
            yield group
            group = []
        group.append(match)
    if group:
        yield group


def _stands_apart(text: str, first: re.Match[str]) -> bool:
    """After a space, or after the end of a sentence: 【1】 is not a subscript and need not."""
    before = text[: first.start()]
    if first["space"] or first["lenticular"] or not before:
        return True
    return before[-1] in '.!?”"’…\n' or _is_parenthesis(before)


def _is_citation(
    text: str, mark: Mark, group: Sequence[re.Match[str]], known: Collection[int], goes_on: bool
) -> bool:
    before, after = text[: group[0].start()], text[group[-1].end() :]
    rest = after[:1]
    if rest and (rest.isalnum() or rest in "_(]}"):
        return False
    if _OPENS_LINE.search(before) and re.match(r"[^\S\n]*[:\w]|[^\S\n]+\S", after):
        return False  # [1] first, [2] then: numbers of a list, or of a bibliography.
    exempt = goes_on or _is_parenthesis(before) or _NAMES_SOURCES.search(before)
    opens_part = bool(_OPENS_PART.search(before))
    if not exempt and (_VALUE_FOLLOWS.search(before) or (opens_part and re.match(r"[^\S\n]+\w", after))):
        return False
    if len(mark.numbers) == 1:
        return True
    held = [number in known for number in mark.numbers]
    if 0 in mark.numbers or not any(held):
        return False
    closes = bool(_AFTER_ALL.match(after))
    is_range = len(mark.numbers) > 1 and _is_range(text[mark.start : mark.end])
    if is_range and not closes:
        return False
    if all(held):
        return True
    return closes and not opens_part and not _VALUE_MAY_FOLLOW.search(before) and 2 * sum(held) >= len(held)


def _may_be_attached(text: str, group: Sequence[re.Match[str]], known: Collection[int]) -> bool:
    """Whether "three months[1][2]." cites, as some models write it: at the end of a clause, after a word."""
    numbers = [number for match in group for number in _mark(match).numbers]
    return all(number in known for number in numbers) and reads_as_attached(
        text, group[0].start(), group[-1].end()
    )


def reads_as_attached(text: str, start: int, end: int) -> bool:
    """Whether brackets from `start` to `end`, without a space before them, end a clause of prose."""
    before, after = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    if after[:1] in {"[", "【"}:
        return False  # All that follow without a space are within, but for a call: handlers[1][2](event).
    return bool(_AFTER_ALL.match(after) and _PROSE.search(before))


def _is_parenthesis(before: str) -> bool:
    """ "three months ([1])", and not "print([1])"."""
    return bool(re.search(r"[^\S\n]\(\s*\Z", before))


def _is_range(written: str) -> bool:
    return re.search(r"\d\s*[–-]\s*\d", written) is not None


def _mark(match: re.Match[str]) -> Mark:
    written = match["square"] or match["lenticular"]
    return Mark(match.start(), match.end(), match["space"], tuple(_numbers(written)))


def _numbers(written: str) -> Iterator[int]:
    """The numbers of a mark: "2, 4-6" is 2, 4, 5, 6."""
    for part in re.split(r"\s*[,;]\s*", written):
        first, _, last = re.sub(r"\s", "", part).replace("–", "-").partition("-")
        yield from range(int(first), max(int(first), int(last or first)) + 1)
