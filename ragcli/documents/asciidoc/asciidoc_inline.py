"""AsciiDoc within a paragraph: formatting, links, macros, attributes as displayed. Line ends stay."""

from __future__ import annotations

import re
from collections.abc import Mapping

_BUILT_IN = {
    "empty": "", "blank": "", "sp": " ", "nbsp": " ", "zwsp": "", "wj": "", "apos": "'",
    "quot": '"', "lsquo": "‘",
    "rsquo": "’", "ldquo": "“", "rdquo": "”", "deg": "°", "plus": "+", "brvbar": "¦", "vbar": "|", "amp": "&",
    "lt": "<", "gt": ">", "startsb": "[", "endsb": "]", "caret": "^", "asterisk": "*", "tilde": "~",
    "backslash": "\\", "backtick": "`", "two-colons": "::", "two-semicolons": ";;", "cpp": "C++",
    "cxx": "C++",
}  # fmt: skip
_ATTRIBUTE = re.compile(r"(\\?)\{([\w-]+)\}")
_PASSED = re.compile(
    r"\+\+\+(.{1,300}?)\+\+\+|(?<![\w+])\+\+(.{1,300}?)\+\+(?!\+)|pass:\w*\[(.{0,300}?)(?<!\\)\]|(?<![\w`+])`"
    r"\+(.{1,300}?)\+`",
    re.DOTALL,
)
_MACROS = (
    # <<anchor,text>> and [[anchor]]
    (re.compile(r"<<[^<>,]{0,300},\s*([^<>]{1,300}?)>>"), r"\1"),
    (re.compile(r"<<#?([^<>,]{1,300}?)>>"), r"\1"),
    (re.compile(r"\[\[(?:|(?:[^\W\d]|:)[\w:.-]{0,300}(?:,[^\]\n]{0,300})?)\]\]"), ""),
    # A footnote in separate brackets, after a space.
    (re.compile(r"\s?footnote(?:ref)?:[\w-]*\[((?:[^\]\\]|\\.){1,2000})\]", re.DOTALL), r" (\1)"),
    (re.compile(r"footnote:[\w-]+\[\]"), ""),
    (re.compile(r"(?:latexmath|asciimath|stem|kbd|btn):\[((?:[^\]\\]|\\.){0,300})\]", re.DOTALL), r"\1"),
    (re.compile(r"menu:([^\[\s]{1,300})\[((?:[^\]\\]|\\.){0,300})\]"), r"\1 > \2"),
    (
        re.compile(
            r"(?:image|icon|video|audio)::?[^\s\[]{1,300}\[(?:alt=)?\"?([^\]\",=]{0,300})[^\]]{0,300}\]"
        ),
        r"\1",
    ),
    (re.compile(r"indexterm2:\[([^\]]{0,300})\]|\(\(([^()]{1,300})\)\)"), r"\1\2"),
    (re.compile(r"indexterm:\[[^\]]{0,300}\]|\(\(\([^()]{0,300}\)\)\)"), ""),
    (
        re.compile(
            r"(?:link|xref|mailto|anchor):(?!\s)[^\s\[]{1,300}\[\^?((?:[^\]\\]|\\.){1,300}?)\^?\]", re.DOTALL
        ),
        r"\1",
    ),
    (re.compile(r"(?:link|xref|mailto):([^\s\[]{1,300})\[\]"), r"\1"),
    (
        re.compile(
            r"(?<![“‘])(?:https?|ftp|irc)://[^\s\[\]<>]{1,500}\[((?:[^\]\\]|\\.){1,300}?)\^?\]", re.DOTALL
        ),
        r"\1",
    ),
    (re.compile(r"((?:https?|ftp|irc)://[^\s\[\]<>]{1,500})\[\]"), r"\1"),
    (re.compile(r"\[[.#][\w.# -]*\](?=[#*_`])"), ""),
)
# Unconstrained (within words) first, then constrained marks: not next to letters or spaces on the wrong side.
_UNCONSTRAINED = re.compile(r"(\*\*|__|``|##)(?=\S)(.{1,300}?)(?<=\S)\1", re.DOTALL)
_CONSTRAINED = re.compile(
    r"(?<![\w*_`#\\])([*_`#])(?=\S)((?:(?!\n\n).){1,300}?)(?<=\S)\1(?![\w*_`#])", re.DOTALL
)
_RAISED = re.compile(r"([~^])(\S{1,40}?)\1")
_QUOTED = re.compile(r"\"`(.{1,300}?)`\"|'`(.{1,300}?)`'", re.DOTALL)
_DESCRIBED = re.compile(r"^([ \t]*[^\s:].{0,300}?):{2,4}(?=[ \t]|$)", re.MULTILINE)
_HARD_BREAK = re.compile(r" \+$", re.MULTILINE)
_ESCAPE = re.compile(r"\\(?=[*_`#{<\[~^+]|https?:)")
_KEPT = "\x1a"


def displayed(text: str, attributes: Mapping[str, str]) -> str:
    """What passes through unchanged (+++ and the like) is put aside first."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(next(part for part in match.groups() if part is not None))
        return _KEPT

    text = _PASSED.sub(keep, text)
    text = _ATTRIBUTE.sub(lambda match: _value(match, attributes), text)
    for pattern, shown in _MACROS:
        text = pattern.sub(shown, text)
    text = _QUOTED.sub(lambda match: f"“{match[1]}”" if match[1] else f"‘{match[2]}’", text)
    text = _UNCONSTRAINED.sub(r"\2", text)
    for _ in range(3):
        text = _CONSTRAINED.sub(r"\2", text)
    text = _RAISED.sub(r"\2", text)
    text = _HARD_BREAK.sub("", _DESCRIBED.sub(r"\1:", text))
    text = _ESCAPE.sub("", text)
    parts = iter(kept)
    return re.sub(_KEPT, lambda _: next(parts), text)


def _value(match: re.Match[str], attributes: Mapping[str, str]) -> str:
    """An undefined name stays as it is written."""
    name = match[2].lower()
    if match[1]:
        return match[0][1:]
    return attributes.get(name, _BUILT_IN.get(name, match[0]))
