"""Records as JSON documents, each with `"schema": 1` and a `"kind"`; the fields mean what they do in `types`.

Text stays readable (no ASCII escapes), but control characters are always escaped: a terminal may be at the
other end of the pipe.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ragcli.config.loading import repeatable
from ragcli.reporting import plain_text as words

if TYPE_CHECKING:
    from ragcli.config import Config
    from ragcli.encoders.occlusion import Occlusion, Reading, WordChange
    from ragcli.store import Index
    from ragcli.types import (
        Answer,
        Candidate,
        Citation,
        Comparison,
        Context,
        IngestReport,
        SearchResult,
        SourceInfo,
        Timing,
    )

SCHEMA = 1
Fields = dict[str, Any]


def document(kind: str, fields: Mapping[str, Any], *, indent: int | None = 2) -> str:
    """One JSON document, without the newline at its end; on one line if `indent` is None.

    Raises ValueError for NaN and infinity.
    """
    whole = {"schema": SCHEMA, "kind": kind, **fields}
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=indent)
    # Only strings can contain these characters: json itself has escaped those below U+0020.
    return words.CONTROLS.sub(
        lambda match: f"\\u{ord(match.group()):04x}" if match.group() != "\n" else "\n", text
    )


def answer(record: Answer, config: Config) -> str:
    return document(
        "answer",
        {**answer_fields(record), "candidates": _candidates(record.candidates), **repeatable(config)},
    )


def search(record: SearchResult, config: Config) -> str:
    fields = {
        "question": record.question,
        "reranked": record.reranked,
        "prior": {
            "weight": record.prior.weight,
            "words": record.prior.words,
            "headings": record.prior.headings,
            "for_question": record.prior.weight_for(record.question),
        },
        "candidates": _candidates(record.candidates),
        "truncated": record.truncated,
        "timings": timing_fields(record.timings),
    }
    return document("search", {**fields, **repeatable(config)})


def explanation(question: str, found: Sequence[tuple[Candidate, Occlusion]], of: int, config: Config) -> str:
    """Each passage with both readings; the spans of words are of `passage` and `question`, in characters."""
    passages = [
        {
            **candidate_fields(candidate),
            "passage": occlusion.passage,
            "cross_encoder": _reading_fields(occlusion.cross_encoder),
            "bi_encoder": _reading_fields(occlusion.bi_encoder),
        }
        for candidate, occlusion in found
    ]
    fields = {"question": found[0][1].question if found else question, "of": of, "passages": passages}
    return document("explanation", {**fields, **repeatable(config)})


def _reading_fields(reading: Reading) -> Fields:
    def changes(words: Sequence[WordChange]) -> list[Fields]:
        return [{"start": word.start, "end": word.end, "change": word.change} for word in words]

    return {
        "score": reading.score,
        "question_words": changes(reading.question),
        "passage_words": changes(reading.passage),
    }


def comparison(record: Comparison, config: Config) -> str:
    """Each candidate once, in reranked order, with its ranks and its place in both prompts."""
    candidates = [
        {
            **candidate_fields(movement.candidate),
            "before": movement.before,
            "after": movement.after,
            "in_prompt_before": movement.in_prompt_before,
            "in_prompt_after": movement.in_prompt_after,
        }
        for movement in record.movements
    ]
    fields = {
        "question": record.question,
        "summary": record.summary,
        "base": answer_fields(record.base) if record.base else None,
        "reranked": answer_fields(record.reranked) if record.reranked else None,
        "candidates": candidates,
        "truncated": record.truncated,
        "timings": timing_fields(record.timings),
    }
    return document("comparison", {**fields, **repeatable(config)})


def ingest(record: IngestReport, *, indent: int | None = 2) -> str:
    fields = {
        "dry_run": record.dry_run,
        "files": [
            {
                "source": file.source,
                "status": file.status,
                "chunks": file.chunks,
                "reason": file.reason,
                "notes": list(file.notes),
            }
            for file in record.files
        ],
        "chunks_written": record.chunks_written,
        "chunks_removed": record.chunks_removed,
        "seconds": record.seconds,
        "timings": timing_fields(record.timings),
    }
    return document("ingest", fields, indent=indent)


def sources(collection: str, records: Iterable[SourceInfo]) -> str:
    fields = [
        {
            "source": record.source,
            "title": record.title,
            "format": record.format,
            "chunks": record.chunks,
            "sha256": record.sha256,
            "ingested_at": record.ingested_at,
        }
        for record in records
    ]
    return document("sources", {"collection": collection, "sources": fields})


def collection_fields(name: str, index: Index) -> Fields:
    """What an open collection holds, and what built it."""
    return {
        "collection": name,
        "sources": len(index.sources()),
        "chunks": index.count(),
        "embedding_model": index.manifest.embedding_model,
        "fingerprint": index.manifest.fingerprint,
        "chunk_size": index.manifest.chunk_size,
        "chunk_overlap": index.manifest.chunk_overlap,
        "created_at": index.manifest.created_at,
    }


def answer_fields(record: Answer) -> Fields:
    return {
        "question": record.question,
        "answer": record.text,
        "abstained": record.abstained,
        "declined_by": asdict(record.declined_by) if record.declined_by else None,
        "citations": [_citation(citation) for citation in record.citations],
        "unknown_citations": list(record.unknown_citations),
        "cut_off": record.cut_off,
        "truncated": record.truncated,
        "reasoning": record.reasoning,
        "not_sent": list(record.not_sent),
        "context": _context(record.context),
        "reranked": record.reranked,
        "model": record.model,
        "usage": {
            "prompt_tokens": record.usage.prompt_tokens,
            "completion_tokens": record.usage.completion_tokens,
        },
        "timings": timing_fields(record.timings),
    }


def _citation(record: Citation) -> Fields:
    return {
        "number": record.number,
        "source": record.source,
        "location": record.location,
        **_span(record),
        "chunk_id": record.chunk_id,
        "quote": record.quote,
        "attributed": record.attributed,
    }


def _context(record: Context) -> Fields:
    return {
        "passages": [
            {
                "number": passage.number,
                "chunk_id": passage.candidate.chunk.id,
                "source": passage.candidate.chunk.source,
                "text": passage.text,
                "tokens": passage.tokens,
            }
            for passage in record.passages
        ],
        "messages": [{"role": message.role, "content": message.content} for message in record.messages],
        "tokens": record.tokens,
        "budget": record.budget,
        "left_out": record.left_out,
    }


def _candidates(records: Sequence[Candidate]) -> list[Fields]:
    return [candidate_fields(record) for record in records]


def candidate_fields(record: Candidate) -> Fields:
    return {
        "chunk_id": record.chunk.id,
        "source": record.chunk.source,
        "index": record.chunk.index,
        "title": record.chunk.title,
        "headings": list(record.chunk.headings),
        **_span(record.chunk),
        "start": record.chunk.start,
        "end": record.chunk.end,
        "text": record.chunk.text,
        "dense_rank": record.dense_rank,
        "lexical_rank": record.lexical_rank,
        "bm25": record.bm25,
        "fused": record.fused,
        "similarity": record.similarity,
        "heading_similarity": record.heading_similarity,
        "base_rank": record.base_rank,
        "logit": record.logit,
        "score": record.score,
        "probability": record.probability,
        "rank": record.rank,
    }


def _span(record: Any) -> Fields:
    return {
        "line_start": record.line_start,
        "line_end": record.line_end,
        "page_start": record.page_start,
        "page_end": record.page_end,
        "format": record.format,
        "place": words.place(record),
    }


def timing_fields(records: Iterable[Timing]) -> dict[str, float]:
    return words.summed(records)
