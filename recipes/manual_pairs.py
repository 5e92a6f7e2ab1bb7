"""A training file of technical manuals, as ragcli reads them: `python recipes/manual_pairs.py --out FOLDER`.

manual_sections.jsonl.gz   a heading of a manual, or the NAME line of a manual page -> the passage below it

Documentation and manual pages of Debian 12 are read and cut by ragcli's own readers and chunker, so that
passages are as long as in use, keep their code, and have their title and headings in front. The heading that
is asked for is left out of that front: otherwise the words of the question would give the passage away. As
recipes/debian_pairs.py, it installs nothing, and the same package versions give the same file.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from debian_pairs import Row, fetch, flat, update, write

from ragcli.config import ChunkingConfig, EmbeddingConfig
from ragcli.documents.chunking import TokenSpans, chunk
from ragcli.documents.reading import read
from ragcli.documents.unreadable import UnreadableFile
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.types import Chunk

DOCUMENTATION = (
    "apache2-doc",
    "bind9-doc",
    "cmake-doc",
    "debian-handbook",
    "exim4-doc-html",
    "installation-guide-amd64",
    "sqlite3-doc",
)
MANUAL_PAGES = ("coreutils", "git-man", "manpages", "openssh-client", "procps", "systemd", "util-linux")
SEED = 7
FILES_OF_A_PACKAGE = 250
ROWS_OF_A_PACKAGE = 700
LARGEST_FILE = 800_000  # bytes; the few above it are indexes and whole books in one page
LEAST_WORDS = 25  # of a passage
HEADING_WORDS = range(2, 13)
DOCUMENT_SHARE = 0.4  # of headings, asked together with the name of their document
SUFFIXES = (".html", ".htm", ".md", ".rst")
ENGLISH = {"en", "en-US", ".en"}  # folders and suffixes of packages that hold translations too
NUMBER = re.compile(r"^(?:[A-Z]\.)?[\d.]+\s+")  # of a section


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the file goes")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    tokenize = load_bi_encoder(EmbeddingConfig()).token_spans
    draw = random.Random(SEED)
    rows: list[Row] = []
    seen: set[str] = set()
    with tempfile.TemporaryDirectory(dir=out) as temporary:
        work = Path(temporary).resolve()
        update(work)
        for package in (*DOCUMENTATION, *MANUAL_PAGES):
            files = package_files(fetch(package, work), manual_pages=package in MANUAL_PAGES)
            draw.shuffle(files)
            found: list[Row] = []
            for path in files[:FILES_OF_A_PACKAGE]:
                for row in file_rows(path, package, tokenize, draw):
                    if row["q"].lower() not in seen and row["pos"][:80] not in seen:
                        seen |= {row["q"].lower(), row["pos"][:80]}
                        found.append(row)
            draw.shuffle(found)
            rows += found[:ROWS_OF_A_PACKAGE]
            print(f"{package}: {len(found)}", flush=True)
    write(out / "manual_sections.jsonl.gz", rows)


def package_files(folder: Path, *, manual_pages: bool) -> list[Path]:
    """Files, without links and translations, in an order that does not depend on the file system."""
    below = folder / "usr/share" / ("man" if manual_pages else "doc")
    files = [
        path
        for path in sorted(below.glob("man[1-9]/*") if manual_pages else below.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST_FILE
    ]
    if manual_pages:
        return files
    english = [path for path in files if ENGLISH & {*path.parts, *path.suffixes}]
    return [path for path in english or files if path.suffix in SUFFIXES or path.suffix in ENGLISH]


def file_rows(path: Path, package: str, tokenize: TokenSpans, draw: random.Random) -> Iterator[Row]:
    """A pair for the first chunk of each section, and one for the NAME line of a manual page."""
    try:
        document = read(path)
    except UnreadableFile:
        return
    chunks = chunk(document, ChunkingConfig(), tokenize)
    name = ""
    group = f"{package}:{path.name}"
    before: tuple[str, ...] = ()
    for one in chunks:
        first = one.headings != before
        before = one.headings
        if not first or not one.headings:
            continue
        leaf = NUMBER.sub("", flat(one.headings[-1]))
        if leaf == "NAME":
            name = flat(one.text)
        elif leaf == "DESCRIPTION" and " - " in name:
            yield from pair(name.split(" - ", 1)[1], one, group)
        elif len(leaf.split()) in HEADING_WORDS:
            whole = f"{leaf} {draw.choice(('in', '-', 'of'))} {NUMBER.sub('', flat(document.title))}"
            yield from pair(whole if draw.random() < DOCUMENT_SHARE else leaf, one, group)


def pair(question: str, passage: Chunk, group: str) -> Iterator[Row]:
    """No pair if the passage says little. Its title is the document's, and the headings above its own."""
    if len(passage.text.split()) >= LEAST_WORDS:
        trail = dict.fromkeys(flat(part) for part in (passage.title, *passage.headings[:-1]) if part)
        yield {"q": question, "pos": passage.text, "title": " > ".join(trail), "group": group}


if __name__ == "__main__":
    main()
