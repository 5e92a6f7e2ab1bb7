"""Does the cross-encoder find the sentence with the answer? `make bench-sentences`

Three tests. From --data: SQuAD-style questions whose articles were kept out of training (the groups that
the recipe leaves out), each against its gold sentence and the four nearest sentences of the file: they are
of the same article, mostly of the same paragraph (the file holds sentences, not paragraphs). From the bundled
corpora: each question against the sentences of the chunk that holds its evidence phrase.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragcli.config import ChunkingConfig, EmbeddingConfig, IngestConfig, RerankingConfig
from ragcli.documents import discover, read
from ragcli.documents.chunking import chunk
from ragcli.encoders.bi_encoder import BiEncoder, load_bi_encoder
from ragcli.encoders.reranking import CrossEncoderReranker, load_reranker
from ragcli.evaluation.questions import read_questions
from ragcli.evaluation.relevance import flat, relevant_chunks
from ragcli.text.sentences import split_sentences

NEIGHBOURS = 2


@dataclass(frozen=True)
class Choice:
    question: str
    sentences: tuple[str, ...]
    right: frozenset[int]


def squad_choices(path: Path, groups: str) -> Iterator[Choice]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["group"].startswith(groups)]
    for group in dict.fromkeys(row["group"] for row in rows):
        inside = [row for row in rows if row["group"] == group]
        sentences = list(dict.fromkeys(row["pos"] for row in inside))
        for row in inside:
            place = sentences.index(row["pos"])
            first = max(0, min(place - NEIGHBOURS, len(sentences) - 2 * NEIGHBOURS - 1))
            window = sentences[first : first + 2 * NEIGHBOURS + 1]
            yield Choice(row["q"], tuple(window), frozenset({window.index(row["pos"])}))


def corpus_choices(corpus: Path, questions: Path, embedder: BiEncoder) -> Iterator[Choice]:
    found = discover([corpus], IngestConfig())
    chunks = [c for file in found.files for c in chunk(read(file), ChunkingConfig(), embedder.token_spans)]
    for question in read_questions(questions):
        wanted = relevant_chunks(question, chunks) if question.evidence else frozenset()
        for one in (c for c in chunks if c.id in wanted):
            sentences = tuple(one.text[start:end] for start, end in split_sentences(one.text))
            right = frozenset(
                i for i, s in enumerate(sentences) if any(flat(e) in flat(s) for e in question.evidence)
            )
            if right and len(sentences) > 1:
                yield Choice(question.text, sentences, right)


def report(name: str, choices: Sequence[Choice], embedder: BiEncoder, reranker: CrossEncoderReranker) -> None:
    by_bi_encoder = by_cross_encoder = by_chance = 0.0
    questions = embedder.embed([choice.question for choice in choices], query=True)
    for choice, vector in zip(choices, questions, strict=True):
        near = embedder.embed(choice.sentences) @ vector
        logits = reranker.logits(choice.question, choice.sentences)
        by_bi_encoder += int(near.argmax()) in choice.right
        by_cross_encoder += max(range(len(logits)), key=logits.__getitem__) in choice.right
        by_chance += len(choice.right) / len(choice.sentences)
    n = len(choices)
    print(
        f"{name:34} {n:>5} questions   chance {by_chance / n:6.1%}   bi-encoder {by_bi_encoder / n:6.1%}"
        f"   cross-encoder {by_cross_encoder / n:6.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description="The share of questions whose answer's sentence is ranked first."
    )
    parser.add_argument("--data", type=Path, default=None, help="folder with train/")
    parser.add_argument("--model", default="ragcli", help="cross-encoder: the shipped one, or a folder")
    parser.add_argument("--limit", type=int, default=2000, help="most questions of a test")
    options = parser.parse_args()
    embedder = load_bi_encoder(EmbeddingConfig(), bulk=True)
    reranker = load_reranker(RerankingConfig(model=options.model))
    if options.data:
        choices = list(squad_choices(options.data / "train" / "squad1_sentences_lc.jsonl.gz", "nqgtest4"))
        report("SQuAD articles kept out of training", choices[: options.limit], embedder, reranker)
    corpora = Path(__file__).parent.parent / "corpora"
    for corpus, questions in (
        ("homonyms", "homonyms/questions.jsonl"),
        ("handbook", "handbook-questions.jsonl"),
    ):
        some = list(corpus_choices(corpora / corpus, corpora / questions, embedder))
        report(f"corpora/{corpus}", some[: options.limit], embedder, reranker)


if __name__ == "__main__":
    main()
