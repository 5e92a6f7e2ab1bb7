"""An XML file as a tree, without following it to other files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ragcli.documents.decoding import decode

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_TECHNICAL = "{http://www.w3.org/"


def parsed(data: bytes, notes: list[str]) -> Element | None:
    """The root; None if there is none. A damaged file is read as far as possible, with a note."""
    from lxml import etree

    def parse(content: bytes, *, recover: bool) -> Element | None:
        # Entities that the file declares itself are its text; others would be other files.
        parser = etree.XMLParser(
            resolve_entities="internal",
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
            recover=recover,
        )
        try:
            return etree.fromstring(content, parser)
        except (etree.XMLSyntaxError, ValueError):
            return None

    root = parse(data, recover=False)
    if root is None:
        text = _DECLARATION.sub("", decode(data, notes), count=1)
        root = parse(text.encode("utf-8"), recover=False)
        if root is None:
            root = parse(text.encode("utf-8"), recover=True)
            notes.append("the XML is damaged: read as far as it goes")
    return root


def local_name(element: Element) -> str:
    """Without the namespace; "" for an entity that is not resolved."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def inner_text(element: Element) -> str:
    return "".join(element.itertext())


def has_text(element: Element) -> bool:
    """Whether there is text in it between other elements."""
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


def attributes(element: Element) -> Iterator[tuple[str, str]]:
    """Name and value of each attribute that is not XML's own."""
    for name, value in element.attrib.items():
        if not str(name).startswith((_TECHNICAL, "xml")):
            yield str(name).rpartition("}")[2], str(value)
