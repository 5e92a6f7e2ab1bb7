"""Both arms' answers, measured and compared question by question. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean

from ragcli.evaluation import answer_measures as measures
from ragcli.evaluation.paired_tests import paired_difference
from ragcli.evaluation.records import AnsweredQuestion, ArmAnswer, JudgedQuestion, Run
from ragcli.evaluation.results import AnswerContrast
from ragcli.text.marks import without_marks

AnswerMeasure = Callable[[JudgedQuestion, ArmAnswer], float | None]
"""None if the question has nothing to measure the answer with."""


def _against_golds(measure: Callable[[str, tuple[str, ...]], float]) -> AnswerMeasure:
    def measured(question: JudgedQuestion, answer: ArmAnswer) -> float | None:
        if not (question.answers and question.answerable):
            return None
        return 0.0 if answer.abstained else measure(without_marks(answer.text), question.answers)

    return measured


def _citation_precision(question: JudgedQuestion, answer: ArmAnswer) -> float | None:
    return measures.citation_precision(answer.cited, _relevant(question)) if question.ideal else None


def _citation_recall(question: JudgedQuestion, answer: ArmAnswer) -> float | None:
    if not question.ideal:
        return None
    return measures.citation_recall(answer.cited, _relevant(question), answer.context)


def _answers_or_declines(question: JudgedQuestion, answer: ArmAnswer) -> float | None:
    """1 if an answerable question got an answer, or an unanswerable one got none."""
    return float(answer.abstained != question.answerable)


ANSWER_MAIN = "holds the answer"
"""What the verdict says of answers."""

ANSWER_MEASURES: dict[str, AnswerMeasure] = {
    ANSWER_MAIN: _against_golds(measures.holds_answer),
    "token F1": _against_golds(measures.token_f1),
    "exact match": _against_golds(measures.exact_match),
    "citation precision": _citation_precision,
    "citation recall": _citation_recall,
    "answers or declines rightly": _answers_or_declines,
}


def contrast_answers(run: Run) -> tuple[AnswerContrast, ...]:
    """One for each measure, over the questions that both arms have it for. That of the verdict is
    tested by itself; the others together.
    """
    values = {name: measured_answers(run, name)[1:] for name in ANSWER_MEASURES}
    differ = [name for name, (before, after) in values.items() if name != ANSWER_MAIN and before != after]
    return tuple(
        _contrast(name, before, after, comparisons=len(differ) if name in differ else 1)
        for name, (before, after) in values.items()
        if before
    )


def measured_answers(run: Run, name: str) -> tuple[list[JudgedQuestion], list[float], list[float]]:
    """The questions that both arms answered and that have this measure, with its values in both."""
    measure = ANSWER_MEASURES[name]
    rows = [(q, measure(q, one), measure(q, other)) for q, one, other in answered_pairs(run)]
    both = [(q, before, after) for q, before, after in rows if before is not None and after is not None]
    return [q for q, _, _ in both], [before for _, before, _ in both], [after for _, _, after in both]


def _contrast(name: str, before: Sequence[float], after: Sequence[float], comparisons: int) -> AnswerContrast:
    found = paired_difference(before, after, comparisons=comparisons)
    return AnswerContrast(name, len(before), fmean(before), fmean(after), found)


def answered_pairs(run: Run) -> Iterator[tuple[JudgedQuestion, ArmAnswer, ArmAnswer]]:
    """The questions that both arms answered, with both answers."""
    answered: dict[str, AnsweredQuestion] = {found.question_id: found for found in run.answers}
    for question in run.questions:
        found = answered.get(question.id)
        if found is not None and found.base is not None and found.reranked is not None:
            yield question, found.base, found.reranked


def _relevant(question: JudgedQuestion) -> frozenset[str]:
    return frozenset(candidate.id for candidate in question.candidates if candidate.gain > 0)
