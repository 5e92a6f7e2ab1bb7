"""Bytes to text, and text to clean text: the invisible never reaches a prompt or a terminal."""

from __future__ import annotations

import codecs
import re

from ragcli.documents.unreadable import UnreadableFile

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
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
UNSAFE_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal must not print and an index can't store: controls, bidi marks, bytes that are no UTF-8."""

_LINE_ENDS = re.compile("\r\n?|\x85")
_ODD_SPACES = re.compile("[\x0b\x0c\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")

# The marks of UTF-32 begin with those of UTF-16, so they come first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# Windows-1252 decodes almost anything: above this share of non-ASCII bytes the guess is not worth trusting.
_MOST_NON_ASCII = 0.3
_SNIFFED_BYTES = 8192


def clean(text: str) -> str:
    """Drop what does not show and normalise line ends and spaces. A CRLF, CR or LF stays one line end."""
    text = _LINE_ENDS.sub("\n", text)
    text = _ESCAPE_SEQUENCES.sub("", text)
    return _INVISIBLE.sub("", _ODD_SPACES.sub(" ", text))


def _marked_encoding(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    return ""


def looks_binary(data: bytes) -> bool:
    """Whether NUL bytes stand near the beginning, without a mark of a wide encoding."""
    return b"\0" in data[:_SNIFFED_BYTES] and not _marked_encoding(data)


def decode(data: bytes) -> str:
    """Text in UTF-8, in UTF-16 or UTF-32 with a byte order mark, or else in Windows-1252; cleaned.

    Raises UnreadableFile for binary data and for text in another encoding.
    """
    encoding = _marked_encoding(data)
    if encoding:
        try:
            return clean(data.decode(encoding))
        except UnicodeDecodeError as problem:
            raise UnreadableFile("binary, or damaged text") from problem
    if looks_binary(data):
        raise UnreadableFile("binary")
    try:
        return clean(data.decode("utf-8"))
    except UnicodeDecodeError:
        return clean(_decode_western(data))


def _decode_western(data: bytes) -> str:
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in data[:_SNIFFED_BYTES])
    if controls:
        raise UnreadableFile("binary")
    if sum(byte > 127 for byte in data) > _MOST_NON_ASCII * len(data):
        raise UnreadableFile("text in an unknown encoding", hint="Save the file as UTF-8.")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as problem:
        raise UnreadableFile("text in an unknown encoding", hint="Save the file as UTF-8.") from problem
