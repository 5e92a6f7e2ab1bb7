"""Words with positions become segments: words on one line without a wide gap. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

# In units of the font size. A gap this wide may separate columns or cells.
CELL_GAP = 1.0
# Words closer than this are parts of one word, unless a space was drawn between them.
GLUE_GAP = 0.06
# Words whose baselines are closer than this are on one line; superscripts may be farther up.
_SAME_LINE = 0.35
_RAISED = 0.6
_SMALL = 0.85
# How far a word may reach into the one before it.
_OVERLAP = 0.4
# Text drawn again this close is a shadow, or bold by overprinting.
_SHADOW = 0.25
# How many equal words are compared; a page has thousands of full stops.
_SHADOWS = 60

RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")


class Word(NamedTuple):
    """In points, x to the right, y upwards, with the text held upright.

    `quarter` is how many right angles to the left the text is turned on the page; `spaced`: white space
    is drawn before it.
    """

    text: str
    left: float
    right: float
    y: float
    size: float
    bold: bool = False
    mono: bool = False
    quarter: int = 0
    spaced: bool = True


class Segment(NamedTuple):
    """Words side by side on one line. `order` is the place of the first one in the order of drawing."""

    text: str
    left: float
    right: float
    y: float
    size: float
    bold: bool
    mono: bool
    order: int
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, or a row of `cells`. `listed`: an entry of a list of contents."""

    text: str
    left: float
    right: float
    y: float
    size: float
    bold: bool
    mono: bool
    cells: tuple[Segment, ...]
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """`lines` in reading order; text without a place in it: `above` it, and after it as `asides`.

    `foot` and `head`: the heights of the page's edges.
    """

    number: int
    lines: tuple[Line, ...]
    foot: float
    head: float
    above: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()


def line_of(cells: Sequence[Segment]) -> Line:
    longest = max(cells, key=lambda cell: len(cell.text))
    return Line(
        " ".join(cell.text for cell in cells),
        min(cell.left for cell in cells),
        max(cell.right for cell in cells),
        longest.y,
        longest.size,
        all(cell.bold for cell in cells),
        all(cell.mono for cell in cells),
        tuple(cells),
    )


class _Chain:
    """Words that are drawn one after the other, side by side. `base` is the one whose line they are on."""

    __slots__ = ("base", "left", "order", "right", "words")

    def __init__(self, word: Word, order: int) -> None:
        self.words = [word]
        self.base = word
        self.left, self.right = word.left, word.right
        self.order = order

    def take(self, word: Word) -> bool:
        """Whether the word continues where the last one ended."""
        base = self.base
        size = base.size if base.size > word.size else word.size
        if word.right < self.right and RIGHT_TO_LEFT.search(word.text):
            gap = self.words[-1].left - word.right
        else:
            gap = word.left - self.words[-1].right
        if not -_OVERLAP * size <= gap < CELL_GAP * size:
            return False
        away = abs(word.y - base.y)
        if away > _SAME_LINE * size:
            is_raised = min(base.size, word.size) < _SMALL * size and gap < CELL_GAP * size / 2
            if not is_raised or away > _RAISED * size:
                return False
        self.words.append(word)
        if word.size > base.size:
            self.base = word
        if word.left < self.left:
            self.left = word.left
        if word.right > self.right:
            self.right = word.right
        return True


def segments(words: Sequence[Word]) -> list[list[Segment]]:
    """Words of one direction as rows of segments, from the top of the page to its bottom."""
    chains: list[_Chain] = []
    for order, word in enumerate(_once(words)):
        if not (chains and chains[-1].take(word)):
            chains.append(_Chain(word, order))
    chains.sort(key=lambda chain: -chain.base.y)
    rows: list[list[_Chain]] = []
    for chain in chains:
        first = rows[-1][0].base if rows else None
        if first and first.y - chain.base.y < _SAME_LINE * min(first.size, chain.base.size):
            rows[-1].append(chain)
        else:
            rows.append([chain])
    return [[_segment(part) for part in _merged(row)] for row in rows]


def _once(words: Sequence[Word]) -> Iterator[Word]:
    """Without words that are drawn a second time over themselves."""
    seen: dict[str, list[Word]] = {}
    for word in words:
        others = seen.get(word.text)
        if others is None:
            seen[word.text] = [word]
            yield word
            continue
        left, y, near = word.left, word.y, _SHADOW * word.size
        for other in others[-_SHADOWS:]:
            if -near < other.y - y < near and -near < other.left - left < near:
                break
        else:
            yield word
        others.append(word)


def _merged(row: list[_Chain]) -> Iterator[list[_Chain]]:
    """Chains that are side by side, whatever was drawn in between."""
    row.sort(key=lambda chain: chain.left)
    part: list[_Chain] = []
    for chain in row:
        if part and chain.left - part[-1].right >= CELL_GAP * max(chain.base.size, part[-1].base.size):
            yield part
            part = []
        part.append(chain)
    yield part


def _segment(chains: list[_Chain]) -> Segment:
    if len(chains) > 1 and 2 * sum(map(_is_right_to_left, chains)) > len(chains):
        chains = sorted(chains, key=lambda chain: chain.order)
    words = [word for chain in chains for word in chain.words]
    return segment_of(words, min(chain.order for chain in chains))


def _is_right_to_left(chain: _Chain) -> bool:
    return bool(RIGHT_TO_LEFT.search(chain.base.text))


def segment_of(words: Sequence[Word], order: int) -> Segment:
    if len(words) == 1:
        # Cells of tables are many.
        (word,) = words
        return Segment(
            word.text, word.left, word.right, word.y, word.size, word.bold, word.mono, order, (word,)
        )
    parts = [words[0].text]
    for previous, word in pairwise(words):
        parts.append(word.text if _is_glued(previous, word) else f" {word.text}")
    return Segment(
        "".join(parts),
        min(word.left for word in words),
        max(word.right for word in words),
        _usual([word.y for word in words], words),
        _usual([word.size for word in words], words),
        all(word.bold for word in words),
        all(word.mono for word in words),
        order,
        tuple(words),
    )


def _usual(values: Sequence[float], words: Sequence[Word]) -> float:
    """The value of most letters."""
    if len(set(values)) == 1:
        return values[0]
    weights: Counter[float] = Counter()
    for value, word in zip(values, words, strict=True):
        weights[value] += len(word.text)
    return weights.most_common(1)[0][0]


def _is_glued(previous: Word, word: Word) -> bool:
    if word.spaced:
        return False
    if word.size < _SMALL * previous.size and previous.text[-1].isdigit() and word.text[0].isdigit():
        # The number of a footnote, or an exponent, is not a digit of the number next to it.
        return False
    gap = word.left - previous.right
    return -_OVERLAP < gap / max(previous.size, word.size) < GLUE_GAP
