"""The citations of an answer as ragcli writes them: "Three months [2]." and "Three months [1, 3]." Pure.

Which brackets of an LLM's text are citations is for `prompting.marks` to say.
"""

from __future__ import annotations

import re

_MARK = re.compile(r"\s*\[(\d+(?:, \d+)*)\]")


def without_marks(text: str) -> str:
    return _MARK.sub("", text)


def marked_numbers(text: str) -> list[int]:
    """The numbers in the order of the text, repeated ones too."""
    return [int(number) for mark in _MARK.findall(text) for number in mark.split(", ")]
