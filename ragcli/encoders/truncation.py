"""Question and text share a window: the rest is cut off and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


class PairWindow:
    """`size` is the longest pair in tokens, including special tokens. It takes over the tokenizer.

    `truncated` counts the pairs so far that were longer, `tokens_lost` the tokens that they lost.
    """

    def __init__(self, tokenizer: Tokenizer, size: int) -> None:
        self.size = size
        self.truncated = 0
        self.tokens_lost = 0
        self._tokenizer = tokenizer
        self._tokenizer.enable_truncation(size, strategy="only_second")

    def encode(self, question: str, texts: Sequence[str]) -> list[Encoding]:
        """The pairs of one question as tokens. A long text loses its end; a question above half the window
        loses its own end first.
        """
        return self._encode(self._cut(question), texts)

    def fit(self, question: str, texts: Sequence[str]) -> tuple[str, list[str]]:
        """Question and texts as far as they fit, for readers of text rather than tokens."""
        asked = self._cut(question)
        pairs = self._encode(asked, texts)
        return asked[0], [_read(pair, text) for pair, text in zip(pairs, texts, strict=True)]

    def _encode(self, asked: tuple[str, int], texts: Sequence[str]) -> list[Encoding]:
        question, lost = asked
        pairs = self._tokenizer.encode_batch([(question, text) for text in texts])
        losses = [lost + sum(part.sequence_ids.count(1) for part in pair.overflowing) for pair in pairs]
        self.truncated += sum(loss > 0 for loss in losses)
        self.tokens_lost += sum(losses)
        return pairs

    def _cut(self, text: str) -> tuple[str, int]:
        """The text's first tokens, half a window of them at most, and how many it lost."""
        most = self.size // 2
        self._tokenizer.no_truncation()
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        self._tokenizer.enable_truncation(self.size, strategy="only_second")
        if len(offsets) <= most:
            return text, 0
        return text[: offsets[most - 1][1]], len(offsets) - most


def _read(pair: Encoding, text: str) -> str:
    """The part of the text in the pair."""
    if not pair.overflowing:
        return text
    ends = [end for (_, end), part in zip(pair.offsets, pair.sequence_ids, strict=True) if part == 1]
    return text[: max(ends, default=0)]
