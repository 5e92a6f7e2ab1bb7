"""Text that may be shown: without anything that a terminal would obey. Pure."""

from __future__ import annotations

import re

# CSI, the sequences that carry a text (OSC, DCS, PM, APC, SOS) and those of two characters, then every
# control character but tab and newline, the marks that turn text around (bidi), line separators, and the
# surrogates of undecodable file names. An 8-bit introducer counts only with its end: in text that was decoded
# wrongly U+009D is what became of a quotation mark, and must not take the rest of the line with it.
ESCAPE_SEQUENCES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|\x1b[\\]PX^_][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)?"
    "|[\x90\x98\x9d-\x9f][^\x07\x1b\x90\x98\x9c-\x9f\n]*(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]*[0-~]?"
)
CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def printable(text: str) -> str:
    """`text` without escape sequences and control characters; newlines and tabs stay."""
    return CONTROLS.sub("", ESCAPE_SEQUENCES.sub("", text))


def one_line(text: str) -> str:
    """`printable`, with every run of white space made one space."""
    return " ".join(printable(text).split())
