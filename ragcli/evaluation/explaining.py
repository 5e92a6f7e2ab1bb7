"""Why did this passage move? What its words do to both scores, for the questions that changed most."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.encoders.bi_encoder import load_bi_encoder
from ragcli.encoders.occlusion import Occlusion, occlude
from ragcli.encoders.reranking import load_reranker
from ragcli.evaluation.judging import passage_text
from ragcli.evaluation.records import Explanation, JudgedPassage, JudgedQuestion
from ragcli.evaluation.results import QuestionChange, Summary

MOST_EXPLAINED = 3
"""Of the questions that were helped, and of those that were hurt: a passage takes about a second."""

Progress = Callable[[str, int, int], None]


def explain(
    summary: Summary, embedding: EmbeddingConfig, reranking: RerankingConfig, progress: Progress
) -> Summary:
    """The summary of the same run with its explanations. The models are those that the verdict is about.

    Raises ModelError or ServerError, as scoring does.
    """
    wanted = list(passages_to_explain(summary))
    if not wanted:
        return summary
    bi_encoder, reranker = load_bi_encoder(embedding), load_reranker(reranking)
    found = []
    for done, (question, passage) in enumerate(wanted):
        progress("explaining", done, len(wanted))
        read = occlude(question.text, passage_text(passage), reranker=reranker, bi_encoder=bi_encoder)
        if _is_finite(read):
            found.append(Explanation(question.id, passage.id, read))
    progress("explaining", len(wanted), len(wanted))
    return replace(summary, run=replace(summary.run, explanations=tuple(found)))


def passages_to_explain(summary: Summary) -> Iterator[tuple[JudgedQuestion, JudgedPassage]]:
    """For each of the most helped questions the relevant passage that rose most, and for each of the most
    hurt ones the one that fell most.
    """
    for changes, direction in ((summary.helped, 1), (summary.hurt, -1)):
        for change in changes[:MOST_EXPLAINED]:
            passage = _moved_most(change, direction)
            if passage is not None:
                yield change.question, passage


def _moved_most(change: QuestionChange, direction: int) -> JudgedPassage | None:
    places = {
        move.passage: direction * (move.before - move.after)
        for move in change.moved
        if move.passage.gain > 0 and move.before is not None and move.after is not None
    }
    return max(places, key=places.__getitem__, default=None)


def _is_finite(occlusion: Occlusion) -> bool:
    """A damaged cross-encoder may return what is not a number: the findings of the run say so."""
    readings = (occlusion.cross_encoder, occlusion.bi_encoder)
    words = (word for reading in readings for word in (*reading.question, *reading.passage))
    return all(map(math.isfinite, (*(reading.score for reading in readings), *(w.change for w in words))))
