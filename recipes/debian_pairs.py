"""Two training files from Debian 12: `python recipes/debian_pairs.py --out FOLDER`.

debian_synopsis.jsonl.gz   a package's one-line synopsis -> its description, of the packages in main
debian_sections.jsonl.gz   a heading or a term -> the text below it, of four documentation packages

Both teach topics rather than questions. Run it on Debian 12 (a container will do): the package lists and the
documentation come by apt-get from the sources that the system names, into FOLDER, and nothing is installed.
A line is {"q": heading, "pos": text, "title": "", "group": what it was taken from}, as the other training
files have it. The same package versions give the same files.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import subprocess
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning

Row: TypeAlias = dict[str, str]

DOCUMENTATION = ("debian-reference-en", "git-doc", "postgresql-doc-15", "python3.11-doc")
SEED = 7
WORDS = 180  # of a passage at most: about the 256 tokens of a chunk

SYNOPSES = 9000
LEAST_DESCRIPTION = 25  # words
LEAST_SYNOPSIS = 3
# Packages of one source share their description: only the one that it was written for is of use.
SIBLINGS = re.compile(
    r"-(dbg|dev|doc|common|data|dbgsym|l10n|perl|ocaml)$|^lib.*\d$|^golang-|^librust-|^node-"
)

SECTIONS_OF_A_PACKAGE = 2500
ENOUGH_SECTIONS = 2600  # read no further: the rest would be cut
PAGES_OF_A_PACKAGE = 260
LONGEST_PAGE = 800_000  # characters; the few above it are indexes
LEAST_SECTION = 30  # words
HEADING_WORDS = range(2, 15)
HEADINGS = ("h1", "h2", "h3", "h4", "dt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the files go")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter(
        "ignore", XMLParsedAsHTMLWarning
    )  # some pages are XHTML: they are read just as well
    with tempfile.TemporaryDirectory(dir=out) as temporary:
        work = Path(temporary).resolve()
        translations = update(work)
        synopses = synopsis_rows(translations.split("\n\n"))
        write(out / "debian_synopsis.jsonl.gz", synopses)
        sections = [row for package in DOCUMENTATION for row in package_rows(package, fetch(package, work))]
        write(out / "debian_sections.jsonl.gz", sections)


def apt_options(work: Path) -> list[str]:
    """apt-get with lists and cache of its own: neither the system's state nor root's rights are needed."""
    settings = {
        "Dir::State::lists": work / "lists",
        "Dir::Cache": work / "cache",
        "Acquire::Languages": "en",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "1",
    }
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def update(work: Path) -> str:
    """Fetches the package lists; the English descriptions of main, as one text."""
    (work / "lists" / "partial").mkdir(parents=True)
    (work / "cache" / "archives" / "partial").mkdir(parents=True)
    run(["apt-get", "-qq", *apt_options(work), "update"], work)
    lists = sorted((work / "lists").glob("*bookworm_main_i18n_Translation-en*"))
    if not lists:
        raise SystemExit("apt-get update brought no descriptions: are the sources those of Debian 12?")
    return run(["/usr/lib/apt/apt-helper", "cat-file", str(lists[0])], work)


def fetch(package: str, work: Path) -> Path:
    """Downloads a package and unpacks it; the folder of its files."""
    run(["apt-get", "-qq", *apt_options(work), "download", package], work)
    archive = next(work.glob(f"{package}_*.deb"))
    run(["dpkg-deb", "-x", str(archive), str(work / package)], work)
    print(archive.name)
    return work / package


def run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed: {done.stderr.strip()}")
    return done.stdout


def synopsis_rows(stanzas: Iterable[str]) -> list[Row]:
    """One row for each package whose description says more than its synopsis; a draw of `SYNOPSES`."""
    rows: list[Row] = []
    seen: set[str] = set()
    for stanza in stanzas:
        package = re.search(r"^Package: (\S+)", stanza, re.MULTILINE)
        text = re.search(r"^Description-en: (.+)\n((?: .*\n?)+)", stanza, re.MULTILINE)
        if not package or not text:
            continue
        synopsis = text[1].strip()
        body = flat(re.sub(r"^ \.$", "", text[2], flags=re.MULTILINE))
        if (
            len(body.split()) < LEAST_DESCRIPTION
            or len(synopsis.split()) < LEAST_SYNOPSIS
            or synopsis.lower() in seen
            or body[:80] in seen
            or SIBLINGS.search(package[1])
        ):
            continue
        seen |= {synopsis.lower(), body[:80]}
        rows.append(row(synopsis, body, package[1]))
    random.Random(SEED).shuffle(rows)
    return rows[:SYNOPSES]


def package_rows(package: str, folder: Path) -> list[Row]:
    """The sections of a documentation package, from a draw of its pages."""
    pages = [
        page
        for page in sorted(folder.rglob("*.html"))
        if page.is_file() and "genindex" not in page.name and "whatsnew/changelog" not in page.as_posix()
    ]
    random.Random(SEED).shuffle(pages)
    rows: list[Row] = []
    headings: set[str] = set()
    beginnings: set[str] = set()
    for page in pages[:PAGES_OF_A_PACKAGE]:
        html = page.read_text(encoding="utf-8", errors="ignore")
        if len(html) > LONGEST_PAGE:
            continue
        for heading, body in sections(html):
            if heading.lower() in headings or body[:80] in beginnings:
                continue
            headings.add(heading.lower())
            beginnings.add(body[:80])
            rows.append(row(heading, body, f"{package}:{page.name}"))
        if len(rows) > ENOUGH_SECTIONS:
            break
    random.Random(SEED).shuffle(rows)
    return rows[:SECTIONS_OF_A_PACKAGE]


def sections(html: str) -> Iterator[tuple[str, str]]:
    """(heading, the paragraphs up to the next heading) of a page; terms of a definition list are headings."""
    soup = BeautifulSoup(html, "lxml")
    for element in soup(["script", "style", "nav", "footer"]):
        element.decompose()
    for element in soup.find_all(HEADINGS):
        heading = flat(element.get_text(" ")).replace("¶", "").strip(" .")
        heading = re.sub(r"^[\dA-Z]{0,3}[\d.]+\s+", "", heading)  # the section's number
        if len(heading.split()) not in HEADING_WORDS:
            continue
        body = section_text(element)
        if len(body.split()) >= LEAST_SECTION:
            yield heading, body


def section_text(heading: Tag) -> str:
    texts: list[str] = []
    words = 0
    for element in heading.find_all_next(["p", *HEADINGS]):
        if element.name in HEADINGS or words > 150:
            break
        text = flat(element.get_text(" "))
        if len(text) > 20:
            texts.append(text)
            words += len(text.split())
    return cut(" ".join(texts))


def row(question: str, passage: str, group: str) -> Row:
    return {"q": question, "pos": cut(passage), "title": "", "group": group}


def cut(text: str) -> str:
    return " ".join(text.split()[:WORDS])


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def write(path: Path, rows: Sequence[Row]) -> None:
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        for one in rows:
            file.write((json.dumps(one) + "\n").encode())
    print(f"{path.name}: {len(rows)} pairs")


if __name__ == "__main__":
    main()
