"""The results of a batch as a run: what `ragcli report` measures without asking anything again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ragcli.encoders.prior import Prior
from ragcli.errors import UsageError
from ragcli.evaluation.records import (
    AnsweredQuestion,
    ArmAnswer,
    JudgedQuestion,
    MissingGold,
    Retrieval,
    RetrievalName,
    Run,
    Scoring,
    StageSeconds,
)

COMPARISON = "batch-comparison"
STAGES = ("embed", "retrieve", "rerank")
_HINT = "Use a file written by: ragcli batch QUESTIONS --compare -o FILE.jsonl"

Fields = Mapping[str, Any]


def read_batch(path: Path) -> Run:
    """Raises UsageError if the file has no comparison. Questions that failed are counted as failures."""
    records = _records(path)
    compared = [record for record in records if record.get("kind") == COMPARISON]
    if not compared:
        raise UsageError(f"{path} has no comparison to report on.", hint=_HINT)
    try:
        return _run(path, records, compared)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} is damaged: {type(error).__name__} {error}.", hint=_HINT) from error


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        records = [json.loads(line) for line in lines if line.strip()]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint=_HINT) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSONL: {error}.", hint=_HINT) from error
    if not all(isinstance(record, dict) for record in records):
        raise UsageError(f"{path} holds no results.", hint=_HINT)
    return records


def _run(path: Path, records: Sequence[Fields], compared: Sequence[Fields]) -> Run:
    models = compared[0]["models"]
    orders = [sorted(record["candidates"], key=lambda c: c["base_rank"]) for record in compared]
    scoring = Scoring(
        name=models["reranker"],
        fingerprint="",
        prior=Prior(
            float(models["prior_weight"]),
            int(models.get("prior_words", 0)),
            float(models.get("prior_headings", 0.0)),
        ),
        logits=tuple(tuple(float(c["logit"]) for c in order) for order in orders),
    )
    return Run(
        title=path.name,
        embedder=models["embedder"],
        questions=tuple(_question(r, order) for r, order in zip(compared, orders, strict=True)),
        scorings=(scoring,),
        answers=tuple(_answered(record) for record in records),
        seconds=_seconds(compared, orders),
        settings={
            **compared[0].get("settings", {}),
            "fingerprint": compared[0]["fingerprint"],
            "models": dict(models),
        },
        retrievals=(_retrieval(models, orders),),
        missing=tuple(MissingGold(**gap) for record in compared for gap in record["gold"].get("missing", ())),
    )


def _retrieval(models: Fields, orders: Sequence[Sequence[Fields]]) -> Retrieval:
    """Results from before there were two kinds are the bi-encoder's."""
    name: RetrievalName = "hybrid" if models.get("retrieval") == "hybrid" else "dense"
    return Retrieval(name, tuple(tuple(range(len(order))) for order in orders))


def _question(record: Fields, candidates: Sequence[Fields]) -> JudgedQuestion:
    """Results from before gains were kept have the number of the relevant passages alone."""
    gold = record["gold"]
    ideal = (1.0,) * int(gold["relevant_passages"]) if gold["answerable"] else ()
    passages = [{**candidate, "id": candidate["chunk_id"]} for candidate in candidates]
    fields = {"ideal": ideal, **gold, "id": record["id"], "text": record["question"], "candidates": passages}
    return TypeAdapter(JudgedQuestion).validate_python(fields)


def _answered(record: Fields) -> AnsweredQuestion:
    if record["kind"] != COMPARISON:
        message = record.get("error", {}).get("message", "not compared")
        return AnsweredQuestion(record["id"], None, None, message)
    return AnsweredQuestion(record["id"], _arm(record["base"]), _arm(record["reranked"]))


def _arm(answer: Fields) -> ArmAnswer:
    return ArmAnswer(
        text=answer["answer"],
        abstained=answer["abstained"],
        cited=tuple(dict.fromkeys(citation["chunk_id"] for citation in answer["citations"])),
        context=tuple(passage["chunk_id"] for passage in answer["passages"]),
        prompt_tokens=answer["usage"]["prompt_tokens"],
        completion_tokens=answer["usage"]["completion_tokens"],
        seconds=sum(answer["timings"].values()),
    )


def _seconds(records: Sequence[Fields], orders: Sequence[Sequence[Fields]]) -> tuple[StageSeconds, ...]:
    depth = max(map(len, orders))
    return tuple(
        StageSeconds(stage, tuple(r["timings"][stage] for r in records), depth if stage == "rerank" else 0)
        for stage in STAGES
        if all(stage in record["timings"] for record in records)
    )
