"""Text that was read, made clean: the invisible never reaches a prompt or a terminal. Pure."""

from __future__ import annotations

import re

from ragcli.text.letters import spelled_out

# ECMA-48: CSI and OSC sequences whole, so that "\x1b[31m" doesn't leave "[31m" behind; then any other escape.
# U+009D alone is no OSC but a quotation mark that was decoded wrongly: it takes nothing with it.
_ESCAPE_SEQUENCES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|\x1b\\][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)?"
    "|\x9d[^\x07\x1b\x9c\x9d\n]*(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]*[0-~]?"
)

# Characters that show nothing and can smuggle text or reorder it: controls (but \n and \t), soft hyphen, zero
# widths, bidi marks, embeddings and isolates, fillers, variation selectors, tags, surrogates, noncharacters.
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, or a byte that was not text: nothing can store it."""

UNSAFE_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal must not print and an index can't store: controls, bidi marks, bytes that are no UTF-8."""

_LINE_ENDS = re.compile("\r\n?|\x85")
_ODD_SPACES = re.compile("[\x0b\x0c\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")


def clean(text: str) -> str:
    """Drop what does not show, normalise line ends and spaces, and spell out ligatures.

    A CRLF, CR or LF stays one line end.
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _ESCAPE_SEQUENCES.sub("", text)
    return spelled_out(INVISIBLE.sub("", _ODD_SPACES.sub(" ", text)))
