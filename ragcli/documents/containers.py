"""Zip archives of XML (Office, OpenDocument, EPUB): opened in one checked way, with their metadata."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

from ragcli.documents.outline import one_line
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

MOST_UNPACKED_BYTES = 500_000_000
_OLE_MAGIC = b"\xd0\xcf\x11\xe0"
# The name of the one stream of an encrypted Office document.
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_ENCRYPTED = 0x1
_CORE = {
    "{http://purl.org/dc/elements/1.1/}creator": "author",
    "{http://purl.org/dc/elements/1.1/}subject": "subject",
    "{http://purl.org/dc/elements/1.1/}description": "description",
    "{http://purl.org/dc/elements/1.1/}language": "language",
    "{http://purl.org/dc/elements/1.1/}publisher": "publisher",
    "{http://purl.org/dc/elements/1.1/}date": "date",
    "{http://purl.org/dc/terms/}created": "created",
    "{http://purl.org/dc/terms/}modified": "modified",
    "{http://schemas.openxmlformats.org/package/2006/metadata/core-properties}keywords": "keywords",
    "{http://schemas.openxmlformats.org/package/2006/metadata/core-properties}category": "category",
    "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}initial-creator": "author",
    "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}creation-date": "created",
    "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}keyword": "keywords",
}
_DATES = ("created", "modified", "date")
_TITLE = "{http://purl.org/dc/elements/1.1/}title"


class Container:
    """A zip archive whose parts can be read without filling the memory. `kind` is for messages."""

    def __init__(self, data: bytes, kind: str) -> None:
        """Raises UnreadableFile if it is not an archive, or unpacks to too much."""
        if data.startswith(_OLE_MAGIC):
            if _ENCRYPTED_STREAM in data:
                raise UnreadableFile("encrypted: it needs a password")
            raise UnreadableFile("in an old Office format: save it again in a new one")
        self._kind = kind
        try:
            # zipfile reads at most the unpacked size that an entry claims.
            self._archive = zipfile.ZipFile(io.BytesIO(data))
            unpacked = sum(entry.file_size for entry in self._archive.infolist())
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as problem:
            raise UnreadableFile(f"damaged: not {kind}") from problem
        if unpacked > MOST_UNPACKED_BYTES:
            raise UnreadableFile(f"unpacks to more than {MOST_UNPACKED_BYTES // 1_000_000} MB")

    @property
    def names(self) -> list[str]:
        return self._archive.namelist()

    def read(self, name: str) -> bytes:
        """A part's bytes. Raises UnreadableFile if it is missing, damaged or encrypted."""
        import zlib

        try:
            if self._archive.getinfo(name).flag_bits & _ENCRYPTED:
                raise UnreadableFile("encrypted")
            return self._archive.read(name)
        except KeyError as problem:
            raise UnreadableFile(f"damaged: not {self._kind}") from problem
        except (
            zipfile.BadZipFile,
            zlib.error,
            ValueError,
            OSError,
            NotImplementedError,
            EOFError,
        ) as problem:
            raise UnreadableFile(f"damaged: {one_line(name)} cannot be unpacked") from problem

    def xml(self, name: str) -> Element:
        """A part's root element. Raises UnreadableFile if it is missing or damaged."""
        return parsed(self.read(name), name)

    def xml_or_none(self, name: str) -> Element | None:
        """None if there is no such part."""
        return self.xml(name) if name in self._archive.NameToInfo else None


def parsed(data: bytes, name: str) -> Element:
    """Entities are not resolved and nothing is fetched. Raises UnreadableFile."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as problem:
        raise UnreadableFile(f"damaged: {one_line(name)} is not valid XML") from problem


def properties(root: Element | None) -> tuple[str, dict[str, Any]]:
    """Title and metadata, as Office, OpenDocument and EPUB write them; dates without the time."""
    title = ""
    found: dict[str, Any] = {}
    for element in () if root is None else root.iter():
        text = one_line(element.text or "") if isinstance(element.tag, str) else ""
        if not text:
            continue
        name = _CORE.get(element.tag, "")
        if element.tag == _TITLE and not title:
            title = text
        elif name in _DATES:
            found.setdefault(name, text[:10])
        elif name in found:
            found[name] = f"{found[name]}, {text}" if text not in found[name] else found[name]
        elif name:
            found[name] = text
    return title, found
