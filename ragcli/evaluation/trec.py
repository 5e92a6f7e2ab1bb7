"""Rankings and judgements in TREC's formats, which every tool of the field reads: theirs in, ours out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ragcli.errors import UsageError
from ragcli.evaluation.beir import finite
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import JudgedPassage, JudgedQuestion, Retrieval, Run
from ragcli.evaluation.results import Arm, Summary
from ragcli.evaluation.retrieving import pool
from ragcli.whole_file import write_whole

RUN_HINT = "A TREC run has six columns: question, Q0, document, rank, score, name of the run."
QRELS_HINT = "Judgements are: question, 0, document, grade (TREC), or question, document, grade (BEIR)."
# What no column may hold, and what marks it.
_ESCAPED = re.compile(r"[\s%]")

Ranking = Mapping[str, Sequence[str]]
"""The documents of each question, best first."""


def read_ranking(path: Path) -> Ranking:
    """By score, as trec_eval ranks: the column of ranks is not read, and of equal scores the greater name
    comes first. Raises UsageError.
    """
    scored: dict[str, dict[str, float]] = {}
    for place, columns in _lines(path, RUN_HINT):
        score = finite(columns[4]) if len(columns) >= 5 else None
        if score is None:
            raise UsageError(f"{place}: not a line of a TREC run.", hint=RUN_HINT)
        question, document = columns[0], columns[2]
        if scored.setdefault(question, {}).setdefault(document, score) != score:
            raise UsageError(f"{place}: {document} is ranked twice for {question}.", hint=RUN_HINT)
    return {
        question: sorted(found, key=lambda name: (found[name], name), reverse=True)
        for question, found in scored.items()
    }


def read_qrels(path: Path) -> dict[str, dict[str, float]]:
    """Grades by question and document; a first line without a grade is a header. Raises UsageError."""
    qrels: dict[str, dict[str, float]] = {}
    for number, (place, columns) in enumerate(_lines(path, QRELS_HINT)):
        grade = finite(columns[-1]) if len(columns) in (3, 4) else None
        if grade is None and number == 0 and len(columns) in (3, 4):
            continue
        if grade is None:
            raise UsageError(f"{place}: not a judgement.", hint=QRELS_HINT)
        qrels.setdefault(columns[0], {})[columns[-2]] = grade
    return qrels


def run_of_rankings(
    rankings: Mapping[str, Ranking],
    qrels: Mapping[str, Mapping[str, float]],
    *,
    title: str,
    questions: Sequence[Question] = (),
) -> Run:
    """Rankings by name, the first being what the others are compared with. A question of the judgements that
    a ranking lacks has an empty one there; `questions` say more of those with the same id.

    Raises UsageError where no ranking has a judged question.
    """
    asked = [name for name, grades in qrels.items() if any(grade > 0 for grade in grades.values())]
    if not any(name in ranking for ranking in rankings.values() for name in asked):
        raise UsageError("The rankings and the judgements have no question in common.", hint=QRELS_HINT)
    pooled = pool(
        {name: [ranking.get(question, ()) for question in asked] for name, ranking in rankings.items()}, str
    )
    known = {question.id: question for question in questions}
    return Run(
        title=title,
        embedder=next(iter(rankings)),
        questions=tuple(
            _judged(name, documents, qrels[name], known.get(name))
            for name, documents in zip(asked, pooled.candidates, strict=True)
        ),
        scorings=(),
        retrievals=tuple(Retrieval(found.name, found.orders) for found in pooled.retrievals),
    )


def save_rankings(summary: Summary, path: Path) -> tuple[Path, ...]:
    """The order in use as `path`, the base order next to it (run.trec, run.base.trec) and the judgements
    (run.qrels). What stood there before is replaced.
    """
    base, *others = summary.arms
    files = {path: _ranking(summary, others[0] if summary.contrasts else base)}
    if summary.contrasts:
        files[path.with_suffix(f".base{path.suffix}")] = _ranking(summary, base)
    files[path.with_suffix(".qrels")] = _qrels(summary.judged)
    for name, text in files.items():
        write_whole(name, text)
    return tuple(files)


def _judged(
    name: str, documents: Sequence[str], grades: Mapping[str, float], question: Question | None
) -> JudgedQuestion:
    relevant = {document: grade for document, grade in grades.items() if grade > 0}
    return JudgedQuestion(
        id=name,
        text=question.text if question else name,
        candidates=tuple(
            JudgedPassage(one, one, "", "", 0.0, relevant.get(one, 0.0), one in grades) for one in documents
        ),
        ideal=tuple(relevant.values()),
        grade=question.grade if question else "",
        gold=tuple(relevant),
        sources=tuple(relevant),
        fields=question.fields if question else {},
    )


def _ranking(summary: Summary, arm: Arm) -> str:
    """Scores count down to 1: tools rank by them, and break ties in ways of their own."""
    return "".join(
        f"{_column(question.id)} Q0 {_column(question.candidates[place].id)} {rank} {len(order) + 1 - rank}"
        f" {_column(arm.name)}\n"
        for question, order in zip(summary.judged, arm.orders, strict=True)
        for rank, place in enumerate(order, start=1)
    )


def _qrels(questions: Sequence[JudgedQuestion]) -> str:
    """Grades are whole numbers in these files: halves are doubled, which changes no measure."""
    grades = [(question, _grades(question)) for question in questions]
    whole = all(grade.is_integer() for _, found in grades for grade in found.values())
    return "".join(
        f"{_column(question.id)} 0 {_column(name)} {round(grade if whole else 2 * grade)}\n"
        for question, found in grades
        for name, grade in found.items()
    )


def _grades(question: JudgedQuestion) -> dict[str, float]:
    """Those of the relevant passages, retrieved or not, and of what was judged not relevant."""
    nothing = {one.id: 0.0 for one in question.candidates if one.judged and one.gain <= 0}
    pooled = any(not one.judged for one in question.candidates)
    found = {one.id: one.gain for one in question.candidates if one.gain > 0}
    gold = dict(zip(question.gold, question.ideal, strict=True)) if question.gold else _named(found, question)
    return gold | (nothing if pooled else {})


def _named(found: dict[str, float], question: JudgedQuestion) -> dict[str, float]:
    """Runs of before the ids of all relevant passages were kept: recall needs a name for each."""
    missed = Counter(question.ideal) - Counter(found.values())
    return found | {f"not-found-{number}": gain for number, gain in enumerate(missed.elements(), start=1)}


def _column(text: str) -> str:
    return _ESCAPED.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), text)


def _lines(path: Path, hint: str) -> Iterator[tuple[str, list[str]]]:
    """The columns of each line with its place in the file, blank lines left out."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if columns := line.split():
                    yield f"{path}, line {number}", columns
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint=hint) from error
