"""Small extractors of one file each: other programs' commands, other libraries, the file's own XML."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import tempfile
import zipfile
from pathlib import Path
from xml.etree import ElementTree


def command(*command: str | Path, timeout: int = 60) -> str | None:
    """What it prints; None where it failed."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def sheets(path: Path) -> str | None:
    """Cells as openpyxl has them; whole numbers without the fraction that the file may store."""
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
        rows = (row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))
        return "\n".join(" ".join(str(cell) for cell in row if cell is not None) for row in rows)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
        ElementTree.ParseError,
        OSError,
    ):
        return None


def slides(path: Path) -> str | None:
    """The text runs of slides and notes, straight from the XML."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if re.fullmatch(r"ppt/(slides|notesSlides)/[^/]*\.xml", n)]
            return "\n".join(_runs(archive.read(name)) for name in sorted(names, key=_number))
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError):
        return None


def _number(name: str) -> tuple[int, str]:
    return int("0" + "".join(filter(str.isdigit, name))), name


_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def _runs(xml: bytes) -> str:
    paragraphs = ElementTree.fromstring(xml).iter(f"{_DRAWING}p")
    return "\n".join("".join(run.text or "" for run in p.iter(f"{_DRAWING}t")) for p in paragraphs)


def book(path: Path) -> str | None:
    """The pages of an EPUB in the order of their names, through html2text."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.endswith((".html", ".xhtml", ".htm")) and "nav." not in n]
        parts = []
        for number, name in enumerate(sorted(names)):
            page = Path(folder) / f"{number}.html"
            page.write_bytes(archive.read(name))
            parts.append(html2text(page) or "")
    return "\n".join(parts)


def html2text(path: Path) -> str | None:
    return command("html2text", "-utf8", "-width", "500", path)


def itself(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def notebook(path: Path) -> str | None:
    """Sources and text outputs of the cells."""
    cells = json.loads(path.read_text("utf-8")).get("cells", [])
    parts = ["".join(cell["source"]) for cell in cells]
    for output in (output for cell in cells for output in cell.get("outputs", [])):
        parts.append("".join(output.get("text", output.get("data", {}).get("text/plain", ""))))
    return "\n".join(parts)


def table(path: Path) -> str:
    return "\n".join(" ".join(row) for row in csv.reader(itself(path).splitlines()))


def first_lines(table: str) -> str:
    """The first line once for each line: readers may name the columns in every row."""
    lines = table.splitlines()
    return "\n".join(lines[:1] * len(lines))
