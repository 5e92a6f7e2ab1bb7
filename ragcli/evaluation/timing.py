"""Seconds of each stage for single questions, as `ragcli search` takes them once its models are loaded.

Batched scoring says nothing about the wait for one answer, so a few questions are asked one at a time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.encoders.reranking import Reranker
from ragcli.evaluation.judging import passage_text
from ragcli.evaluation.records import JudgedQuestion, StageSeconds

SAMPLE = 20
# On a slow machine fewer questions must be enough; below LEAST a median says too little.
ENOUGH_SECONDS = 30.0
LEAST = 5
SEED = 7


def stage_seconds(
    questions: Sequence[JudgedQuestion],
    embedder: BiEncoder,
    rerankers: Sequence[Reranker],
    depths: Sequence[int],
    retrieving: Mapping[str, Callable[[str], object]],
) -> tuple[StageSeconds, ...]:
    """For up to SAMPLE questions. Each retrieval embeds a question and searches; embedding is also timed
    by itself. The first one's stage is "retrieve", another's "retrieve (NAME)".

    The first cross-encoder is timed at every depth, the others at the greatest. For each question everything
    is timed in turn, so that a machine that slows down favours none of them.
    """
    asked = [question for question in questions if question.candidates]
    sample = random.Random(SEED).sample(asked, min(SAMPLE, len(asked)))
    timed = [(0, depth) for depth in sorted(set(depths)) if rerankers]
    timed += [(model, max(depths)) for model in range(1, len(rerankers))]
    rows: list[list[float]] = []
    for question in sample[:1] + sample:  # the first one warms up
        embed = _seconds(partial(embedder.embed, [question.text], query=True))
        searches = [
            max(0.0, _seconds(partial(search, question.text)) - embed) for search in retrieving.values()
        ]
        texts = [passage_text(candidate) for candidate in question.candidates]
        locations = [candidate.location for candidate in question.candidates]
        rerank = [
            _seconds(
                partial(_rerank, rerankers[model], embedder, question.text, texts[:depth], locations[:depth])
            )
            for model, depth in timed
        ]
        rows.append([embed, *searches, *rerank])
        if len(rows) > LEAST and sum(map(sum, rows)) > ENOUGH_SECONDS:
            break
    names = ["retrieve" if place == 0 else f"retrieve ({name})" for place, name in enumerate(retrieving)]
    stages = [("embed", 0, 0), *((name, 0, 0) for name in names)]
    stages += [("rerank", model, depth) for model, depth in timed]
    return tuple(
        StageSeconds(stage, tuple(row[column] for row in rows[1:]), depth, model)
        for column, (stage, model, depth) in enumerate(stages)
    )


def _rerank(
    reranker: Reranker, embedder: BiEncoder, question: str, texts: Sequence[str], locations: Sequence[str]
) -> None:
    # Not `rerank`: the audit reports invalid scores.
    reranker.logits_of_lists([(question, texts)])
    if reranker.prior.reads_headings:
        embedder.embed(list({location for location in locations if location}))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
