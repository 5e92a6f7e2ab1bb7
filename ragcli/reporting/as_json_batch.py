"""The outcome of one question of a batch as one line of JSON: everything that a report or a script needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields

from ragcli.batch.gold import Gold
from ragcli.batch.outcome import Models, Outcome
from ragcli.evaluation.records import JudgedPassage, JudgedQuestion, MissingGold
from ragcli.reporting import plain_text as words
from ragcli.reporting.as_json import SCHEMA, Fields, answer_fields, candidate_fields, timing_fields
from ragcli.types import Answer, Candidate, Comparison

OF_GOLD = tuple(one.name for one in fields(JudgedQuestion) if one.name not in ("id", "text", "candidates"))
"""As in the run of an evaluation; the others are keys of the line itself."""


def line(outcome: Outcome, gold: Gold, models: Models, fingerprint: str, settings: Fields) -> str:
    """Without the newline. The keys that come first are the same for every kind."""
    question = outcome.question
    judged = gold.judged(question, outcome.candidates)
    kind, own = _of(outcome, judged.candidates)
    whole = {
        "schema": SCHEMA,
        "kind": kind,
        "id": question.id,
        "question": question.text,
        "fingerprint": fingerprint,
        **own,
        "gold": _gold(judged, gold.missing(question)),
        "models": {
            "embedder": models.embedder,
            "reranker": models.reranker,
            "prior_weight": models.prior.weight,
            "prior_words": models.prior.words,
            "prior_headings": models.prior.headings,
            "llm": models.llm,
            "retrieval": models.retrieval,
        },
        "settings": settings,
    }
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False)
    return words.CONTROLS.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _gold(judged: JudgedQuestion, missing: Sequence[MissingGold]) -> Fields:
    return {
        **{name: getattr(judged, name) for name in OF_GOLD},
        "relevant_passages": len(judged.ideal),
        "missing": [asdict(gap) for gap in missing],
    }


def _of(outcome: Outcome, judged: Sequence[JudgedPassage]) -> tuple[str, Fields]:
    result = outcome.result
    if isinstance(result, Answer):
        return "batch-answer", {
            **_answer(result),
            "candidates": _candidates(outcome.candidates, judged),
        }
    if isinstance(result, Comparison):
        return "batch-comparison", {
            "summary": result.summary,
            "base": _answer(result.base) if result.base else None,
            "reranked": _answer(result.reranked) if result.reranked else None,
            "candidates": _candidates(outcome.candidates, judged),
            "truncated": result.truncated,
            "timings": timing_fields(result.timings),
        }
    error = outcome.error
    assert error is not None
    partial = getattr(error, "partial", "")
    return "batch-error", {
        "error": {
            "message": error.message,
            "hint": error.hint,
            "exit_code": int(error.exit_code),
            "partial": partial,
        }
    }


def _answer(answer: Answer) -> Fields:
    """As in `ragcli ask --json`, with the passages of the prompt instead of the whole prompt."""
    fields = answer_fields(answer)
    passages = fields.pop("context")["passages"]
    return {**{key: value for key, value in fields.items() if key != "question"}, "passages": passages}


def _candidates(candidates: Sequence[Candidate], judged: Sequence[JudgedPassage]) -> list[Fields]:
    return [
        {
            **candidate_fields(candidate),
            "location": passage.location,
            "gain": passage.gain,
            "judged": passage.judged,
        }
        for candidate, passage in zip(candidates, judged, strict=True)
    ]
