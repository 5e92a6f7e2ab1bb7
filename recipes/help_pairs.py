"""A training file of programs' help, asked in users' words: `python recipes/help_pairs.py --out FOLDER`.

help_topics.jsonl.gz   a question, a problem or a task ("Why does my computer not turn back on after I
suspended it?"), or the one line that describes a page -> the text below it

The help of GNOME, MATE and KDE in Debian 12 (Mallard and DocBook). Its titles are for people
who do not know the terms yet; the headings of reference manuals, in recipes/manual_pairs.py, for people
who do. As recipes/debian_pairs.py, it installs nothing, and the same package versions give the same file.
"""

from __future__ import annotations

import argparse
import html
import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from debian_pairs import Row, cut, fetch, flat, row, update, write

GNOME = (
    "gnome-user-docs",
    "accerciser",
    "atril-common",
    "baobab",
    "brasero-common",
    "cheese-common",
    "deja-dup",
    "eog",
    "epiphany-browser-data",
    "evince-common",
    "evolution-common",
    "file-roller",
    "gedit-common",
    "gnome-boxes",
    "gnome-system-monitor",
    "gnome-terminal-data",
    "mate-user-guide",
    "orca",
    "seahorse",
    "shotwell-common",
    "simple-scan",
    "totem-common",
)
KDE = (
    "akregator",
    "ark",
    "dolphin",
    "filelight",
    "gwenview",
    "juk",
    "k3b-data",
    "kaddressbook",
    "kate5-data",
    "kcalc",
    "kde-spectacle",
    "kdeconnect",
    "kget",
    "kgpg",
    "khelpcenter",
    "kleopatra",
    "kmail",
    "kmix",
    "kmymoney-common",
    "kontact",
    "konqueror",
    "konsole",
    "konversation-data",
    "korganizer",
    "kphotoalbum",
    "krdc",
    "krusader",
    "kwalletmanager",
    "okular",
    "partitionmanager",
    "plasma-desktop-data",
    "skanlite",
    "systemsettings",
)
BOOKS = ("usr/share/doc/**/en", "usr/share/help/C")  # English ones
SEED = 7
LEAST_WORDS = 20  # of a passage
TITLE_WORDS = range(3, 25)
DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL)
NOT_TEXT = ("credit", "include", "revision", "license", "screeninfo", "media", "comment")
ENTITY = re.compile(r"&([A-Za-z][\w.-]*);")  # of DocBook: names of programs and of keys
XML_ENTITIES = {"amp", "lt", "gt", "quot", "apos"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the file goes")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    seen: set[str] = set()
    with tempfile.TemporaryDirectory(dir=out) as temporary:
        work = Path(temporary).resolve()
        update(work)
        for package in (*GNOME, *KDE):
            before = len(rows)
            for path, title, text in topics(fetch(package, work)):
                question, passage = flat(title), cut(flat(text))
                fits = len(question.split()) in TITLE_WORDS and len(passage.split()) >= LEAST_WORDS
                if fits and question.lower() not in seen:
                    seen.add(question.lower())
                    rows.append(row(question, passage, f"{package}:{path.stem}"))
            print(f"{package}: {len(rows) - before}", flush=True)
    random.Random(SEED).shuffle(rows)
    write(out / "help_topics.jsonl.gz", rows)


def topics(package: Path) -> Iterator[tuple[Path, str, str]]:
    """(file, title, text) of every page, section and question in English."""
    for path in sorted(package.glob("usr/share/help/C/**/*.page")):
        page = read_xml(path)
        for part in page.find_all(["page", "section"]):
            title = part.find("title", recursive=False)
            if title:
                yield path, title.get_text(), own_text(part)
        described = page.find("desc")
        if described:
            yield path, described.get_text(), page.get_text(" ").replace(described.get_text(), " ")
    for path in sorted(path for folder in BOOKS for path in package.glob(f"{folder}/**/*.docbook")):
        page = read_xml(path)
        for entry in page.find_all("qandaentry"):
            if entry.question and entry.answer:
                yield path, entry.question.get_text(), entry.answer.get_text(" ")
        for part in page.find_all(re.compile(r"^(chapter|sect\d|section)$")):
            title = part.find("title", recursive=False)
            if title and not part.find("qandaset"):
                yield path, title.get_text(), own_text(part)


def read_xml(path: Path) -> BeautifulSoup:
    """The page without its head: who wrote it, under which licence, and what it links to."""
    text = DOCTYPE.sub("", path.read_text(encoding="utf-8", errors="replace"))
    text = ENTITY.sub(spelt_out, text)
    page = BeautifulSoup(text, "lxml-xml")
    for element in page.find_all(NOT_TEXT):
        element.decompose()
    for element in page.select("info > title, info > keywords"):
        element.decompose()
    return page


def spelt_out(entity: re.Match[str]) -> str:
    """HTML's entities as their character, the documents' own ones as their name."""
    if entity[1] in XML_ENTITIES:
        return entity[0]
    known = html.unescape(entity[0])
    return entity[1].replace("-", " ") if known == entity[0] else known


def own_text(part: Tag) -> str:
    """What stands below a title, with the sections below it."""
    return " ".join(
        child.get_text(" ") if isinstance(child, Tag) else str(child)
        for child in part.children
        if getattr(child, "name", None) not in ("title", "info", "links")
    )


if __name__ == "__main__":
    main()
