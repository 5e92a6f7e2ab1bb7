"""An evaluation as a JSON document: the figures for a script and, on request, the run behind them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ragcli.evaluation.diff import RunDiff
from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.results import Arm, Contrast, MeasureContrast, QuestionChange, Standing, Summary
from ragcli.evaluation.run_files import KIND, run_fields
from ragcli.reporting.as_json import Fields, document


def evaluation(summary: Summary, *, with_run: bool = False) -> str:
    """With the run, the document can be read back, compared, and turned into any report."""
    run = {"run": run_fields(summary.run)} if with_run else {}
    return document(KIND, {"summary": _summary(summary), **run})


def diff(found: RunDiff) -> str:
    fields = asdict(found)
    fields["arms"] = [
        {
            "kind": arm.kind,
            "before": arm.name_before,
            "after": arm.name_after,
            "measures": _rows(arm.measures),
        }
        for arm in found.arms
    ]
    return document("evaluation-diff", fields)


def _summary(summary: Summary) -> Fields:
    return {
        "title": summary.run.title,
        "verdict": summary.verdict,
        "questions": len(summary.run.questions),
        "judged": len(summary.judged),
        "unjudged": summary.unjudged,
        "none_relevant": summary.none_relevant,
        "not_judged_yet": summary.not_judged_yet,
        "missing": [asdict(gap) for gap in summary.run.missing],
        "failed": summary.failed,
        "arms": [_arm(arm) for arm in summary.arms],
        "models": [_standing(standing) for standing in summary.standings],
        "contrasts": [_contrast(contrast) for contrast in summary.contrasts],
        "floors": [asdict(floor) for floor in summary.floors],
        "strata": [asdict(found) for found in summary.strata],
        "stages": [asdict(count) for count in summary.stages],
        "outcomes": _outcomes(summary),
        "smallest_difference": summary.smallest_difference,
        "judged_share": list(summary.judged_share),
        "notes": list(summary.notes),
        "steps": [{"text": step.text, **_row(step.row)} for step in summary.steps],
        "ceiling": summary.ceiling,
        "depths": [asdict(row) for row in summary.depths],
        "advice": summary.advice,
        "latencies": [asdict(latency) for latency in summary.latencies],
        "milliseconds_per_point": summary.milliseconds_per_point,
        "cost_per_thousand": asdict(summary.cost) if summary.cost else None,
        "helped": [_change(change) for change in summary.helped],
        "hurt": [_change(change) for change in summary.hurt],
        "findings": [asdict(finding) for finding in summary.findings],
        "answers": [asdict(row) for row in summary.answers],
        "settings": dict(summary.run.settings),
    }


def _arm(arm: Arm) -> Fields:
    return {"name": arm.name, "kind": arm.kind, "retrieval": arm.retrieval, "means": dict(arm.means)}


def _outcomes(summary: Summary) -> list[Fields]:
    """Of each question that names gold: how far it came, and nDCG@10 where it has one."""
    values = {
        question.id: pair
        for question, *pair in zip(
            summary.judged, *(arm.values[MAIN] for arm in summary.arms[:2]), strict=True
        )
    }
    return [
        {
            "id": outcome.question.id,
            "question": outcome.question.text,
            "before": {"stage": outcome.before, MAIN: values.get(outcome.question.id, (None, None))[0]},
            "after": {"stage": outcome.after, MAIN: values.get(outcome.question.id, (None, None))[1]},
        }
        for outcome in summary.outcomes
    ]


def _standing(standing: Standing) -> Fields:
    """The first bi-encoder's own order has no difference."""
    difference = asdict(standing.difference) if standing.difference else None
    return {
        "embedder": standing.embedder,
        **_arm(standing.arm),
        "difference": difference,
        "seconds": standing.seconds,
    }


def _contrast(contrast: Contrast) -> Fields:
    return {
        "arm": contrast.arm,
        "kind": contrast.kind,
        "retrieval": contrast.retrieval,
        "measures": _rows(contrast.measures),
        "gap_closed": contrast.gap_closed,
    }


def _rows(rows: tuple[MeasureContrast, ...]) -> dict[str, Any]:
    return {row.measure: _row(row) for row in rows}


def _row(row: MeasureContrast) -> Fields:
    return {"before": row.before, "after": row.after, **asdict(row.difference)}


def _change(change: QuestionChange) -> Fields:
    return {
        "id": change.question.id,
        "question": change.question.text,
        "before": change.before,
        "after": change.after,
        "moved": [
            {"id": move.passage.id, "gain": move.passage.gain, "before": move.before, "after": move.after}
            for move in change.moved
        ],
    }
