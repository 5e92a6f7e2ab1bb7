"""The outcome of one question of a batch as one line of JSON: everything that a report or a script needs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ragcli.batch.outcome import Models, Outcome
from ragcli.reporting import plain_text as words
from ragcli.reporting.as_json import SCHEMA, Fields, answer_fields, candidate_fields, timing_fields
from ragcli.types import Answer, Candidate, Comparison


def line(outcome: Outcome, models: Models, fingerprint: str) -> str:
    """Without the newline. The keys that come first are the same for every kind."""
    kind, fields = _of(outcome)
    question = outcome.question
    whole = {
        "schema": SCHEMA,
        "kind": kind,
        "id": question.id,
        "question": question.text,
        "fingerprint": fingerprint,
        **fields,
        "gold": {
            "answers": list(question.answers),
            "answerable": question.answerable,
            "grade": question.grade,
            "relevant_passages": len(outcome.relevant),
        },
        "models": {
            "embedder": models.embedder,
            "reranker": models.reranker,
            "prior_weight": models.prior.weight,
            "prior_words": models.prior.words,
            "llm": models.llm,
            "retrieval": models.retrieval,
        },
    }
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False)
    return words.CONTROLS.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _of(outcome: Outcome) -> tuple[str, Fields]:
    result = outcome.result
    if isinstance(result, Answer):
        return "batch-answer", {
            **_answer(result),
            "candidates": _candidates(result.candidates, outcome.relevant),
        }
    if isinstance(result, Comparison):
        return "batch-comparison", {
            "summary": result.summary,
            "base": _answer(result.base) if result.base else None,
            "reranked": _answer(result.reranked) if result.reranked else None,
            "candidates": _candidates(result.reranked_order, outcome.relevant),
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


def _candidates(candidates: Sequence[Candidate], relevant: frozenset[str]) -> list[Fields]:
    return [
        {
            **candidate_fields(candidate),
            "location": candidate.chunk.location,
            "gain": int(candidate.chunk.id in relevant),
        }
        for candidate in candidates
    ]
