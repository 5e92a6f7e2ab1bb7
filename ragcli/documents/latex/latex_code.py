"""Listings in LaTeX: each kind becomes a plain verbatim environment, whose end pylatexenc recognises."""

from __future__ import annotations

import re

_VERBATIM = re.compile(
    r"\\begin\{(verbatim\*|lstlisting|minted|BVerbatim|alltt|filecontents\*?)\}(.*?)\\end\{\1\}", re.DOTALL
)
# Pandoc and Sphinx mark words of code by commands; all other characters are literal, $ and # too.
_MARKED = re.compile(r"\\begin\{(Highlighting|sphinxVerbatim|Verbatim)\}(.*?)\\end\{\1\}", re.DOTALL)
_MARK = re.compile(r"\\(?:[A-Za-z]+Tok|PYG\w*\{[^{}]*\})\{((?:[^{}\\]|\\.|\{[^{}]*\})*)\}", re.DOTALL)
_NAMED = re.compile(r"\\(?:text|PYGZ|char)([a-z]+)(?:\{\}|\b ?)")
_CHARACTERS = {
    "backslash": "\\", "bs": "\\", "quotesingle": "'", "sq": "'",
    "quotedbl": '"', "dq": '"', "asciitilde": "~",
    "ti": "~", "asciicircum": "^", "ca": "^", "asciigrave": "`", "bar": "|", "less": "<", "lt": "<",
    "greater": ">",
    "gt": ">", "dollar": "$", "at": "@", "us": "_", "ob": "{", "cb": "}", "am": "&", "sh": "#",
    "pc": "%", "hy": "-",
}  # fmt: skip
_GROUPED = re.compile(r"\{([^\w\s{}\\])\}")
_ESCAPED = re.compile(r"\\([{}#$%&_^~\\])(?:\{\})?")


def with_verbatim(text: str) -> str:
    """The text with as many lines as before."""
    text = _VERBATIM.sub(lambda match: _environment(match[2]), text)
    return _MARKED.sub(lambda match: _environment(_unmarked(match[2])), text)


def _environment(code: str) -> str:
    return f"\\begin{{verbatim}}{code}\\end{{verbatim}}"


def _unmarked(code: str) -> str:
    code = _MARK.sub(r"\1", code)
    code = _NAMED.sub(lambda match: _CHARACTERS.get(match[1], match[0]), code)
    return _ESCAPED.sub(r"\1", _GROUPED.sub(r"\1", code))
