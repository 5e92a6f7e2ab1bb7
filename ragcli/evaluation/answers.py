"""Both arms' answers, measured and compared question by question. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import fmean

from ragcli.evaluation import answer_measures as measures
from ragcli.evaluation.paired_tests import holm, paired_difference
from ragcli.evaluation.records import AnswerContrast, AnsweredQuestion, ArmAnswer, JudgedQuestion, Run
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


ANSWER_MEASURES: dict[str, AnswerMeasure] = {
    "holds the answer": _against_golds(measures.holds_answer),
    "token F1": _against_golds(measures.token_f1),
    "exact match": _against_golds(measures.exact_match),
    "citation precision": _citation_precision,
    "citation recall": _citation_recall,
    "answers or declines rightly": _answers_or_declines,
}


def contrast_answers(run: Run) -> tuple[AnswerContrast, ...]:
    """One for each measure, over the questions that have it in both arms; p-values corrected after Holm."""
    pairs = list(answered_pairs(run))
    rows: list[AnswerContrast] = []
    for name, measure in ANSWER_MEASURES.items():
        values = [(measure(question, one), measure(question, other)) for question, one, other in pairs]
        before = [value for value, _ in values if value is not None]
        after = [value for _, value in values if value is not None]
        if before:
            found = paired_difference(before, after)
            rows.append(AnswerContrast(name, len(before), fmean(before), fmean(after), found, found.p_value))
    corrected = holm([row.difference.p_value for row in rows])
    return tuple(
        AnswerContrast(row.measure, row.questions, row.before, row.after, row.difference, p_value)
        for row, p_value in zip(rows, corrected, strict=True)
    )


def answered_pairs(run: Run) -> Iterator[tuple[JudgedQuestion, ArmAnswer, ArmAnswer]]:
    """The questions that both arms answered, with both answers."""
    answered: dict[str, AnsweredQuestion] = {found.question_id: found for found in run.answers}
    for question in run.questions:
        found = answered.get(question.id)
        if found is not None and found.base is not None and found.reranked is not None:
            yield question, found.base, found.reranked


def _relevant(question: JudgedQuestion) -> frozenset[str]:
    return frozenset(candidate.id for candidate in question.candidates if candidate.gain > 0)
