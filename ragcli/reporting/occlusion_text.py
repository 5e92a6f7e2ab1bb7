"""What all views of an occlusion share: the shade of each word, and which words are named. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragcli.encoders.occlusion import WordChange

LEVELS = (0.15, 0.4, 0.75)
"""The shares of a text's largest change from which a word gets the first, second and third shade."""
MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text. `shade` is -3 (lowers the score most) to 3 (raises it most); 0: next to nothing.

    `change` is what the score loses without it; 0 for what is not a word.
    """

    text: str
    shade: int
    change: float


def pieces(text: str, words: Sequence[WordChange]) -> Iterator[Piece]:
    """The whole text, cut at words, in reading order."""
    position, most = 0, largest(words)
    for word in words:
        if word.start > position:
            yield Piece(text[position : word.start], 0, 0.0)
        yield Piece(text[word.start : word.end], _shade(word.change, most), word.change)
        position = word.end
    if position < len(text):
        yield Piece(text[position:], 0, 0.0)


def strongest(text: str, words: Sequence[WordChange]) -> list[tuple[str, float]]:
    """The words that get a colour, each once, the strongest first; at most MOST_NAMED."""
    changes: dict[str, float] = {}
    most = largest(words)
    for word in words:
        if _shade(word.change, most):
            changes.setdefault(text[word.start : word.end].casefold(), word.change)
    return sorted(changes.items(), key=lambda item: -abs(item[1]))[:MOST_NAMED]


def largest(words: Sequence[WordChange]) -> float:
    """The change of the word with the deepest colour, without its sign."""
    return max((abs(word.change) for word in words), default=0.0)


def _shade(change: float, most: float) -> int:
    share = abs(change) / most if most else 0.0
    level = sum(share >= least for least in LEVELS)
    return level if change > 0 else -level
