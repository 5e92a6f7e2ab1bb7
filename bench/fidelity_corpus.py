"""The files of the comparison: Debian's documentation packages, and the documents that three programs keep in
their sources.

`fidelity-files.txt` names them: packages with their versions, then a file a line with the program that made
it. A file under `made/` is made here, by pandoc, LibreOffice or Chromium, from one of the others.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fidelity_packages import CACHE, FILES, LIST, download, packages, version
from fidelity_producers import is_crash_test, producer

# How many files of one producer and package are taken, by suffix.
MOST = {
    "html": 4,
    "pdf": 4,
    "docx": 25,
    "pptx": 12,
    "xlsx": 12,
    "odt": 8,
    "md": 6,
    "rst": 6,
    "txt": 2,
    "rtf": 8,
}
MOST |= {"epub": 6, "ipynb": 4, "tex": 4, "csv": 6, "ods": 4, "adoc": 6}
SUFFIXES = {"htm": "html", "xhtml": "html", "markdown": "md", "asciidoc": "adoc"}
MOST_BYTES = 1_500_000
FEWEST_BYTES = 400
SEED = "fidelity"


@dataclass(frozen=True, slots=True)
class Entry:
    """`path` lies under FILES; `made_from` names the file that it was made from, if it was made here."""

    path: str
    producer: str
    made_from: str = ""

    @property
    def suffix(self) -> str:
        return self.path.rpartition(".")[2]


def entries() -> list[Entry]:
    lines = [line for line in LIST.read_text().splitlines() if not line.startswith("#")]
    return [Entry(*line.split("\t")) for line in lines]


def fetch() -> None:
    """Download, unpack, and make what is missing of the files that the list names."""
    wanted = entries()
    download(set(MOST))
    for entry in wanted:
        if not (FILES / entry.path).exists():
            _take(entry)


def _take(entry: Entry) -> None:
    target = FILES / entry.path
    target.parent.mkdir(parents=True, exist_ok=True)
    if entry.made_from:
        make(FILES / entry.made_from, target, entry.producer)
    elif not target.exists():
        print(f"{entry.path} is not in the package any more", file=sys.stderr)


def choose() -> None:
    """Write the list: of each producer in each of its packages the first few by the hash of their names.

    A package more is a line "# name" in the list.
    """
    download(set(MOST))
    groups: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for package in packages():
        for path in _documents(FILES / package):
            maker = producer(path)
            if maker and not is_crash_test(path):
                suffix = SUFFIXES.get(path.suffix[1:].lower(), path.suffix[1:].lower())
                # Thousands of PDFs are TeX's, and one package holds most: packages count for the others only.
                kind = "" if suffix == "pdf" else package
                groups[suffix, kind, maker].append(Entry(str(path.relative_to(FILES)), maker))
    chosen = [
        entry
        for (suffix, _, _), members in sorted(groups.items())
        for entry in sorted(members, key=lambda entry: _lot(entry.path))[: MOST[suffix]]
    ]
    # What was made may be made something else again: a page becomes ODT and then DOCX.
    for entry in _made(chosen):
        chosen.append(entry)
    lines = [" ".join(["#", name, version(name), *rest[1:]]) for name, rest in packages().items()]
    lines += ["\t".join(filter(None, (e.path, e.producer, e.made_from))) for e in chosen]
    LIST.write_text("\n".join(lines) + "\n")


def _lot(path: str) -> str:
    return hashlib.sha256(f"{SEED} {path}".encode()).hexdigest()


def _documents(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        suffix = path.suffix[1:].lower()
        if path.is_symlink() or SUFFIXES.get(suffix, suffix) not in MOST or not path.is_file():
            continue
        if FEWEST_BYTES <= path.stat().st_size <= MOST_BYTES and "\t" not in str(path):
            yield path


def _made(chosen: list[Entry]) -> Iterator[Entry]:
    """What has too few real files: manuals as Office documents, printed pages, books, notebooks."""
    for suffix, recipes in _RECIPES.items():
        sources = [e for e in chosen if e.suffix == suffix]
        sources.sort(key=lambda e: _lot("made " + e.path))
        for number, (maker, to, most) in enumerate(recipes):
            for entry in sources[number * 7 : number * 7 + most]:
                name = entry.path.replace("/usr/share/doc/", "/").rpartition(".")[0].replace("/", "_")
                yield Entry(f"made/{maker}/{name}.{to}", maker, entry.path)


_RECIPES = {
    "html": [
        ("Chromium", "pdf", 8),
        ("pandoc", "docx", 6),
        ("pandoc", "epub", 6),
        ("pandoc", "odt", 5),
        ("LibreOffice", "odt", 6),
        ("pandoc", "rtf", 4),
    ],
    "docx": [("LibreOffice", "odt", 6), ("LibreOffice", "pdf", 12), ("LibreOffice", "rtf", 8)],
    "odt": [("LibreOffice", "docx", 10), ("LibreOffice", "pdf", 6)],
    "pptx": [("LibreOffice", "pdf", 4), ("LibreOffice", "pptx", 6)],
    "xlsx": [("LibreOffice", "ods", 8), ("LibreOffice", "xlsx", 6), ("LibreOffice", "csv", 6)],
    "rst": [("pandoc", "ipynb", 4), ("pandoc", "tex", 4), ("pandoc", "adoc", 8)],
    "md": [("pandoc", "pptx", 3), ("pandoc", "ipynb", 3), ("pandoc", "adoc", 6)],
}


def make(source: Path, target: Path, producer: str) -> None:
    if producer == "pandoc":
        subprocess.run(["pandoc", "--quiet", "-s", source, "-o", target], check=False, cwd=source.parent)
    elif producer == "Chromium":
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        command += [
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--print-to-pdf={target}",
            source.resolve().as_uri(),
        ]
        subprocess.run(command, check=False, capture_output=True)
    else:
        command = ["soffice", "--headless", f"-env:UserInstallation=file://{CACHE}/office", "--convert-to"]
        with tempfile.TemporaryDirectory() as folder:
            command += [target.suffix[1:], "--outdir", folder, source]
            subprocess.run(command, check=False, capture_output=True, timeout=120)
            for made in Path(folder).iterdir():
                shutil.move(made, target)
    if not target.exists():
        print(f"{producer} made nothing of {source.relative_to(FILES)}", file=sys.stderr)
