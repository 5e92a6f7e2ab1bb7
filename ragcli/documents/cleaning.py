"""Bytes to text, and text to clean text: the invisible never reaches a prompt or a terminal."""

from __future__ import annotations

import codecs
import re

from ragcli.documents.encodings import NAMES, guess_encoding, unmarked_utf_16
from ragcli.documents.unreadable import UnreadableFile
from ragcli.letters import spelled_out

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

_SNIFFED_BYTES = 8192

# One character of UTF-8 beyond ASCII, and bytes that are none.
_UTF_8 = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    rb"|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
# Beginnings of a character of three or four bytes, at the end of a file that was cut.
_CUT_CHARACTER = re.compile(rb"(?:[\xe1-\xef][\x80-\xbf]|[\xf1-\xf3][\x80-\xbf]{1,2})\Z")
_ISO_2022_JP = (b"\x1b$B", b"\x1b$@")
# More of it replaced than this share: damaged, or not in that encoding at all.
_MOST_REPLACED = 0.1


def clean(text: str) -> str:
    """Drop what does not show, normalise line ends and spaces, and spell out ligatures.

    A CRLF, CR or LF stays one line end.
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _ESCAPE_SEQUENCES.sub("", text)
    return spelled_out(_INVISIBLE.sub("", _ODD_SPACES.sub(" ", text)))


def _marked_encoding(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    return ""


def looks_binary(data: bytes) -> bool:
    """Whether NUL bytes stand near the beginning, without a mark of a wide encoding."""
    return b"\0" in data[:_SNIFFED_BYTES] and not _marked_encoding(data)


def decode(data: bytes, notes: list[str] | None = None) -> str:
    """Cleaned text: in UTF-8, by its byte order mark, or in an encoding that is guessed.

    Single bytes that are damaged become U+FFFD. `notes` gets a line about them, and about what was guessed.
    Raises UnreadableFile for binary data and for text in an unknown encoding.
    """
    try:
        return clean(_decoded(data, [] if notes is None else notes))
    except UnicodeDecodeError as problem:
        raise UnreadableFile("binary, or damaged text") from problem


def _decoded(data: bytes, notes: list[str]) -> str:
    encoding = _marked_encoding(data)
    if encoding:
        return _in_encoding(data, encoding, encoding.removesuffix("-sig").upper(), notes)
    if looks_binary(data):
        return _guessed(data, unmarked_utf_16(data), notes, UnreadableFile("binary"))
    if any(mark in data for mark in _ISO_2022_JP):
        return _guessed(data, "iso2022_jp", notes, UnreadableFile("binary"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        if _is_damaged_utf_8(data):
            return _damaged_utf_8(data, notes)
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in data[:_SNIFFED_BYTES]):
        raise UnreadableFile("binary")
    unknown = UnreadableFile("text in an unknown encoding", hint="Save the file as UTF-8.")
    return _guessed(data, guess_encoding(data), notes, unknown)


def _is_damaged_utf_8(data: bytes) -> bool:
    """Whether characters of UTF-8 are at least as many as the places that are none: chance brings few."""
    characters = len(_UTF_8.findall(data))
    others = data.decode("utf-8", "replace").count("\ufffd")
    return characters >= others or (others == 1 and bool(_CUT_CHARACTER.search(data)))


def _damaged_utf_8(data: bytes, notes: list[str]) -> str:
    damaged = sum(map(len, _BEYOND_ASCII.findall(_UTF_8.sub(b" ", data))))
    notes.append("1 byte is not UTF-8" if damaged == 1 else f"{damaged:,} bytes are not UTF-8")
    return data.decode("utf-8", "replace")


def _guessed(data: bytes, encoding: str | None, notes: list[str], otherwise: UnreadableFile) -> str:
    if encoding is None:
        raise otherwise
    notes.append(f"read as {NAMES[encoding]} (guessed)")
    return _in_encoding(data, encoding, NAMES[encoding], notes)


def _in_encoding(data: bytes, encoding: str, name: str, notes: list[str]) -> str:
    """With U+FFFD for what is damaged, and a note. Raises UnicodeDecodeError where much of it is."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
        damaged = text.count("\ufffd")
        if damaged > max(1.0, _MOST_REPLACED * len(text)):
            raise
    notes.append(f"1 character is not {name}" if damaged == 1 else f"{damaged:,} characters are not {name}")
    return text
