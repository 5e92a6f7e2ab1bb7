"""Training files whose queries are like topics: `python recipes/cloze_pairs.py --data FOLDER --out FOLDER`.

From each passage of a training file one part is taken out as the query, and the rest is what it should find:
a paragraph of two or three sentences, one sentence, or the content words of a sentence alone. Where a
document has several passages, half of the paragraphs should find another one of them, which is on their topic
and does not continue them. Collections of abstracts are asked so; question-answer pairs teach none of it.

One file comes of each: cloze_NAME.jsonl.gz, with lines {"q", "pos", "title", "group"} as the others have.
The same input gives the same files.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from ragcli.text.sentences import split_sentences

SOURCES = (
    "pubmedqa_l",
    "covidqa_squad",
    "medquad",
    "squad2_dev",
    "squadshifts_new_wiki",
    "nq_gold",
    "selqa",
    "debian_sections",
    "manual_sections",
    "tech_ansible",
    "tech_powershell",
    "tech_rabbitmq",
)
SEED = 7
PASSAGES = 1500  # of a file at most
LEAST_WORDS = 80  # of a passage: the rest must still say something
KINDS = ("paragraph", "neighbour", "sentence", "keywords")
SHINGLE = 6  # words: passages that share so many in a row are windows of one text
KEYWORDS = range(3, 11)
LEAST_SENTENCE = 6  # words


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, action="append", metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the files go")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        rows = list(cloze_rows(read_rows(arguments.data, name)))
        path = arguments.out / f"cloze_{name}.jsonl.gz"
        with gzip.GzipFile(path, "wb", mtime=0) as file:
            for row in rows:
                file.write((json.dumps(row) + "\n").encode())
        print(f"{path.name}: {len(rows)} pairs")


def read_rows(folders: Sequence[Path], name: str) -> list[dict[str, str]]:
    path = next(path for folder in folders if (path := folder / f"{name}.jsonl.gz").exists())
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def cloze_rows(rows: Sequence[dict[str, str]]) -> Iterator[dict[str, str]]:
    """One row for each passage that is long enough; a draw of `PASSAGES` of them."""
    passages = list({row["pos"]: row for row in rows if len(row["pos"].split()) >= LEAST_WORDS}.values())
    documents: dict[str, list[str]] = {}
    for row in passages:
        documents.setdefault(str(row.get("group") or row["pos"]), []).append(row["pos"])
    draw = random.Random(SEED)
    draw.shuffle(passages)
    made = 0
    for number, row in enumerate(passages):
        kind = KINDS[number % len(KINDS)]
        cut = take_out(row["pos"], kind, draw)
        if cut and made < PASSAGES:
            made += 1
            query, rest = cut
            if kind == "neighbour":
                rest = neighbour(row["pos"], documents[str(row.get("group") or row["pos"])], draw) or rest
            yield {
                "q": query,
                "pos": rest,
                "title": row.get("title") or "",
                "group": str(row.get("group") or number),
            }


def take_out(passage: str, kind: str, draw: random.Random) -> tuple[str, str] | None:
    """(query, the passage without it), or None where the passage has no fit part."""
    spans = split_sentences(passage)
    length = draw.choice((2, 3)) if kind in ("paragraph", "neighbour") else 1
    if len(spans) < length + 2:
        return None
    first = draw.randrange(len(spans) - length + 1)
    start, end = spans[first][0], spans[first + length - 1][1]
    query = passage[start:end].strip()
    rest = " ".join((passage[:start].strip(), passage[end:].strip())).strip()
    if len(query.split()) < LEAST_SENTENCE * length:
        return None
    if kind == "keywords":
        words = re.findall(r"[A-Za-z][\w-]+", query)
        content = list(dict.fromkeys(w.lower() for w in words if w.lower() not in ENGLISH_STOP_WORDS))
        if len(content) < KEYWORDS.start:
            return None
        query = " ".join(content[: draw.choice(KEYWORDS)])
    return query, rest


def neighbour(passage: str, document: Sequence[str], draw: random.Random) -> str | None:
    """Another passage of the document, with no text in common; None where there is none."""
    own = shingles(passage)
    others = [other for other in document if own.isdisjoint(shingles(other))]
    return draw.choice(others) if others else None


def shingles(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[start : start + SHINGLE]) for start in range(len(words) - SHINGLE + 1)}


if __name__ == "__main__":
    main()
