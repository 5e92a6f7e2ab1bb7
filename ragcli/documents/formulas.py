"""Formulas on one line, for the readers of HTML and Word, without losing a sign."""

from __future__ import annotations

import re

# A number, a name or one sign needs no brackets.
_SIMPLE = re.compile(r"[^\W_]*|\W|\([^()]*\)|[-+\N{MINUS SIGN}]?\d+", re.DOTALL)
_NUMBER = re.compile(r"[-+\N{MINUS SIGN}]?\d")


def is_number(text: str) -> bool:
    """Whether it begins as one."""
    return bool(_NUMBER.match(text.strip()))


def raised(base: str, exponent: str) -> str:
    """ "c2" as in running text, but "10^3": two numbers would become one."""
    if not _SIMPLE.fullmatch(exponent.strip()):
        return f"{base}^({exponent})"
    sign = "^" if base.rstrip()[-1:].isdigit() and is_number(exponent) else ""
    return f"{base}{sign}{exponent}"


def lowered(base: str, index: str) -> str:
    return f"{base}{index}" if _SIMPLE.fullmatch(index.strip()) else f"{base}_({index})"


def fraction(above: str, below: str) -> str:
    return f"{_enclosed(above)}/{_enclosed(below)}"


def root_of(radicand: str, degree: str = "") -> str:
    return f"{degree}\N{SQUARE ROOT}{_enclosed(radicand)}"


def _enclosed(part: str) -> str:
    return part if _SIMPLE.fullmatch(part.strip()) else f"({part})"
