"""A Word file's parts as trees of lxml's elements: the zip archive, its relationships, its two dialects."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from lxml.etree import _Element

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_OLE_MAGIC = b"\xd0\xcf\x11\xe0"
_MOST_UNPACKED_BYTES = 500_000_000
# "Strict" files name the same elements differently.
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
_USUAL = rb"http://schemas.openxmlformats.org/\1/2006/\2"
_OF_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


class Package:
    """Raises UnreadableFile if it is encrypted, damaged or not a Word document."""

    def __init__(self, data: bytes) -> None:
        if data.startswith(_OLE_MAGIC):
            raise UnreadableFile(
                "encrypted, or in Word's old format", hint="Save it as .docx without a password."
            )
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
            self._names = {name.lower(): name for name in self._archive.namelist()}
            unpacked = sum(entry.file_size for entry in self._archive.infolist())
        except _OF_DAMAGE as problem:
            raise UnreadableFile("damaged: not a Word document") from problem
        if unpacked > _MOST_UNPACKED_BYTES:
            raise UnreadableFile(f"unpacks to more than {_MOST_UNPACKED_BYTES // 1_000_000} MB")
        self._main = next(self._targets("", "officeDocument"), "word/document.xml")
        self._relations = dict(self._related(self._main))

    def bodies(self) -> list[_Element]:
        """One, except in files of unusual programs; Word shows all of them."""
        root = self.part(self._main)
        bodies = [] if root is None else root.findall(f"{WORD}body")
        if not bodies:
            raise UnreadableFile("damaged: not a Word document")
        return bodies

    def core(self) -> _Element | None:
        """What the document says about itself: title, author and the like."""
        return next(map(self.part, self._targets("", "core-properties")), None)

    def related(self, kind: str) -> Iterator[_Element]:
        """The parts of this kind that belong to the document: "styles", "footnotes", "header"."""
        for found, target in self._relations.values():
            if found == kind and (root := self.part(target)) is not None:
                yield root

    def by_id(self, identity: str) -> _Element | None:
        return self.part(self._relations[identity][1]) if identity in self._relations else None

    def part(self, name: str) -> _Element | None:
        """None if there is none. Raises UnreadableFile if it is damaged."""
        from lxml import etree

        if name.lower() not in self._names:
            return None
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            data = self._archive.read(self._names[name.lower()])
            return etree.fromstring(_STRICT.sub(_USUAL, data) if b"purl.oclc.org" in data else data, parser)
        except (*_OF_DAMAGE, etree.XMLSyntaxError) as problem:
            raise UnreadableFile(f"damaged: {name} cannot be read") from problem

    def _targets(self, source: str, kind: str) -> Iterator[str]:
        return (target for found, target in dict(self._related(source)).values() if found == kind)

    def _related(self, source: str) -> Iterator[tuple[str, tuple[str, str]]]:
        """(id, (the last word of its kind, the name of the part)) of everything that a part refers to."""
        folder, name = posixpath.split(source)
        root = self.part(posixpath.join(folder, "_rels", f"{name}.rels"))
        for relation in () if root is None else root.iter(_RELATIONSHIP):
            if relation.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, relation.get("Target", "")))
                kind = relation.get("Type", "").rpartition("/")[2]
                yield relation.get("Id", ""), (kind, target.lstrip("/"))


def value(element: _Element | None, path: str, otherwise: str = "") -> str:
    """The attribute w:val of a descendant, where Word stores most values."""
    found = None if element is None else element.find(path)
    return otherwise if found is None else found.get(f"{WORD}val", otherwise)


def number(element: _Element | None, path: str, otherwise: int = 0) -> int:
    try:
        return int(value(element, path, str(otherwise)))
    except ValueError:
        return otherwise


def is_on(element: _Element | None, path: str) -> bool:
    """A switch is on if it is present, unless it says that it is off."""
    found = None if element is None else element.find(path)
    return found is not None and found.get(f"{WORD}val", "1") not in ("0", "false", "off")
