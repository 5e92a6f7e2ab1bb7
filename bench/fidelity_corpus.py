"""The files of the comparison: Debian's documentation packages, and documents in the sources of two programs.

`fidelity-files.txt` names them: packages with their versions, then a file a line with the program that made it. A
file under `made/` is made here, by pandoc, LibreOffice or Chromium, from one of the others.
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

BINARIES = (
    "apache2-doc asciidoctor-doc avr-libc avrdude-doc bacula-doc bash-doc bind9-doc debian-policy debian-reference-en "
    "developers-reference docbook-xsl-doc-html docutils-doc doxygen-doc exim4-doc-html festival-doc fop-doc "
    "freetype2-doc gap-doc ghc-doc ghostscript-doc git-doc gnuplot-doc gnumeric-doc graphviz-doc groff hol88-doc "
    "icinga2-doc kicad-doc-en latex2html libboost1.81-doc libeigen3-doc libglib2.0-doc libgtk-3-doc libvirt-doc "
    "lyx-common maint-guide mcl-doc nodejs-doc octave-doc ocrmypdf-doc openjdk-17-doc pari-doc perl-doc phylip-doc "
    "postfix-doc postgresql-doc-15 python-flask-doc python-pandas-doc python-reportlab-doc python-sqlalchemy-doc "
    "python3.11-doc r-doc-html r-doc-pdf rust-doc sdcc-doc slepc3.18-doc sphinx-doc sqlite3-doc tcl8.6-doc "
    "texlive-fonts-recommended-doc texlive-publishers-doc texlive-xetex valgrind winff-doc xorg-docs yorick-doc zsh-doc"
).split()
SOURCES = ("libapache-poi-java", "pandoc", "unrtf")

# How many files of one producer and package are taken, by suffix.
MOST = {"html": 4, "pdf": 4, "docx": 25, "pptx": 12, "xlsx": 12, "odt": 8, "md": 6, "rst": 6, "txt": 2, "rtf": 8}
MOST |= {"epub": 6, "ipynb": 4, "tex": 4, "csv": 6, "ods": 4, "adoc": 6}
SUFFIXES = {"htm": "html", "xhtml": "html", "markdown": "md", "asciidoc": "adoc"}
MOST_BYTES = 1_500_000
FEWEST_BYTES = 400
SEED = "fidelity"


@dataclass(frozen=True, slots=True)
class Entry:
    """`path` lies under FILES; `made_from` is the file that it was made from, "" for a file as it was found."""

    path: str
    producer: str
    made_from: str = ""

    @property
    def suffix(self) -> str:
        return self.path.rpartition(".")[2]


def entries() -> list[Entry]:
    if not LIST.exists():
        sys.exit(f"{LIST} is missing: python bench/fidelity.py --choose")
    lines = [line for line in LIST.read_text().splitlines() if not line.startswith("#")]
    return [Entry(*line.split("\t")) for line in lines]


def versions() -> dict[str, str]:
    """Package -> version, as the list has them."""
    pairs = (line[2:].split() for line in LIST.read_text().splitlines() if line.startswith("# "))
    return {name: version for name, version in pairs}


def fetch() -> None:
    """Download, unpack, and make what is missing of the files that the list names."""
    wanted, pinned = entries(), versions()
    _download({entry.path.split("/")[0] for entry in wanted if not entry.made_from}, pinned)
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


def _download(packages: set[str], pinned: dict[str, str]) -> None:
    (CACHE / "packages").mkdir(parents=True, exist_ok=True)
    FILES.mkdir(parents=True, exist_ok=True)
    for name in sorted(packages):
        if (FILES / name).exists():
            continue
        if name in SOURCES:
            _unpack_source(name, pinned.get(name))
        else:
            _unpack_binary(name, pinned.get(name))


def _unpack_binary(name: str, version: str | None) -> None:
    print(f"fetching {name}", file=sys.stderr)
    at = CACHE / "packages"
    fetched = version and subprocess.run(["apt-get", "-qq", "download", f"{name}={version}"], cwd=at).returncode == 0
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
        command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages", "Origin: Debian"]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        list_file.write_text("".join(f"deb-src {line}\n" for line in dict.fromkeys(found)))
        subprocess.run(["apt-get", *options, "-qq", "update"], check=True)
    return options


def choose() -> None:
    """Write the list: of each producer in each package the first few by the hash of their names."""
    _download({*BINARIES, *SOURCES}, versions() if LIST.exists() else {})
    groups: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for package in (*BINARIES, *SOURCES):
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
    lines = [f"# {name} {_version(name)}" for name in sorted({e.path.split("/")[0] for e in chosen} - {"made"})]
    lines += ["\t".join(filter(None, (e.path, e.producer, e.made_from))) for e in chosen]
    LIST.write_text("\n".join(lines) + "\n")


def _is_crash_test(path: Path) -> bool:
    """Files that were broken on purpose, or hold nothing but a fault."""
    return re.search(r"crash|fuzz|poc-|password|protected|encrypt|invalid|truncat|bomb|xxe", path.name.lower()) is not None


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
    r"<meta[^>]*generator[^>]*content=[\"']([^\"']*)|<meta[^>]*content=[\"']([^\"']*)[\"'][^>]*generator", re.IGNORECASE
)


def _html_producer(head: str, package: str) -> str | None:
    # Frames and redirections show another page.
    if re.search(r"<frameset|http-equiv=[\"']?refresh", head, re.IGNORECASE):
        return None
    found = _GENERATOR.search(head)
    name = (found.group(1) or found.group(2)) if found else ""
    if "sphinx" in head.lower() and (not name or name.startswith("Docutils")):
        return "Sphinx"
    return re.split(r"[\s/,:]+(?:V?\d|V?snapshot|https?:|see)|/", " ".join(name.split()))[0] or f"{package}'s own"


_PDF_FAMILIES = (
    "LuaTeX LuaHBTeX xdvipdfmx dvipdfmx dvipdfm XeTeX pdfTeX pdfeTeX Ghostscript Distiller cairo Word Visio Quartz macOS "
    "PDF.Library ReportLab iText PARI Ipe ImageMagick pdflatex PowerPoint LibreOffice OpenOffice Skia R"
).split()


def _pdf_producer(path: Path) -> str | None:
    command = ["pdfinfo", path]
    told = subprocess.run(command, capture_output=True, text=True, errors="replace").stdout
    fields = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
    most = 60 if "TeX" in fields.get("Producer", "") else 150
    if not 1 <= int(fields.get("Pages", "0")) <= most or fields.get("Encrypted", "").strip().startswith("yes"):
        return None
    text = subprocess.run(["pdftotext", "-l", "5", path, "-"], capture_output=True, text=True, errors="replace").stdout
    if len(text.split()) < 80:
        return None
    producer, creator = fields.get("Producer", "").strip(), fields.get("Creator", "").strip()
    family = next((f for f in _PDF_FAMILIES if re.search(rf"\b{f}", producer, re.IGNORECASE)), None)
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
    return " ".join((found.group(1) if found else "").split("/")[0].split()) or f"{path.relative_to(FILES).parts[0]}'s own"


def _version(name: str) -> str:
    found = next(iter((CACHE / "packages").glob(f"{name}_*.d*")))
    version = found.name.removeprefix(f"{name}_").removesuffix(".deb").removesuffix(".dsc")
    return version.rsplit("_", 1)[0].replace("%3a", ":") if found.suffix == ".deb" else version


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
    "html": [("Chromium", "pdf", 8), ("pandoc", "docx", 6), ("pandoc", "epub", 6), ("pandoc", "odt", 5)]
    + [("LibreOffice", "odt", 6), ("pandoc", "rtf", 4)],
    "docx": [("LibreOffice", "odt", 6), ("LibreOffice", "pdf", 12), ("LibreOffice", "rtf", 8)],
    "odt": [("LibreOffice", "docx", 10), ("LibreOffice", "pdf", 6)],
    "pptx": [("LibreOffice", "pdf", 4), ("LibreOffice", "pptx", 6)],
    "xlsx": [("LibreOffice", "ods", 8), ("LibreOffice", "xlsx", 6), ("LibreOffice", "csv", 6)],
    "rst": [("pandoc", "ipynb", 4), ("pandoc", "tex", 4), ("docutils", "html", 0)],
    "md": [("pandoc", "pptx", 3), ("pandoc", "ipynb", 3)],
}


def make(source: Path, target: Path, producer: str) -> None:
    if producer == "pandoc":
        subprocess.run(["pandoc", "--quiet", source, "-o", target], check=False, cwd=source.parent)
    elif producer == "Chromium":
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        command += ["--host-resolver-rules=MAP * ~NOTFOUND", f"--print-to-pdf={target}", source.resolve().as_uri()]
        subprocess.run(command, check=False, capture_output=True)
    else:
        command = ["soffice", "--headless", f"-env:UserInstallation=file://{CACHE}/office", "--convert-to"]
        command += [target.suffix[1:], "--outdir", target.parent / "out", source]
        subprocess.run(command, check=False, capture_output=True, timeout=120)
        for made in (target.parent / "out").glob("*"):
            shutil.move(made, target)
    if not target.exists():
        print(f"{producer} made nothing of {source.relative_to(FILES)}", file=sys.stderr)
