"""Formulas of LaTeX without a file's own short names, which are expanded."""

from __future__ import annotations

import re

_BRACES = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
_SHORT = re.compile(
    r"\\(?:re)?newcommand\*?\s*\{?\\([A-Za-z]+)\}?\s*" + _BRACES + r"|\\def\\([A-Za-z]+)\s*" + _BRACES
)
_FORMULA = re.compile(
    r"(?<!\\)\$\$[^$]{1,5000}\$\$|(?<!\\)\$[^$]{1,500}(?<!\\)\$|\\\(.{1,500}?\\\)|(?<!\\)\\\[.{1,5000}?\\\]"
    r"|\\begin\{((?:equation|align|gather|multline|eqnarray|alignat|flalign)\*?)\}.{1,5000}?\\end\{\1\}",
    re.DOTALL,
)
_COMMAND = re.compile(r"\\([A-Za-z]+)")
# Longer definitions do more than save typing.
_LONGEST = 60


def with_known_commands(text: str) -> str:
    """`text` with as many lines, in which formulas have none of the file's own commands without arguments."""
    own = {
        match[1] or match[3]: " ".join((match[2] or match[4] or "").split())
        for match in _SHORT.finditer(text)
    }
    own = {name: value for name, value in own.items() if "#" not in value and len(value) <= _LONGEST}
    if not own:
        return text
    return _FORMULA.sub(
        lambda formula: _COMMAND.sub(lambda command: own.get(command[1], command[0]), formula[0]), text
    )
