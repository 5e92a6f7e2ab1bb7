"""The bytes of an HTML page as a tree of lxml's elements, which know their lines in the file."""

from __future__ import annotations

import codecs
import html.entities
import re
from itertools import dropwhile
from typing import TYPE_CHECKING

from ragcli.documents.decoding import decode, looks_binary
from ragcli.documents.html_pages.names import HEADINGS
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from lxml.etree import _Element

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_DECLARED = re.compile(
    rb"""<(?:meta\b[^>]*?charset|\?xml\b[^>]*?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
_DECLARATION_BYTES = 4096
# The meaning of a name in HTML, if Python's is narrower: https://encoding.spec.whatwg.org/#names-and-labels
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
# A UTF-8 page may have a few invalid bytes; text in another encoding is hardly ever valid UTF-8.
_MOST_BAD = 0.2
_BAD = "\N{REPLACEMENT CHARACTER}"
# Elements without content that the parser does not know: everything after would be inside them.
_VOID = re.compile(r"<(wbr|source|track|embed|keygen)\b([^<>]*?)/?>", re.IGNORECASE)
# Elements that the parser nests if the end is omitted, although HTML closes the first.
_CLOSED_BY_NEXT = (frozenset({"dt", "dd"}), frozenset(HEADINGS))
_OF_HEAD = frozenset({"title", "meta", "link", "style", "script", "base", "noscript", "template"})
_OF_TABLES = frozenset({"table", "thead", "tbody", "tfoot"})
_PROLOG = re.compile(r"\s*<\?xml\b[^>]*>")
_DOCTYPE = re.compile(r"<!DOCTYPE\b[^>\[]*>", re.IGNORECASE)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*;)")
_OF_XML = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})


def parse(data: bytes, name: str, notes: list[str]) -> _Element | None:
    """The page's root, or None if there is nothing. `notes` gets a guess about the encoding.

    Raises UnreadableFile if it is not text.
    """
    text = _decoded(data, notes).replace("\r\n", "\n").replace("\r", "\n")
    root = None
    if _PROLOG.match(text) or name.lower().endswith((".xhtml", ".xht")):
        root = _parsed_as_xml(text)
    return _parsed(text) if root is None else root


def _decoded(data: bytes, notes: list[str]) -> str:
    """By the mark, as UTF-8 if possible, by the page's declaration, else guessed."""
    if looks_binary(data):
        raise UnreadableFile("binary")
    declared = "" if data.startswith(_MARKS) else _declared_encoding(data)
    if declared and not _is_utf8(data):
        return data.decode(declared, "replace")
    return decode(data, notes)


def _is_utf8(data: bytes) -> bool:
    text = data.decode("utf-8", "replace")
    bad = text.count(_BAD)
    return not bad or bad <= _MOST_BAD * sum(character > "\x7f" for character in text)


def _declared_encoding(data: bytes) -> str:
    """Python's name of the declared encoding, or "" if none or an unknown one is declared."""
    match = _DECLARED.search(data[:_DECLARATION_BYTES])
    try:
        found = codecs.lookup(match[1].decode("ascii")).name if match else ""
        b"".decode(found or "utf-8")
    except LookupError:
        return ""
    # A declaration of UTF-8 or UTF-16 in a text that is neither is wrong: the encoding must be guessed.
    return "" if found.startswith("utf") else _WIDER.get(found, found)


def _parsed(text: str) -> _Element | None:
    from lxml import etree

    # Without huge_tree, anything deeper than 256 elements or longer than 10 MB would be silently cut.
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_pis=True)
    try:
        root: _Element | None = etree.fromstring(
            _VOID.sub(r"<\1\2/>", text).encode("utf-8", "replace"), parser
        )
    except etree.XMLSyntaxError:
        return None
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise UnreadableFile("nested too deeply")
    if root is not None:
        _begin_body(root)
        _close_omitted(root)
        _wrap_cells(root)
    return root


def _begin_body(root: _Element) -> None:
    """If its tag is omitted, the parser takes unknown elements for a part of the head."""
    head = root.find("head")
    strays = [] if head is None else list(dropwhile(_is_of_head, head))
    if not strays:
        return
    body = root.find("body")
    if body is None:
        body = root.makeelement("body")
        root.append(body)
    strays[-1].tail = (strays[-1].tail or "") + (body.text or "")
    body.text = None
    body.sourceline = strays[0].sourceline
    body[:0] = strays


def _is_of_head(element: _Element) -> bool:
    return not isinstance(element.tag, str) or element.tag in _OF_HEAD


def _close_omitted(root: _Element) -> None:
    for names in _CLOSED_BY_NEXT:
        for element in list(root.iter(*names)):
            inner = next((child for child in element if child.tag in names), None)
            if inner is not None:
                _move_after(element, element[element.index(inner) :])


def _wrap_cells(root: _Element) -> None:
    """Put cells that are in a table without a row into one, as browsers do."""
    made: set[_Element] = set()
    for cell in list(root.iter("td", "th")):
        parent, before = cell.getparent(), cell.getprevious()
        if parent is None or parent.tag not in _OF_TABLES:
            continue
        if before is None or before not in made:
            before = parent.makeelement("tr")
            made.add(before)
            cell.addprevious(before)
        before.append(cell)


def _move_after(element: _Element, moved: list[_Element]) -> None:
    parent = element.getparent()
    if parent is None:
        return
    moved[-1].tail = (moved[-1].tail or "") + (element.tail or "")
    element.tail = None
    place = parent.index(element) + 1
    for node in reversed(moved):
        parent.insert(place, node)


def _parsed_as_xml(text: str) -> _Element | None:
    """XHTML, in which an empty element may close itself; None if it is not well-formed."""
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
