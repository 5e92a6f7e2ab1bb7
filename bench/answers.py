"""Does reranking make answers better? `make bench-answers`; bench/answers.md has the figures.

For each LLM (--profile) and set: the share of answers that hold a gold one, their token F1, the share that
cites a passage which answers (of those whose prompt holds one), and how many questions are declined; without
and with reranking, over the same candidates. Answers are kept in --kept as they come: an interrupted run goes
on where it was.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from ragcli import load_config, open_pipeline
from ragcli.config import Config
from ragcli.errors import LLMError
from ragcli.evaluation.answer_measures import holds_answer
from ragcli.evaluation.answering import arm_answer
from ragcli.evaluation.answers import ANSWER_MAIN, ANSWER_MEASURES
from ragcli.evaluation.beir import read_beir
from ragcli.evaluation.paired_tests import paired_difference
from ragcli.evaluation.questions import Question, read_questions
from ragcli.evaluation.records import ArmAnswer, JudgedPassage, JudgedQuestion
from ragcli.evaluation.relevance import relevant_chunks
from ragcli.pipeline import Pipeline, Prepared
from ragcli.types import Chunk, Comparison

HERE = Path(__file__).parent
CORPORA = HERE.parent / "corpora"
CACHE = HERE / ".cache" / "answers"
KEPT_OUT = "nqgtest4"
"""Groups of SQuAD articles that the cross-encoder was not trained on."""
ASKED_TITLES_ONLY = {"nq_gold", "tech_powershell"}
"""Files with so many documents that only those of the questions are taken."""

Measure = Callable[[JudgedQuestion, "Reading"], float | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """An arm's answer, and the text of the passages that its prompt held."""

    answer: ArmAnswer
    text: str


Triple = tuple[JudgedQuestion, Reading, Reading]


def golds(name: str, key: str) -> dict[Any, tuple[str, ...]]:
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


def development(data: Path, folder: Path) -> list[Question]:
    """Questions that prompts are chosen on: a document for each title of the training pairs' passages."""
    lines = (HERE / "development-answers.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
    asked: dict[str, set[int]] = defaultdict(set)
    for question in questions:
        asked[question["file"]].add(question["row"])
    for name, places in asked.items():
        with gzip.open(data / "train" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines_of_pairs:
            rows = [json.loads(line) for line in lines_of_pairs]
        titles: dict[str, dict[str, None]] = defaultdict(dict)
        for row in rows:
            titles[row.get("title", "")][row["pos"]] = None
        if name in ASKED_TITLES_ONLY:
            titles = {title: titles[title] for title in {rows[place].get("title", "") for place in places}}
        for number, (title, passages) in enumerate(sorted(titles.items())):
            text = "\n\n".join((f"# {title}", *passages))
            (folder / f"{name}-{number}.md").write_text(f"{text}\n", encoding="utf-8")
    return [
        Question(f"d{number}", question["question"], tuple(question["answers"]), (), ())
        for number, question in enumerate(questions)
    ]


def questions_of(name: str, data: Path, folder: Path) -> tuple[Path, Sequence[Question]]:
    """Where the documents of a set are, and its questions."""
    if name == "homonyms":
        return CORPORA / name, read_questions(CORPORA / name / "questions.jsonl")
    if name == "handbook":
        return CORPORA / name, read_questions(CORPORA / "handbook-questions.jsonl")
    folder.mkdir(parents=True, exist_ok=True)
    return folder, {"manuals": manuals, "squad": squad, "development": development}[name](data, folder)


def judged(question: Question, chunks: Sequence[Chunk]) -> JudgedQuestion:
    """The question with the passages that answer it."""
    relevant = relevant_chunks(question, chunks) if question.answerable else frozenset()
    passages = tuple(JudgedPassage(one, "", "", "", 0.0, 1.0) for one in sorted(relevant))
    ideal = (1.0,) * len(passages)
    return JudgedQuestion(question.id, question.text, passages, ideal, question.answers, question.answerable)


def answered(
    pipeline: Pipeline, name: str, questions: Sequence[JudgedQuestion], kept: Path
) -> Iterator[Triple]:
    """Both arms' answers, of the file where it has them; a question that the LLM fails at is left out."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    known = {(row["set"], row["llm"], row["id"], row["prompts"]): row for row in map(json.loads, lines)}
    llm = pipeline.config.llm.model
    for question in questions:
        prepared = pipeline.prepare(question.text, compare=True)
        sent = [arm.context.messages if arm.context else () for arm in prepared.arms]
        prompts = hashlib.sha256(repr(sent).encode()).hexdigest()[:16]
        row = known.get((name, llm, question.id, prompts))
        if row is None:
            row = {"set": name, "llm": llm, "id": question.id, "prompts": prompts}
            row |= answers_to(pipeline, prepared)
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        if "error" not in row:
            yield question, _reading(row["base"]), _reading(row["reranked"])


def answers_to(pipeline: Pipeline, prepared: Prepared) -> dict[str, object]:
    """By arm; or why there is none."""
    try:
        both = pipeline.finish(prepared)
    except LLMError as error:
        return {"error": error.message}
    assert isinstance(both, Comparison)
    arms: dict[str, object] = {}
    for arm, answer in (("base", both.base), ("reranked", both.reranked)):
        record = arm_answer(answer)
        assert answer is not None
        assert record is not None
        text = "\n".join(passage.text for passage in answer.context.passages)
        arms[arm] = asdict(record) | {"read": text}
    return arms


def _reading(fields: dict[str, object]) -> Reading:
    lists = {"cited", "context"}
    kept = {key: tuple(value) if key in lists else value for key, value in fields.items() if key != "read"}  # type: ignore[arg-type]
    return Reading(ArmAnswer(**kept), str(fields["read"]))  # type: ignore[arg-type]


def of_answers(name: str) -> Measure:
    return lambda question, reading: ANSWER_MEASURES[name](question, reading.answer)


def passage_read(question: JudgedQuestion, reading: Reading) -> float | None:
    """Whether the prompt holds a part of a passage that answers."""
    relevant = {passage.id for passage in question.candidates}
    return float(bool(relevant & set(reading.answer.context))) if relevant else None


def answer_read(question: JudgedQuestion, reading: Reading) -> float | None:
    """Whether the prompt holds the words of a gold answer, whatever passage they are of."""
    return holds_answer(reading.text, question.answers) if question.answers and question.answerable else None


def holds_if_read(question: JudgedQuestion, reading: Reading) -> float | None:
    """Whether the answer holds the gold one; None where the prompt does not."""
    return of_answers(ANSWER_MAIN)(question, reading) if answer_read(question, reading) else None


def cites_rightly(question: JudgedQuestion, reading: Reading) -> float | None:
    """Whether an answer cites a passage that answers; None where the prompt holds none."""
    relevant = {passage.id for passage in question.candidates}
    if reading.answer.abstained or not passage_read(question, reading):
        return None
    return float(bool(relevant & set(reading.answer.cited)))


def answers_wrongly(question: JudgedQuestion, reading: Reading) -> float | None:
    """Whether there is an answer, and it holds no gold one. With the right and the declined ones: all."""
    held = of_answers(ANSWER_MAIN)(question, reading)
    return None if held is None else float(not held and not reading.answer.abstained)


def declines(*, answerable: bool) -> Measure:
    return lambda question, reading: (
        float(reading.answer.abstained) if question.answerable == answerable else None
    )


MEASURES: dict[str, Measure] = {
    "holds the answer": of_answers(ANSWER_MAIN),
    "passage in the prompt": passage_read,
    "answer in the prompt": answer_read,
    "holds the answer then": holds_if_read,
    "token F1": of_answers("token F1"),
    "cites rightly": cites_rightly,
    "answered wrongly": answers_wrongly,
    "declined, answerable": declines(answerable=True),
    "declined, unanswerable": declines(answerable=False),
}


def print_rows(llm: str, name: str, pairs: Sequence[Triple]) -> None:
    """A row a measure. Each arm's mean is over the questions that have the measure in it; the difference is
    over those that have it in both.
    """
    for title, measure in MEASURES.items():
        values = [(measure(question, base), measure(question, other)) for question, base, other in pairs]
        arms = [[value for value in arm if value is not None] for arm in zip(*values, strict=True)]
        both = [(before, after) for before, after in values if before is not None and after is not None]
        if not both:
            continue
        gain = paired_difference(*zip(*both, strict=True))
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
        "sets",
        nargs="*",
        default=["homonyms", "handbook"],
        help="homonyms handbook manuals squad development",
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
