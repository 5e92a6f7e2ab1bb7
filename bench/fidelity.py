"""Whether every word of a document is in ragcli's text: real files against independent extractors.

python bench/fidelity.py                 # fetch what is missing, measure, print the table
python bench/fidelity.py --peers         # the same for markitdown, kreuzberg and pypdfium2
python bench/fidelity.py --worst 20      # and the files that lost most, with what they lost
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import fidelity_corpus as corpus
from fidelity_ragcli import ragcli
from fidelity_readers import REFERENCES, Reading, readings
from fidelity_words import Difference, contexts, difference, headings_missed, letters_of_formulas, words
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
PEER = HERE / ".cache" / "peers" / "fidelity" / "bin" / "python"
PEERS = {
    "markitdown": {"html", "pdf", "docx", "pptx", "xlsx", "epub", "ipynb", "csv"},
    "kreuzberg": {
        "html",
        "pdf",
        "docx",
        "pptx",
        "xlsx",
        "epub",
        "ipynb",
        "odt",
        "ods",
        "rtf",
        "md",
        "rst",
        "tex",
    },
    "pypdfium2": {"pdf"},
}
OTHERS = {
    "html2text": {"html"},
    "pandoc": {"html", "docx", "odt", "rtf"},
    "docx2txt": {"docx"},
    "mutool": {"pdf"},
}
OTHERS |= {"LibreOffice": {"docx", "odt", "rtf"}}
# With fewer words there is nothing to compare.
FEWEST_WORDS = 15


@dataclass(frozen=True, slots=True)
class Case:
    """A file with what the reference extractors say that it holds."""

    entry: corpus.Entry
    path: Path
    references: list[list[str]]
    headings: list[str]
    navigation: list[str]
    pages: int
    unseen: list[str]

    @property
    def kind(self) -> str:
        return corpus.SUFFIXES.get(self.entry.suffix, self.entry.suffix)


@dataclass(frozen=True, slots=True)
class Result:
    """One reader on one file; `difference` is None where it refused. `navigation` are words lost there."""

    case: Case
    reading: Reading
    difference: Difference | None
    navigation: int = 0
    told: int = 0
    missed: tuple[str, ...] = ()


def main() -> None:
    options = _options()
    if options.choose:
        corpus.choose()
    corpus.fetch()
    wanted = [e for e in corpus.entries() if not options.format or _kind(e) in options.format]
    cases = list(_cases(wanted[:: options.every]))
    results = {"ragcli": _measured_all(cases, ragcli(case.path for case in cases))}
    for name, kinds in OTHERS.items():
        chosen = [case for case in cases if case.kind in kinds]
        results[name] = _measured_all(chosen, readings(name, [case.path for case in chosen]))
    for name, kinds in PEERS.items() if options.peers else ():
        chosen = [case for case in cases if case.kind in kinds]
        results[name] = _measured_all(chosen, peer(name, [case.path for case in chosen]))
    console = Console(width=160 if not sys.stdout.isatty() else None)
    console.print(table(results))
    _refused(results["ragcli"], console)
    if options.worst:
        for line in worst(results["ragcli"], options.worst):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows(results)], indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--choose", action="store_true", help="choose the files again and write the list")
    parser.add_argument(
        "--peers", action="store_true", help="measure the peers too: make bench-fidelity installs them"
    )
    parser.add_argument("--format", action="append", help="only files of this suffix; may be repeated")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth file")
    parser.add_argument(
        "--worst", type=int, default=0, metavar="N", help="the N files of a format that lost most"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    return parser.parse_args()


def _kind(entry: corpus.Entry) -> str:
    return corpus.SUFFIXES.get(entry.suffix, entry.suffix)


def _cases(entries: list[corpus.Entry]) -> Iterator[Case]:
    by_kind: dict[str, list[corpus.Entry]] = defaultdict(list)
    for entry in entries:
        if (corpus.FILES / entry.path).exists():
            by_kind[_kind(entry)].append(entry)
    for kind, members in by_kind.items():
        paths = [corpus.FILES / entry.path for entry in members]
        read = [readings(name, paths) for name in REFERENCES[kind]]
        for entry, path, *found in zip(members, paths, *read, strict=True):
            texts = [words(_NOT_INCLUDED.sub("", reading.text)) for reading in found if reading.text]
            if texts and len(texts[0]) >= FEWEST_WORDS:
                first = found[0]
                yield Case(
                    entry, path, texts, first.headings, first.navigation, first.pages, words(first.spare)
                )


def peer(name: str, paths: list[Path]) -> list[Reading]:
    """As `readings`; the peers run in an environment of their own."""
    from fidelity_readers import EXTRACTORS

    def run(missing: list[Path]) -> Iterator[Reading]:
        if not PEER.exists():
            sys.exit(f"{PEER} is missing: make bench-fidelity")
        command = [PEER, HERE / "peers" / "fidelity.py", name]
        given = "".join(f"{path}\n" for path in missing)
        printed = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True).stdout
        return (Reading(**json.loads(line)) for line in printed.splitlines())

    EXTRACTORS.setdefault(name, run)
    return readings(name, paths)


def _measured_all(cases: list[Case], found: Iterable[Reading]) -> list[Result]:
    return [measured(case, reading) for case, reading in zip(cases, found, strict=True)]


# What asciidoctor prints where it was not allowed to read a file.
_NOT_INCLUDED = re.compile(r"link:\S+\[role=include[^\]]*\]")
_TOLD = re.compile(r"([\d,]+) words?\b")


def measured(case: Case, reading: Reading) -> Result:
    if reading.text is None:
        return Result(case, reading, None)
    text = letters_of_formulas(reading.text) if _kind(case.entry) == "tex" else reading.text
    found = difference(case.references, words(text), words(reading.spare), case.unseen)
    chrome = sum((difference([words(part)], []).lost for part in case.navigation), start=type(found.lost)())
    told = sum(int(n.replace(",", "")) for note in reading.notes for n in _TOLD.findall(note))
    navigation = (found.lost & chrome).total()
    return Result(
        case, reading, found, navigation, told, tuple(headings_missed(case.headings, reading.headings))
    )


@dataclass(frozen=True, slots=True)
class Row:
    """Shares are of the reference's words, `moved` of those that stand once in both.

    `untold` are lost words that no note of the reader's counts, `body` those outside navigation and the edges
    of pages.
    """

    format: str
    reader: str
    files: int
    refused: int
    words: int
    lost: float
    untold: float
    body: float
    added: float
    cut: float
    moved: float
    headings: float | None
    per_second: float | None
    unit: str


def rows(results: dict[str, list[Result]]) -> Iterator[Row]:
    for kind in REFERENCES:
        for name, all_results in results.items():
            mine = [result for result in all_results if result.case.kind == kind]
            if mine:
                yield _row(kind, name, mine)


def _row(kind: str, name: str, results: list[Result]) -> Row:
    read = [(result, result.difference) for result in results if result.difference]
    total = sum(d.reference for _, d in read) or 1
    headings = sum(len(result.case.headings) for result, _ in read)
    names_headings = any(result.reading.headings for result, _ in read)
    seconds = sum(result.reading.seconds for result, _ in read)
    amount = sum(r.case.pages if kind == "pdf" else r.case.path.stat().st_size / 1e6 for r, _ in read)
    return Row(
        kind,
        name,
        len(results),
        len(results) - len(read),
        total,
        sum(d.lost.total() for _, d in read) / total,
        sum(max(0, d.lost.total() - r.told) for r, d in read) / total,
        sum(d.lost.total() - r.navigation for r, d in read) / total,
        sum(d.added.total() for _, d in read) / total,
        sum(d.cut for _, d in read) / total,
        sum(d.moved for _, d in read) / (sum(d.anchors for _, d in read) or 1),
        1 - sum(len(r.missed) for r, _ in read) / headings if headings and names_headings else None,
        amount / seconds if seconds else None,
        "pages" if kind == "pdf" else "MB",
    )


_COLUMNS = ("format", "reader", "files", "refused", "words", "lost", "untold", "body", "added", "cut")
_COLUMNS += ("moved", "headings", "a second")


def table(results: dict[str, list[Result]]) -> Table:
    # Lines that can be pasted into fidelity.md.
    shown = Table(*_COLUMNS, box=MARKDOWN)
    for row in rows(results):
        speed = "" if row.per_second is None else f"{row.per_second:.3g} {row.unit}"
        heads = "" if row.headings is None else f"{row.headings:.1%}"
        counts = (str(row.files), str(row.refused or ""), f"{row.words:,}")
        shares = (row.lost, row.untold, row.body, row.added, row.cut, row.moved)
        shown.add_row(row.format, row.reader, *counts, *(f"{share:.2%}" for share in shares), heads, speed)
    return shown


def _refused(results: list[Result], console: Console) -> None:
    reasons: dict[str, list[str]] = defaultdict(list)
    for result in results:
        if result.difference is None:
            reasons[f"{result.case.kind}: {result.reading.notes[0]}"].append(result.case.entry.path)
    for reason, paths in sorted(reasons.items()):
        console.print(f"not read, {reason}: {len(paths)}, such as {paths[0]}", markup=False, soft_wrap=True)


def worst(results: list[Result], most: int) -> Iterator[str]:
    """The files of each format that lost most words outside navigation, and what."""
    for kind in REFERENCES:
        mine = [(r, r.difference) for r in results if r.case.kind == kind and r.difference]
        mine.sort(key=lambda pair: pair[1].lost.total() - pair[0].navigation, reverse=True)
        for result, found in mine[:most]:
            lost = found.lost.total()
            if not (lost or found.cut or found.added or result.missed):
                continue
            entry, missed = result.case.entry, f"{len(result.missed)} of {len(result.case.headings)}"
            yield f"\n{kind}: {entry.path} ({entry.producer})"
            yield (
                f"  of {found.reference} words lost {lost}, of them {result.navigation} in navigation;"
                f" added {found.added.total()}, cut {found.cut}, moved {found.moved} of {found.anchors};"
                f" headings missed {missed}"
            )
            yield "  lost: " + " | ".join(contexts(result.case.references[0], found.lost)[:8])
            yield "  added: " + " | ".join(contexts(words(result.reading.text or ""), found.added)[:5])
            if result.missed:
                yield "  headings missed: " + " | ".join(result.missed[:6])
            if result.reading.notes:
                yield "  notes: " + "; ".join(result.reading.notes[:6])


if __name__ == "__main__":
    main()
