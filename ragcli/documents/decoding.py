"""Bytes to text: UTF-8, marked or guessed encodings; anything that is not text is reported as binary."""

from __future__ import annotations

import codecs
import re

from ragcli.documents.text_encodings import NAMES, guess_encoding, unmarked_utf_16
from ragcli.documents.unreadable import UnreadableFile
from ragcli.text.clean import clean

# The marks of UTF-32 begin with those of UTF-16, so they come first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_SNIFFED_BYTES = 8192

# One character of UTF-8 beyond ASCII, and bytes that are not a character.
_UTF_8 = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    rb"|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
# Beginnings of a character of three or four bytes, at the end of a file that was cut.
_CUT_CHARACTER = re.compile(rb"(?:[\xe1-\xef][\x80-\xbf]|[\xf1-\xf3][\x80-\xbf]{1,2})\Z")
_ISO_2022_JP = (b"\x1b$B", b"\x1b$@")
# If a larger share is replaced, the text is damaged or not in that encoding at all.
_MOST_REPLACED = 0.1


def _marked_encoding(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    return ""


def looks_binary(data: bytes) -> bool:
    """Whether there are NUL bytes near the beginning, without a mark of a wide encoding."""
    return b"\0" in data[:_SNIFFED_BYTES] and not _marked_encoding(data)


def decode(data: bytes, notes: list[str] | None = None) -> str:
    """Cleaned text: in UTF-8, by its byte order mark, or in a guessed encoding.

    Single bytes that are damaged become U+FFFD. `notes` gets a line about them, and about a guess.
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
    """Whether there are at least as many UTF-8 characters as invalid places: few occur by chance."""
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
    """With U+FFFD for damaged bytes, and a note. Raises UnicodeDecodeError if there are too many."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
        damaged = text.count("\ufffd")
        if damaged > max(1.0, _MOST_REPLACED * len(text)):
            raise
    notes.append(f"1 character is not {name}" if damaged == 1 else f"{damaged:,} characters are not {name}")
    return text
