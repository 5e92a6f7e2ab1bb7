"""The independent extractors that the comparison trusts, and what each makes of a file; kept in a cache.

An extractor gets paths and yields texts. What it could not read is None.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import fidelity_files as files
from fidelity_browser import Browser
from fidelity_packages import CACHE, FILES


@dataclass(frozen=True, slots=True)
class Reading:
    """`spare` is text that may be missing or not; `navigation` what the page marks as not content."""

    text: str | None
    headings: list[str] = field(default_factory=list)
    navigation: list[str] = field(default_factory=list)
    spare: str = ""
    seconds: float = 0.0
    pages: int = 0
    notes: list[str] = field(default_factory=list)


Extractor = Callable[[list[Path]], Iterable[Reading]]


def readings(name: str, paths: list[Path]) -> list[Reading]:
    """What the extractor of this name makes of each path, from the cache where it was asked before."""
    kept = {path: CACHE / "texts" / name / f"{_key(path)}.json" for path in paths}
    missing = [path for path in paths if not kept[path].exists()]
    if missing:
        print(f"{name}: {len(missing)} files", file=sys.stderr)
        (CACHE / "texts" / name).mkdir(parents=True, exist_ok=True)
        for path, reading in zip(missing, EXTRACTORS[name](missing), strict=True):
            kept[path].write_text(json.dumps(asdict(reading)))
    return [Reading(**json.loads(kept[path].read_text())) for path in paths]


def _key(path: Path) -> str:
    return hashlib.sha256(str(path.relative_to(FILES)).encode() + path.read_bytes()).hexdigest()[:24]


def _each(one: Callable[[Path], str | None]) -> Extractor:
    return lambda paths: (Reading(one(path)) for path in paths)


def _chromium(paths: list[Path]) -> Iterator[Reading]:
    with Browser() as browser:
        for path in paths:
            shown = browser.look(path)
            yield Reading(shown["text"], shown["headings"], shown["navigation"], shown["unseen"])


def _rendered(*command: str) -> Extractor:
    """Markup as a reader sees it: the command prints a page of it, Chromium shows that."""

    def read(paths: list[Path]) -> Iterator[Reading]:
        with tempfile.TemporaryDirectory() as folder, Browser() as browser:
            page = Path(folder) / "page.html"
            for path in paths:
                made = files.command(*command, path)
                if made:
                    page.write_text(made)
                    shown = browser.look(page)
                    yield Reading(shown["text"], shown["headings"], spare=shown["unseen"])
                else:
                    yield Reading(None)

    return read


def _pandoc(paths: list[Path]) -> Iterator[Reading]:
    """Plain text, and the headings that pandoc's own tree has."""
    for path in paths:
        options = ("--quiet", "--sandbox", "--track-changes=accept", "-t", "json")
        tree = files.command("pandoc", *options, path) if _is_readable(path) else None
        text = None
        if tree is not None:
            command = ["pandoc", "--quiet", "-f", "json", "-t", "plain", "--wrap=none"]
            done = subprocess.run(command, input=tree.encode(), capture_output=True)
            text = done.stdout.decode("utf-8", "replace")
        headings = [] if tree is None else map(_inlines, _headers(json.loads(tree)["blocks"]))
        yield Reading(text, [heading for heading in headings if heading.strip()])


def _is_readable(path: Path) -> bool:
    """Whether pandoc, which takes every text for UTF-8, can be believed."""
    if path.suffix not in (".tex", ".rst"):
        return True
    try:
        path.read_text("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _headers(blocks: Any) -> Iterator[Any]:
    if isinstance(blocks, dict):
        if blocks.get("t") == "Header":
            yield blocks["c"][2]
        else:
            yield from _headers(blocks.get("c"))
    elif isinstance(blocks, list):
        for block in blocks:
            yield from _headers(block)


# The words of these come second, after attributes or a kind.
_SECOND = {"Link", "Image", "Span", "Code", "Quoted", "Cite", "Math"}


def _inlines(inlines: Any) -> str:
    if isinstance(inlines, list):
        return "".join(map(_inlines, inlines))
    if not isinstance(inlines, dict):
        return str(inlines)
    kind, content = inlines["t"], inlines.get("c", "")
    if kind in ("Note", "RawInline"):
        return ""
    if kind in ("Space", "SoftBreak", "LineBreak"):
        return " "
    return _inlines(content[1] if kind in _SECOND else content)


def _pdftotext(paths: list[Path]) -> Iterator[Reading]:
    """Poppler's text in reading order; the bookmarks are the headings that the author gave."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    for path in paths:
        try:
            reader = PdfReader(path)
            headings, pages = list(_bookmarks(reader.outline)), len(reader.pages)
        except (PyPdfError, RecursionError, ValueError, KeyError, TypeError, AttributeError):
            headings, pages = [], 0
        text = files.command("pdftotext", path, "-")
        yield Reading(text, headings, _running(text or ""), pages=pages)


_NUMBERS = re.compile(r"\b[\divxlc]+\b", re.IGNORECASE)


def _running(text: str) -> list[str]:
    """Page numbers, and the lines at the edges of pages that stand on several but for their numbers."""
    edges: list[tuple[int, str]] = []
    for number, page in enumerate(text.split("\f")):
        lines = [line.strip() for line in page.splitlines() if line.strip()]
        edges += [(number, line) for line in {*lines[:3], *lines[-3:]}]
    pages: dict[str, set[int]] = {}
    for number, line in edges:
        pages.setdefault(_NUMBERS.sub("#", line), set()).add(number)
    return [
        line
        for _, line in edges
        if _NUMBERS.sub("", line).strip(" -–—/.[]") == "" or len(pages[_NUMBERS.sub("#", line)]) > 1
    ]


def _bookmarks(outline: Any) -> Iterator[str]:
    for item in outline:
        if isinstance(item, list):
            yield from _bookmarks(item)
        elif item.title:
            yield str(item.title)


def _office(to: str) -> Extractor:
    """LibreOffice converts many files in one run; those that it made nothing of, once more each alone."""

    def read(paths: list[Path]) -> Iterator[Reading]:
        with tempfile.TemporaryDirectory() as folder:
            copies = [Path(folder) / f"{number:05}{path.suffix}" for number, path in enumerate(paths)]
            for path, copy in zip(paths, copies, strict=True):
                shutil.copy(path, copy)
            for start in range(0, len(copies), 20):
                _convert(to, copies[start : start + 20])
            for copy in copies:
                if not _converted(copy):
                    _convert(to, [copy])
                made = _converted(copy)
                text = _office_text(made) if made else None
                yield Reading(text, spare=files.first_lines(text or "") if to.startswith("csv") else "")

    return read


def _convert(to: str, copies: list[Path]) -> None:
    out = copies[0].parent / "out"
    soffice = ("soffice", "--headless", f"-env:UserInstallation=file://{CACHE}/office", "--convert-to", to)
    files.command(*soffice, "--outdir", out, *copies, timeout=60 + 5 * len(copies))


def _converted(copy: Path) -> list[Path]:
    return sorted((copy.parent / "out").glob(f"{copy.stem}*"))


def _office_text(made: list[Path]) -> str:
    if made[0].suffix == ".pdf":
        return files.command("pdftotext", made[0], "-") or ""
    # Hanging zero bytes of old files are not text.
    return "\n".join(file.read_text("utf-8", "replace").replace("\0", "") for file in made)


def _tables(paths: list[Path]) -> Iterator[Reading]:
    for path in paths:
        text = files.table(path)
        yield Reading(text, spare=files.first_lines(text))


SHEETS_AS_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"

EXTRACTORS: dict[str, Extractor] = {
    "chromium": _chromium,
    "rendered": _rendered(
        "pandoc", "--quiet", "--sandbox", "-f", "gfm", "-t", "html", "-s", "-M", "pagetitle=-"
    ),
    "asciidoctor": _rendered(
        "asciidoctor", "-q", "-S", "secure", "-a", "linkcss!", "-a", "nofooter", "-o", "-"
    ),
    "html2text": _each(files.html2text),
    "pandoc": _pandoc,
    "pdftotext": _pdftotext,
    "mutool": _each(lambda path: files.command("mutool", "draw", "-q", "-F", "txt", path)),
    "docx2txt": _each(lambda path: files.command("docx2txt", path, "-")),
    "LibreOffice": _office("txt:Text (encoded):UTF8"),
    "LibreOffice's pages": _office("pdf"),
    "LibreOffice's sheets": _office(SHEETS_AS_CSV),
    "openpyxl": _each(files.sheets),
    "text runs": _each(files.slides),
    "pages by html2text": _each(files.book),
    "cells": _each(files.notebook),
    "itself": _each(files.itself),
    "table": _tables,
}

# What a word must stand in to count: the only one, or else two of them. The first gives the order, and the
# headings where it knows them.
REFERENCES: dict[str, tuple[str, ...]] = {
    "html": ("chromium",),
    "pdf": ("pdftotext", "mutool"),
    "docx": ("pandoc", "LibreOffice", "docx2txt"),
    "odt": ("pandoc", "LibreOffice"),
    "rtf": ("LibreOffice", "pandoc"),
    "pptx": ("text runs", "LibreOffice's pages"),
    "xlsx": ("LibreOffice's sheets", "openpyxl"),
    "ods": ("LibreOffice's sheets",),
    "epub": ("pandoc", "pages by html2text"),
    "ipynb": ("pandoc", "cells"),
    "md": ("rendered",),
    "rst": ("pandoc",),
    "tex": ("pandoc",),
    "adoc": ("asciidoctor",),
    "csv": ("table",),
    "txt": ("itself",),
}
