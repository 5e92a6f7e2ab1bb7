"""The files of the comparison: Debian's documentation packages, and the documents that three programs keep in
their sources.

`fidelity-files.txt` names them: packages with their versions, then a file a line with the program that made
it. A file under `made/` is made here, by pandoc, LibreOffice or Chromium, from one of the others.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE / ".cache" / "fidelity"
FILES = CACHE / "files"
LIST = HERE / "fidelity-files.txt"

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


def packages() -> dict[str, list[str]]:
    """Name -> its version, and "source" where the files are those of the source package."""
    lines = (line[2:].split() for line in LIST.read_text().splitlines() if line.startswith("# "))
    return {name: rest for name, *rest in lines}


def fetch() -> None:
    """Download, unpack, and make what is missing of the files that the list names."""
    wanted = entries()
    _download()
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


def _download() -> None:
    (CACHE / "packages").mkdir(parents=True, exist_ok=True)
    FILES.mkdir(parents=True, exist_ok=True)
    for name, rest in packages().items():
        if not (FILES / name).exists():
            unpack = _unpack_source if "source" in rest else _unpack_binary
            unpack(name, rest[0] if rest else None)


def _unpack_binary(name: str, version: str | None) -> None:
    print(f"fetching {name}", file=sys.stderr)
    at = CACHE / "packages"
    fetched = (
        version
        and subprocess.run(["apt-get", "-qq", "download", f"{name}={version}"], cwd=at).returncode == 0
    )
    if not fetched:
        if version:
            print(f"{name} {version} is gone from the archive: taking the present version", file=sys.stderr)
        subprocess.run(["apt-get", "-qq", "download", name], cwd=at, check=True)
    newest = max(at.glob(f"{name}_*.deb"), key=lambda path: path.stat().st_mtime)
    subprocess.run(["dpkg", "-x", newest, FILES / name], check=True)


def _unpack_source(name: str, version: str | None) -> None:
    """Sources are looked up in a state of apt's of our own: the system's lists stay as they are."""
    print(f"fetching the source of {name}", file=sys.stderr)
    at = CACHE / "packages"
    options = _source_options()
    for what in ([f"{name}={version}"] if version else []) + [name]:
        command = ["apt-get", *options, "-qq", "source", "--download-only", "--only-source", what]
        if subprocess.run(command, cwd=at).returncode == 0:
            break
    else:
        sys.exit(f"apt-get source {name} failed")
    archive = next(path for path in at.glob(f"{name}_*.orig.tar.*") if path.suffix != ".asc")
    with tarfile.open(archive) as tar:
        documents = [member for member in tar.getmembers() if member.name.rpartition(".")[2] in MOST]
        tar.extractall(FILES / name, documents, filter="data")


def _source_options() -> list[str]:
    state = CACHE / "apt"
    list_file = state / "sources.list"
    options = [
        f"-oDir::Etc::sourcelist={list_file}",
        "-oDir::Etc::sourceparts=/dev/null",
        f"-oDir::State::lists={state / 'lists'}",
        f"-oDir::Cache={state / 'cache'}",
    ]
    if not list_file.exists():
        (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        (state / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        command = [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(CODENAME) $(COMPONENT)",
            "Created-By: Packages",
            "Origin: Debian",
        ]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        list_file.write_text("".join(f"deb-src {line}\n" for line in dict.fromkeys(found)))
        subprocess.run(["apt-get", *options, "-qq", "update"], check=True)
    return options


def choose() -> None:
    """Write the list: of each producer in each of its packages the first few by the hash of their names.

    A package more is a line "# name" in the list.
    """
    _download()
    groups: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for package in packages():
        for path in _documents(FILES / package):
            producer = _producer(path)
            if producer and not _is_crash_test(path):
                suffix = SUFFIXES.get(path.suffix[1:].lower(), path.suffix[1:].lower())
                # Thousands of PDFs are TeX's, and one package holds most: packages count for the others only.
                kind = "" if suffix == "pdf" else package
                groups[suffix, kind, producer].append(Entry(str(path.relative_to(FILES)), producer))
    chosen = [
        entry
        for (suffix, _, _), members in sorted(groups.items())
        for entry in sorted(members, key=lambda entry: _lot(entry.path))[: MOST[suffix]]
    ]
    # What was made may be made something else again: a page becomes ODT and then DOCX.
    for entry in _made(chosen):
        chosen.append(entry)
    lines = [" ".join(["#", name, _version(name), *rest[1:]]) for name, rest in packages().items()]
    lines += ["\t".join(filter(None, (e.path, e.producer, e.made_from))) for e in chosen]
    LIST.write_text("\n".join(lines) + "\n")


def _is_crash_test(path: Path) -> bool:
    """Files that were broken on purpose, or hold nothing but a fault."""
    return (
        re.search(r"crash|fuzz|poc-|password|protected|encrypt|invalid|truncat|bomb|xxe", path.name.lower())
        is not None
    )


def _lot(path: str) -> str:
    return hashlib.sha256(f"{SEED} {path}".encode()).hexdigest()


def _documents(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        suffix = path.suffix[1:].lower()
        if path.is_symlink() or SUFFIXES.get(suffix, suffix) not in MOST or not path.is_file():
            continue
        if FEWEST_BYTES <= path.stat().st_size <= MOST_BYTES and "\t" not in str(path):
            yield path


def _producer(path: Path) -> str | None:
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


def _version(name: str) -> str:
    found = next(path for end in ("deb", "dsc") for path in (CACHE / "packages").glob(f"{name}_*.{end}"))
    return found.stem.split("_")[1].replace("%3a", ":")


def _made(chosen: list[Entry]) -> Iterator[Entry]:
    """What has too few real files: manuals as Office documents, printed pages, books, notebooks."""
    for suffix, recipes in _RECIPES.items():
        sources = [e for e in chosen if e.suffix == suffix]
        sources.sort(key=lambda e: _lot("made " + e.path))
        for number, (producer, to, most) in enumerate(recipes):
            for entry in sources[number * 7 : number * 7 + most]:
                name = entry.path.replace("/usr/share/doc/", "/").rpartition(".")[0].replace("/", "_")
                yield Entry(f"made/{producer.replace(' ', '-')}/{name}.{to}", producer, entry.path)


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
        subprocess.run(["pandoc", "--quiet", source, "-o", target], check=False, cwd=source.parent)
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
        command += [target.suffix[1:], "--outdir", target.parent / "out", source]
        subprocess.run(command, check=False, capture_output=True, timeout=120)
        for made in (target.parent / "out").glob("*"):
            shutil.move(made, target)
    if not target.exists():
        print(f"{producer} made nothing of {source.relative_to(FILES)}", file=sys.stderr)
