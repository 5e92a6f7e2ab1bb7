"""Additional bi-encoders of a run: each reads the same texts and finds its own candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ragcli.config import Config, EmbeddingConfig, RerankingConfig
from ragcli.evaluation.beir import JudgedCollection
from ragcli.evaluation.collect import Progress, evaluate_beir
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import Run
from ragcli.evaluation.relevance import relevant_chunks
from ragcli.pipeline import open_pipeline


def with_embedders(
    run: Run,
    config: Config,
    collection: JudgedCollection,
    *,
    embedders: Sequence[EmbeddingConfig],
    rerankers: Sequence[RerankingConfig],
    progress: Progress | None = None,
) -> Run:
    """The run with one run per additional bi-encoder over `collection`, with the same questions."""
    others = tuple(
        evaluate_beir(
            config.model_copy(update={"embedding": embedder}),
            collection,
            rerankers=rerankers,
            # As deep as the run itself, so that all are compared with the same number of candidates.
            depths=run.depths[-1:],
            progress=progress,
        )
        for embedder in embedders
    )
    return replace(run, others=others)


def collection_of_index(config: Config, questions: Sequence[Question], title: str) -> JudgedCollection:
    """The chunks of the index, and the questions that name any, as a collection for any bi-encoder."""
    with open_pipeline(config) as pipeline:
        chunks = pipeline.chunks()
    qrels = {
        question.id: dict.fromkeys(relevant_chunks(question, chunks), 1.0)
        for question in questions
        if question.answerable
    }
    return JudgedCollection(
        name=title,
        corpus={chunk.id: chunk.passage for chunk in chunks},
        queries={question.id: question.text for question in questions},
        qrels={name: grades for name, grades in qrels.items() if grades},
        titles={chunk.id: chunk.location for chunk in chunks if chunk.location},
    )
