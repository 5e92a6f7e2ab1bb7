"""Which program made a file, as far as the file says."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

from fidelity_packages import FILES


def producer(path: Path) -> str | None:
    """The program that made the file, as far as it says; None where the file is none to compare."""
    suffix = path.suffix[1:].lower()
    package = path.relative_to(FILES).parts[0]
    if suffix in ("html", "htm", "xhtml"):
        return _html_producer(path.read_bytes()[:8000].decode("utf-8", "replace"), package)
    if suffix == "pdf":
        return _pdf_producer(path)
    if suffix in ("docx", "pptx", "xlsx"):
        return _office_producer(path)
    return f"{package}'s own"


_GENERATOR = re.compile(
    r"<meta[^>]*generator[^>]*content=[\"']([^\"']*)|<meta[^>]*content=[\"']([^\"']*)[\"'][^>]*generator",
    re.IGNORECASE,
)


def _html_producer(head: str, package: str) -> str | None:
    # Frames and redirections show another page.
    if re.search(r"<frameset|http-equiv=[\"']?refresh", head, re.IGNORECASE):
        return None
    found = _GENERATOR.search(head)
    name = (found.group(1) or found.group(2)) if found else ""
    if "sphinx" in head.lower() and (not name or name.startswith("Docutils")):
        return "Sphinx"
    return (
        re.split(r"[\s/,:]+(?:V?\d|V?snapshot|https?:|see)|/", " ".join(name.split()))[0]
        or f"{package}'s own"
    )


_PDF_FAMILY = re.compile(
    r"\b(LuaTeX|LuaHBTeX|xdvipdfmx|dvipdfmx|dvipdfm|XeTeX|pdfTeX|pdfeTeX|pdfLaTeX|Ghostscript|Distiller|cairo|Word"
    r"|Visio|Quartz|macOS|PDF Library|ReportLab|iText|PARI|Ipe|ImageMagick|PowerPoint|OpenOffice|Skia|R\b)",
    re.IGNORECASE,
)


def _pdf_producer(path: Path) -> str | None:
    command = ["pdfinfo", path]
    told = subprocess.run(command, capture_output=True, text=True, errors="replace").stdout
    fields = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
    most = 60 if "TeX" in fields.get("Producer", "") else 150
    if not 1 <= int(fields.get("Pages", "0")) <= most or fields.get("Encrypted", "").strip().startswith(
        "yes"
    ):
        return None
    text = subprocess.run(
        ["pdftotext", "-l", "5", path, "-"], capture_output=True, text=True, errors="replace"
    ).stdout
    if len(text.split()) < 80:
        return None
    producer, creator = fields.get("Producer", "").strip(), fields.get("Creator", "").strip()
    found = _PDF_FAMILY.search(producer)
    family = found.group(1) if found else None
    if family == "Ghostscript" and creator.startswith(("groff", "dvips")):
        return f"{creator.split()[0].split('(')[0]} and Ghostscript"
    return family or f"PDF of {path.relative_to(FILES).parts[0]}"


def _office_producer(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            if "docProps/app.xml" not in archive.namelist():
                return f"{path.relative_to(FILES).parts[0]}'s own"
            properties = archive.read("docProps/app.xml").decode("utf-8", "replace")
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return None
    found = re.search(r"<(?:\w+:)?Application>([^<]*)", properties)
    return (
        " ".join((found.group(1) if found else "").split("/")[0].split())
        or f"{path.relative_to(FILES).parts[0]}'s own"
    )


def is_crash_test(path: Path) -> bool:
    """Files that were broken on purpose, or hold nothing but a fault."""
    return (
        re.search(r"crash|fuzz|poc-|password|protected|encrypt|invalid|truncat|bomb|xxe", path.name.lower())
        is not None
    )
