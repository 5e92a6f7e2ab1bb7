"""Does reranking make answers better? `make bench-answers`; bench/answers.md has the figures.

For each LLM (--profile) and set: the share of answers that hold a gold one, their token F1, the share that
cites a passage which answers (of those whose prompt holds one), and how many questions are declined; without
and with reranking, over the same candidates. Answers are kept in --kept as they come: an interrupted run goes
on where it was.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean

from ragcli import load_config, open_pipeline
from ragcli.config import Config
from ragcli.errors import LLMError
from ragcli.evaluation.answering import arm_answer
from ragcli.evaluation.answers import ANSWER_MEASURES
from ragcli.evaluation.beir import read_beir
from ragcli.evaluation.paired_tests import paired_difference
from ragcli.evaluation.questions import Question, read_questions
from ragcli.evaluation.records import ArmAnswer, JudgedPassage, JudgedQuestion
from ragcli.evaluation.relevance import relevant_chunks
from ragcli.pipeline import Pipeline
from ragcli.types import Chunk

HERE = Path(__file__).parent
CORPORA = HERE.parent / "corpora"
CACHE = HERE / ".cache" / "answers"
KEPT_OUT = "nqgtest4"
"""Groups of SQuAD articles that the cross-encoder was not trained on."""

Pair = tuple[JudgedQuestion, ArmAnswer, ArmAnswer]
Measure = Callable[[JudgedQuestion, ArmAnswer], float | None]


def golds(name: str, key: str) -> dict[object, tuple[str, ...]]:
    """Short answers to the questions of shared data, which name a question by its id or its place."""
    rows = map(json.loads, (HERE / name).read_text(encoding="utf-8").splitlines())
    return {row[key]: tuple(row["answers"]) for row in rows}


def manuals(data: Path, folder: Path) -> list[Question]:
    """A document for each section of the manuals."""
    collection = read_beir(data / "beir" / "tech_manuals")
    with (data / "beir" / "tech_manuals" / "corpus.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            text = f"# {row['title']}\n\n{row['text']}\n"
            (folder / f"{row['_id']}.md").write_text(text, encoding="utf-8")
    answers = golds("manual-answers.jsonl", "id")
    return [
        Question(name, text, answers[name], tuple(f"{document}.md" for document in collection.qrels[name]))
        for name, text in collection.queries.items()
        if name in answers
    ]


def squad(data: Path, folder: Path) -> list[Question]:
    """A document for each group of articles: the sentences that its questions are about."""
    path = data / "train" / "squad1_sentences_lc.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["group"].startswith(KEPT_OUT)]
    for group in dict.fromkeys(row["group"] for row in rows):
        sentences = dict.fromkeys(row["pos"] for row in rows if row["group"] == group)
        (folder / f"{group}.txt").write_text(" ".join(sentences), encoding="utf-8")
    return [
        Question(f"s{place}", rows[place]["q"], answers, (), (rows[place]["pos"],))
        for place, answers in golds("squad-answers.jsonl", "place").items()
    ]


def questions_of(name: str, data: Path, folder: Path) -> tuple[Path, Sequence[Question]]:
    """Where the documents of a set are, and its questions."""
    if name == "homonyms":
        return CORPORA / name, read_questions(CORPORA / name / "questions.jsonl")
    if name == "handbook":
        return CORPORA / name, read_questions(CORPORA / "handbook-questions.jsonl")
    folder.mkdir(parents=True, exist_ok=True)
    return folder, {"manuals": manuals, "squad": squad}[name](data, folder)


def judged(question: Question, chunks: Sequence[Chunk]) -> JudgedQuestion:
    """The question with the passages that answer it."""
    relevant = relevant_chunks(question, chunks) if question.answerable else frozenset()
    passages = tuple(JudgedPassage(one, "", "", "", 0.0, 1.0) for one in sorted(relevant))
    ideal = (1.0,) * len(passages)
    return JudgedQuestion(question.id, question.text, passages, ideal, question.answers, question.answerable)


def answered(
    pipeline: Pipeline, name: str, questions: Sequence[JudgedQuestion], kept: Path
) -> Iterator[Pair]:
    """Both arms' answers, of the file where it has them; a question that the LLM fails at is left out."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    known = {(row["set"], row["llm"], row["id"]): row for row in map(json.loads, lines)}
    llm = pipeline.config.llm.model
    for question in questions:
        row = known.get((name, llm, question.id))
        if row is None:
            row = {"set": name, "llm": llm, "id": question.id}
            try:
                both = pipeline.compare(question.text)
            except LLMError as error:
                row["error"] = error.message
            else:
                for arm, answer in (("base", both.base), ("reranked", both.reranked)):
                    of_arm = arm_answer(answer)
                    row[arm] = asdict(of_arm) if of_arm else None
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        if row.get("base") and row.get("reranked"):
            yield question, _arm(row["base"]), _arm(row["reranked"])


def _arm(fields: dict[str, object]) -> ArmAnswer:
    lists = {"cited", "context"}
    return ArmAnswer(**{key: tuple(value) if key in lists else value for key, value in fields.items()})  # type: ignore[arg-type]


def found(question: JudgedQuestion, answer: ArmAnswer) -> float | None:
    """Whether the prompt holds a passage that answers."""
    relevant = {passage.id for passage in question.candidates}
    return float(bool(relevant & set(answer.context))) if relevant else None


def holds_if_found(question: JudgedQuestion, answer: ArmAnswer) -> float | None:
    return ANSWER_MEASURES["holds the answer"](question, answer) if found(question, answer) else None


def cites_rightly(question: JudgedQuestion, answer: ArmAnswer) -> float | None:
    """Whether an answer cites a passage that answers; None where the prompt holds none."""
    relevant = {passage.id for passage in question.candidates}
    if answer.abstained or not found(question, answer):
        return None
    return float(bool(relevant & set(answer.cited)))


def declines(*, answerable: bool) -> Measure:
    return lambda question, answer: float(answer.abstained) if question.answerable == answerable else None


MEASURES: dict[str, Measure] = {
    "holds the answer": ANSWER_MEASURES["holds the answer"],
    "passage in the prompt": found,
    "holds the answer then": holds_if_found,
    "token F1": ANSWER_MEASURES["token F1"],
    "cites rightly": cites_rightly,
    "declined, answerable": declines(answerable=True),
    "declined, unanswerable": declines(answerable=False),
}


def print_rows(llm: str, name: str, pairs: Sequence[Pair]) -> None:
    """A row a measure. Each arm's mean is over the questions that have the measure in it; the difference is
    over those that have it in both.
    """
    for title, measure in MEASURES.items():
        values = [(measure(question, base), measure(question, other)) for question, base, other in pairs]
        arms = [[value for value in arm if value is not None] for arm in zip(*values, strict=True)]
        both = [(before, after) for before, after in values if before is not None and after is not None]
        if not both:
            continue
        gain = paired_difference(*zip(*both, strict=True))  # type: ignore[arg-type]
        before, after = map(fmean, arms)
        print(
            f"| {llm} | {name} | {title} | {len(both)} | {before:.1%} | {after:.1%} | {gain.mean:+.1%}"
            f" ({gain.low:+.1%} .. {gain.high:+.1%}) | {gain.won} / {gain.lost} |",
            flush=True,
        )


def measure_set(config: Config, name: str, options: argparse.Namespace) -> None:
    documents, questions = questions_of(name, options.data, CACHE / name)
    with open_pipeline(config, bulk=True) as pipeline:
        pipeline.ingest([documents])
        chunks = pipeline.chunks()
        asked = [judged(question, chunks) for question in questions][:: options.every]
        print_rows(config.llm.model, name, list(answered(pipeline, name, asked, options.kept)))


def main() -> None:
    parser = argparse.ArgumentParser(description="What reranking does to answers, by LLM and set.")
    parser.add_argument(
        "sets", nargs="*", default=["homonyms", "handbook"], help="homonyms handbook manuals squad"
    )
    parser.add_argument("--profile", action="append", help="whose LLM answers; once or more")
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder of manuals and squad"
    )
    parser.add_argument("--kept", type=Path, default=CACHE / "answers.jsonl", help="file of the answers")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="ask every N-th question")
    options = parser.parse_args()
    options.kept.parent.mkdir(parents=True, exist_ok=True)
    print("| LLM | set | measure | questions | without | with reranking | difference (95 %) | won / lost |")
    print("|---|---|---|---|---|---|---|---|")
    for profile in options.profile or ["local"]:
        for name in options.sets:
            measure_set(
                load_config(None, profile, {"store.path": str(CACHE / f"{name}.index")}), name, options
            )


if __name__ == "__main__":
    main()
