"""The bytes of an HTML page as a tree of lxml's elements, which know their lines in the file."""

from __future__ import annotations

import codecs
import html.entities
import re
from typing import TYPE_CHECKING

from ragcli.documents.cleaning import decode, looks_binary
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from lxml.etree import _Element

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DECLARED = re.compile(
    rb"""<(?:meta\b[^>]*?charset|\?xml\b[^>]*?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
_DECLARATION_BYTES = 4096
# What HTML means by a name, where Python means less: https://encoding.spec.whatwg.org/#names-and-labels
_WIDER = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
# A page of UTF-8 may hold a few bytes that are not, such as a character that was cut or pasted in.
_MOST_BAD = 0.01
_BAD = "\N{REPLACEMENT CHARACTER}"
_PROLOG = re.compile(r"\s*<\?xml\b[^>]*>")
_DOCTYPE = re.compile(r"<!DOCTYPE\b[^>\[]*>", re.IGNORECASE)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*;)")
_OF_XML = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})


def parse(data: bytes, name: str) -> _Element | None:
    """The page's root, or None where there is nothing. Raises UnreadableFile for what is not text."""
    text = page_text(data)
    root = None
    if _PROLOG.match(text) or name.lower().endswith((".xhtml", ".xht")):
        root = _parsed_as_xml(text)
    return _parsed(text) if root is None else root


def page_text(data: bytes) -> str:
    """Decoded as HTML says: by the mark, by the declaration, else guessed; UTF-8 wherever it is valid."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return _with_plain_line_ends(data[len(mark) :] if encoding == "utf-8" else data, encoding)
    if looks_binary(data):
        raise UnreadableFile("binary")
    declared = _declared_encoding(data)
    text = data.decode("utf-8", "replace")
    bad = text.count(_BAD) if not _is_utf8(data) else 0
    beyond_ascii = sum(character > "\x7f" for character in text) if bad else 0
    if bad <= _MOST_BAD * beyond_ascii or declared == "utf-8":
        return _with_plain_line_ends(data, "utf-8")
    return _with_plain_line_ends(data, declared) if declared else decode(data)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _declared_encoding(data: bytes) -> str:
    """Python's name of it, or "" where none that is known is declared."""
    match = _DECLARED.search(data[:_DECLARATION_BYTES])
    try:
        found = codecs.lookup(match[1].decode("ascii")).name if match else ""
    except LookupError:
        return ""
    # Who declares UTF-16 in a text that is readable as bytes means UTF-8.
    return "utf-8" if found.startswith("utf-16") else _WIDER.get(found, found)


def _with_plain_line_ends(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding, "replace")
    except (LookupError, UnicodeError) as problem:
        raise UnreadableFile("text in an unknown encoding", hint="Save the file as UTF-8.") from problem
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _parsed(text: str) -> _Element | None:
    from lxml import etree

    # Without huge_tree, what is deeper than 256 elements or longer than 10 MB would be cut in silence.
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_pis=True)
    try:
        root: _Element | None = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return None
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise UnreadableFile("nested too deeply")
    return root


def _parsed_as_xml(text: str) -> _Element | None:
    """XHTML, where an empty element may be closed in itself; None if it is not well-formed."""
    from lxml import etree

    plain = _DOCTYPE.sub(lambda match: "\n" * match[0].count("\n"), _PROLOG.sub("", text, count=1), count=1)
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True
    )
    try:
        root = etree.fromstring(_ENTITY.sub(_entity, plain).encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return None
    for element in root.iter():
        if element.tag is etree.Entity:
            return None
        if isinstance(element.tag, str):
            element.tag = etree.QName(element).localname.lower()
    return root


def _entity(match: re.Match[str]) -> str:
    """A named character of HTML, which XML does not know."""
    return match[0] if match[1] in _OF_XML else html.entities.html5.get(match[1], match[0])
