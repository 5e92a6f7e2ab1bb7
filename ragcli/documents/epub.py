"""EPUB: the chapters in the order of the spine, each read as an XHTML page."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ragcli.documents.containers import Container, properties
from ragcli.documents.html_pages.page import read_html
from ragcli.documents.left_out import words_of
from ragcli.documents.outline import Outline, one_line
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_OPF = "{http://www.idpf.org/2007/opf}"
_NCX = "{http://www.daisy.org/z3986/2005/ncx/}"
_XHTML = "{http://www.w3.org/1999/xhtml}"
_CIPHER = "{http://www.w3.org/2001/04/xmlenc#}"
# How fonts are obfuscated: everything else is readable.
_OF_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document")

Toc = dict[str, tuple[str, ...]]


def read_epub(data: bytes, name: str) -> Outline:
    """Raises UnreadableFile for a damaged book and for one that only the shop's reader can open."""
    container = Container(data, "a book in EPUB")
    _check_rights(container)
    outline = Outline("epub")
    rootfile = container.xml(_CONTAINER).find(".//{*}rootfile")
    package_name = "" if rootfile is None else rootfile.get("full-path", "")
    package = container.xml(package_name)
    outline.title, found = properties(package.find("{*}metadata"))
    outline.metadata.update(found)
    folder = posixpath.dirname(package_name)
    items = {item.get("id", ""): item for item in package.iter(f"{_OPF}item")}
    titles = _titles(container, folder, items)
    missing = 0
    for item in _spine(package, items):
        part = _place(folder, item.get("href", ""))
        if part not in container.names:
            missing += 1
            continue
        if "nav" in item.get("properties", "").split():
            contents = read_html(container.read(part), "contents.xhtml", is_chapter=True)
            said = words_of(" ".join(piece.text for piece in contents.pieces))
            outline.notes.append(f"the book's page of contents left out ({said})")
            continue
        _add_chapter(outline, container.read(part), titles.get(part))
    if missing:
        outline.notes.append(f"{missing} of the book's chapters are missing from the file")
    return outline


def _check_rights(container: Container) -> None:
    if _ENCRYPTION not in container.names:
        return
    methods = container.xml(_ENCRYPTION).iter(f"{_CIPHER}EncryptionMethod")
    if any(method.get("Algorithm") not in _OF_FONTS for method in methods):
        raise UnreadableFile("encrypted: its DRM lets only the shop's own reader open it")


def _spine(package: Element, items: dict[str, Element]) -> Iterator[Element]:
    """Pages in reading order."""
    for reference in package.iter(f"{_OPF}itemref"):
        item = items.get(reference.get("idref", ""))
        if item is not None and item.get("media-type") in _PAGES:
            yield item


def _add_chapter(outline: Outline, data: bytes, path: tuple[str, ...] | None) -> None:
    """Below its title in the book's contents, unless it has one; without either it continues the last one."""
    page = read_html(data, "chapter.xhtml", is_chapter=True)
    has_heading = bool(page.pieces and page.pieces[0].headings) or not page.pieces
    if path is not None:
        if not has_heading and page.pieces[0].text == path[-1] and len(page.pieces) > 1:
            # A heading that is formatted as a paragraph.
            del page.pieces[0]
        outline.set_path(path[:-1] if has_heading else path)
    elif has_heading:
        outline.set_path(())
    outline.include(page)


def _titles(container: Container, folder: str, items: dict[str, Element]) -> Toc:
    """The path of titles that leads to each page, from the navigation of EPUB 3, else of EPUB 2."""
    for item in items.values():
        if "nav" in item.get("properties", "").split():
            return _from_nav(container, _place(folder, item.get("href", "")))
    for item in items.values():
        if item.get("media-type") == "application/x-dtbncx+xml":
            return _from_ncx(container, _place(folder, item.get("href", "")))
    return {}


def _from_nav(container: Container, name: str) -> Toc:
    found: Toc = {}
    root = container.xml_or_none(name)
    for link in () if root is None else root.iterfind(f".//{_XHTML}nav//{_XHTML}a"):
        items = reversed([*link.iterancestors(f"{_XHTML}li")])
        path = tuple(one_line("".join(item[0].itertext())) for item in items if len(item))
        found.setdefault(_place(posixpath.dirname(name), link.get("href", "")), tuple(filter(None, path)))
    return {place: path for place, path in found.items() if path}


def _from_ncx(container: Container, name: str) -> Toc:
    found: Toc = {}
    root = container.xml_or_none(name)
    for point in () if root is None else root.iter(f"{_NCX}navPoint"):
        points = [*reversed([*point.iterancestors(f"{_NCX}navPoint")]), point]
        path = tuple(one_line(one.findtext(f"{_NCX}navLabel/{_NCX}text") or "") for one in points)
        content = point.find(f"{_NCX}content")
        if content is not None:
            place = _place(posixpath.dirname(name), content.get("src", ""))
            found.setdefault(place, tuple(filter(None, path)))
    return {place: path for place, path in found.items() if path}


def _place(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))
