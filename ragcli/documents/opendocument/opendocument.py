"""OpenDocument through lxml: texts (ODT), slides (ODP), drawings (ODG) and sheets (ODS)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragcli.documents.containers import Container, parsed, properties
from ragcli.documents.left_out import words_of
from ragcli.documents.opendocument.sheets import add_sheets
from ragcli.documents.opendocument.text import DRAW, OFFICE, PRESENTATION, SVG, Styles
from ragcli.documents.opendocument.walk import Walk
from ragcli.documents.outline import Outline
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_FORMATS = {
    suffix: format
    for format, suffixes in {
        "odt": "odt ott fodt",
        "odp": "odp otp fodp",
        "ods": "ods ots fods",
        "odg": "odg otg fodg",
    }.items()
    for suffix in suffixes.split()
}
_ZIP = b"PK\x03\x04"
_FLAT = b"<office:document"
_BEGINNING = 2000
_MANIFEST = "META-INF/manifest.xml"
_ENCRYPTED = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}encryption-data"
_LENGTH = re.compile(r"(-?[\d.]+)(cm|mm|in|pt|pc|px)?")
_CENTIMETRES = {"cm": 1.0, "mm": 0.1, "in": 2.54, "pt": 2.54 / 72, "pc": 2.54 / 6, "px": 2.54 / 96}
# Frames whose upper edges are this close are side by side, in centimetres.
_BAND = 0.6


def read_opendocument(data: bytes, name: str) -> Outline:
    """Also those of one XML file (FODT). Raises UnreadableFile for an encrypted or damaged file."""
    is_flat = not data.startswith(_ZIP) and _FLAT in data[:_BEGINNING]
    container = None if is_flat else Container(data, "an OpenDocument file")
    roots = [parsed(data, name)] if container is None else _parts(container)
    outline = Outline(_FORMATS[name.lower().rpartition(".")[2]])
    walk = Walk(outline, Styles(roots), container)
    try:
        for part in roots[0].iterfind(f"{OFFICE}body/*"):
            if part.tag in (f"{OFFICE}presentation", f"{OFFICE}drawing"):
                _add_slides(walk, part)
            elif part.tag == f"{OFFICE}spreadsheet":
                add_sheets(walk, part)
            else:
                walk.walk(part)
    except RecursionError as problem:
        raise UnreadableFile("nested too deeply") from problem
    outline.notes.extend(walk.notes())
    metas = (root.find(f"{OFFICE}meta") for root in roots)
    title, found = properties(next((meta for meta in metas if meta is not None), None))
    outline.metadata.update(found)
    outline.title = title or walk.title or outline.title
    return outline


def _parts(container: Container) -> list[Element]:
    """The text comes first."""
    manifest = container.xml_or_none(_MANIFEST)
    if manifest is not None and next(manifest.iter(_ENCRYPTED), None) is not None:
        raise UnreadableFile("encrypted: it needs a password")
    others = (container.xml_or_none(name) for name in ("styles.xml", "meta.xml"))
    return [container.xml("content.xml"), *(root for root in others if root is not None)]


def _add_slides(walk: Walk, presentation: Element) -> None:
    """A page is a slide: its title, its contents from top to bottom, then the notes."""
    pages = presentation.findall(f"{DRAW}page")
    hidden: list[str] = []
    unseen = ""
    for number, page in enumerate(pages, start=1):
        if walk.styles.is_hidden(page.get(f"{DRAW}style-name")):
            hidden.append(str(number))
            unseen += f"{walk.text_of(page)}\n"
            continue
        walk.outline.part = number
        walk.outline.set_path(())
        frames = sorted(page, key=_position)
        titles = [frame for frame in frames if frame.get(f"{PRESENTATION}class") == "title"]
        for title in titles:
            walk.outline.heading(1, walk.text_of(title))
        for frame in frames:
            if frame.tag == f"{PRESENTATION}notes":
                continue
            if frame not in titles:
                walk.shape(frame)
        for notes in page.iterfind(f"{PRESENTATION}notes/{DRAW}frame[@{PRESENTATION}class='notes']"):
            said = walk.text_of(notes)
            walk.outline.add(f"Notes: {said}" if said else "")
    walk.outline.pages = len(pages)
    if hidden:
        noun = "slides" if len(hidden) > 1 else "slide"
        walk.outline.notes.append(f"{noun} {', '.join(hidden)}: hidden, and left out ({words_of(unseen)})")


def _position(frame: Element) -> tuple[int, float]:
    return int(_centimetres(frame.get(f"{SVG}y", "")) / _BAND), _centimetres(frame.get(f"{SVG}x", ""))


def _centimetres(length: str) -> float:
    match = _LENGTH.fullmatch(length)
    try:
        return float(match[1]) * _CENTIMETRES[match[2] or "cm"] if match else 0.0
    except ValueError:
        return 0.0
