"""Where code may be cut: between its parts, not within a statement, a signature or a docstring. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

# The cost of a cut, as in chunking: the chunk may miss its fair size by this share instead.
BETWEEN_PARTS = 0.05
AT_BLANK_LINE = 0.15
BETWEEN_LINES = 0.3
WITHIN = 0.7

_DEEPER = 0.02
_LEVEL = 0.15
_STRING = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|(?://|#|--).*$", re.MULTILINE)
_QUOTES = re.compile(r"\"\"\"|'''")
# After these the line continues on the next one, or a block that it opens begins there.
_GOES_ON = ("(", "[", "{", ",", "\\", ":", "->", "=>", "=", "&&", "||", "+", "then", "do")
_LEADS_ON = re.compile(r"\s*(?:@\w|#\[|//|#|\*|/\*|template\s*<)")
_CLOSING = re.compile(r"\s*(?:[)\]}>]|end\b|else\b|elif\b|except\b|finally\b|catch\b|fi\b|done\b|esac\b)")


def cut_costs(text: str, lines: Sequence[tuple[int, int]]) -> list[float]:
    """For each line, given as its span in the text: the cost of a cut after it. The last ends the block."""
    costs: list[float] = []
    depth = 0
    quote = ""
    for place, (start, end) in enumerate(lines):
        line = text[start:end]
        was_quoted = bool(quote)
        quote = _after(line, quote)
        if not (quote or was_quoted):
            bare = _STRING.sub("", _QUOTES.sub("", line))
            depth = max(0, depth + sum(map(bare.count, "([")) - sum(map(bare.count, ")]")))
        following = lines[place + 1] if place + 1 < len(lines) else None
        if following is None:
            costs.append(0.0)
        else:
            blank = text.count("\n", end, following[0]) > 1
            next_line = text[following[0] : following[1]]
            costs.append(_cost(line, next_line, blank=blank, depth=depth, in_text=bool(quote)))
    return costs


def _after(line: str, quote: str) -> str:
    """The quotation marks of a multi-line string that is open after this line."""
    for match in _QUOTES.finditer(line):
        if not quote:
            quote = match[0]
        elif quote == match[0]:
            quote = ""
    return quote


def _cost(line: str, following: str, *, blank: bool, depth: int, in_text: bool) -> float:
    indent = _indent(following)
    if in_text:
        # The lines of a docstring: between its paragraphs, else where no line is indented more.
        return AT_BLANK_LINE + BETWEEN_LINES if blank else WITHIN - (_LEVEL if indent <= _indent(line) else 0)
    if depth or _CLOSING.match(following):
        return WITHIN
    if not blank and (line.rstrip().endswith(_GOES_ON) or _LEADS_ON.match(line)):
        return WITHIN
    if blank:
        return min(BETWEEN_PARTS if not indent else AT_BLANK_LINE + _DEEPER * indent / 4, BETWEEN_LINES)
    return BETWEEN_LINES + min(_DEEPER * indent, BETWEEN_LINES)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
