"""An evaluation as one HTML file that needs nothing else: no scripts, fonts or pictures from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from ragcli.evaluation.measures import FOUND, LABELS, MAIN
from ragcli.evaluation.records import AnsweredQuestion, ArmAnswer, JudgedQuestion
from ragcli.evaluation.results import Stage, Summary
from ragcli.evaluation.unmeasured import why_unmeasured
from ragcli.reporting import figures
from ragcli.reporting import plain_text as words
from ragcli.reporting.files import occlusion_html, pictures
from ragcli.reporting.screens.retrievals import SHOWN

# A page with more questions than this is slow to open, and nobody reads all of it.
MOST_QUESTIONS = 200
SHOWN_PASSAGES = 5
LONGEST_TEXT = 420
NOT_IN_INDEX: Stage = "not in the index"


@dataclass(frozen=True, slots=True)
class ShownPassage:
    """A passage in one of the two orders; `was` is its rank in the other, None if that lacks it, `marked` if
    it is relevant, `used` if it was in the prompt.
    """

    rank: int
    was: int | None
    name: str
    source: str
    text: str
    marked: bool
    used: bool


@dataclass(frozen=True, slots=True)
class ShownQuestion:
    text: str
    grade: str
    before: float
    after: float
    base: tuple[ShownPassage, ...]
    reranked: tuple[ShownPassage, ...]
    gold: tuple[str, ...]
    answers: tuple[tuple[str, ArmAnswer | None], ...]
    error: str
    stages: tuple[str, str]

    @property
    def change(self) -> float:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A question that no ranking is measured by: its gold that is missing, and what was answered in both
    orders.
    """

    text: str
    why: str
    missing: tuple[str, ...]
    answers: tuple[tuple[str, ArmAnswer | None], ...]
    error: str


@dataclass(frozen=True, slots=True)
class Why:
    """How both encoders read the passage of this name. `readings` is HTML."""

    passage: str
    readings: str


def report_html(summary: Summary) -> str:
    """Everything that comes from documents, questions or an LLM is cleaned and escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["clean"] = words.clean
    environment.filters["line"] = words.one_line
    environment.filters["unbroken"] = figures.unbroken
    template = files("ragcli.reporting").joinpath("report.html.j2").read_text(encoding="utf-8")
    shown = shown_questions(summary)
    return environment.from_string(template).render(
        summary=summary,
        run=summary.run,
        figures=figures,
        labels=LABELS,
        main=MAIN,
        found=FOUND,
        orders=figures.order_names(summary) if summary.contrasts else (),
        others=other_questions(summary)[:MOST_QUESTIONS],
        shown=SHOWN,
        why=_why(summary),
        occlusion=occlusion_html,
        base=figures.base_name(summary.arms[0].retrieval),
        questions=shown[:MOST_QUESTIONS],
        left_out=max(0, len(shown) - MOST_QUESTIONS),
        pictures=_pictures(summary),
        lines=len(pictures.relevant_moves(summary)),
        settings=sorted(_flat(summary.run.settings)),
    )


def _why(summary: Summary) -> dict[str, Why]:
    """By the id of the question that was helped or hurt."""
    names = {
        (question.id, passage.id): figures.passage_name(passage)
        for question in summary.judged
        for passage in question.candidates
    }
    return {
        found.question_id: Why(
            names[found.question_id, found.passage_id], occlusion_html.readings_html(found.occlusion)
        )
        for found in summary.run.explanations
    }


def _pictures(summary: Summary) -> dict[str, str]:
    """SVG by name, for those with something to draw."""
    drawn: dict[str, str] = {}
    if summary.contrasts:
        if pictures.relevant_moves(summary):
            drawn["slope"] = pictures.slope_chart(summary)
        drawn["changes"] = pictures.change_histogram(summary)
    if len(summary.depths) > 1:
        drawn["depths"] = pictures.depth_chart(summary)
        if pictures.is_timed(summary):
            drawn["time"] = pictures.time_chart(summary)
    return drawn


def shown_questions(summary: Summary) -> list[ShownQuestion]:
    """All judged questions, the ones that changed most first."""
    if not summary.contrasts:
        return []
    base, arm = summary.arms[:2]
    answered = {found.question_id: found for found in summary.run.answers}
    stages = {found.question.id: (found.before, found.after) for found in summary.outcomes}
    shown = [
        ShownQuestion(
            text=words.one_line(question.text),
            grade=words.one_line(question.grade),
            before=before,
            after=after,
            base=_passages(question, base_order, order, _prompt(answered, question, "base")),
            reranked=_passages(question, order, base_order, _prompt(answered, question, "reranked")),
            gold=tuple(map(words.one_line, question.answers)),
            answers=_answers(answered.get(question.id), figures.base_name(base.retrieval)),
            error=words.one_line(answered[question.id].error) if question.id in answered else "",
            stages=stages.get(question.id, ("", "")),
        )
        for question, before, after, base_order, order in zip(
            summary.judged, base.values[MAIN], arm.values[MAIN], base.orders, arm.orders, strict=True
        )
    ]
    return sorted(shown, key=lambda question: -abs(question.change))


def other_questions(summary: Summary) -> list[Unmeasured]:
    """Those without a place in the figures that failed, as their gold is not in the index, or were asked."""
    gone = {one.question.id for one in summary.outcomes if NOT_IN_INDEX in (one.before, one.after)}
    why = {**why_unmeasured(summary.run), **dict.fromkeys(gone, NOT_IN_INDEX)}
    answered = {found.question_id: found for found in summary.run.answers}
    base = figures.base_name(summary.arms[0].retrieval)
    return [
        Unmeasured(
            words.one_line(question.text),
            why[question.id],
            tuple(
                figures.missing_lines([gap for gap in summary.run.missing if gap.question_id == question.id])
            ),
            _answers(answered.get(question.id), base),
            words.one_line(answered[question.id].error) if question.id in answered else "",
        )
        for question in summary.run.questions
        if question.id in why and question.id in gone.union(answered)
    ]


def _prompt(
    answered: Mapping[str, AnsweredQuestion], question: JudgedQuestion, arm: Literal["base", "reranked"]
) -> frozenset[str]:
    """The ids of the passages that the arm's LLM was given."""
    found = answered.get(question.id)
    answer = (found.base if arm == "base" else found.reranked) if found else None
    return frozenset(answer.context if answer else ())


def _passages(
    question: JudgedQuestion, order: Sequence[int], other: Sequence[int], prompt: frozenset[str]
) -> tuple[ShownPassage, ...]:
    candidates = question.candidates
    ranks = {place: rank for rank, place in enumerate(other, start=1)}
    return tuple(
        ShownPassage(
            rank=rank,
            was=ranks.get(place),
            name=figures.passage_name(candidates[place]),
            source=words.one_line(candidates[place].source),
            text=_shortened(words.one_line(candidates[place].text)),
            marked=candidates[place].gain > 0,
            used=candidates[place].id in prompt,
        )
        for rank, place in enumerate(order[:SHOWN_PASSAGES], start=1)
    )


def _answers(found: AnsweredQuestion | None, base: str) -> tuple[tuple[str, ArmAnswer | None], ...]:
    return ((f"{base}'s order", found.base), ("Reranked", found.reranked)) if found else ()


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT].rsplit(" ", 1)[0] + " …"


def _flat(settings: Any, prefix: str = "") -> list[tuple[str, str]]:
    if isinstance(settings, dict):
        rows = [_flat(value, f"{prefix}.{key}" if prefix else str(key)) for key, value in settings.items()]
        return [row for part in rows for row in part]
    return [(prefix, words.one_line(str(settings)))]
