"""Makes a run: all candidates of all questions, scored by all cross-encoders, then answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragcli import store
from ragcli.config import Config, RerankingConfig, RetrievalConfig
from ragcli.config.loading import repeatable
from ragcli.encoders.bi_encoder import BiEncoder, load_bi_encoder
from ragcli.encoders.headings import heading_similarities
from ragcli.encoders.reranking import Reranker, load_reranker
from ragcli.errors import UsageError
from ragcli.evaluation.answering import answer_all
from ragcli.evaluation.beir import JudgedCollection
from ragcli.evaluation.corpus_vectors import corpus_vectors
from ragcli.evaluation.judging import judge, judge_by_qrels
from ragcli.evaluation.missing import missing_gold
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import (
    JudgedQuestion,
    Retrieval,
    RetrievalName,
    Run,
    Scoring,
    StageSeconds,
)
from ragcli.evaluation.retrieving import EVERYTHING, CollectionSearch, Methods, from_index, pool
from ragcli.evaluation.scoring import score
from ragcli.evaluation.timing import stage_seconds
from ragcli.retrieval.retrieve import retrieve
from ragcli.types import Chunk

if TYPE_CHECKING:
    from ragcli.encoders.bi_encoder import Vectors

Progress = Callable[[str, int, int], None]
"""Gets the name of a stage, how much of it is done, and its total."""


def evaluate_questions(
    config: Config,
    questions: Sequence[Question],
    *,
    title: str,
    rerankers: Sequence[RerankingConfig],
    depths: Sequence[int] = (),
    methods: Methods = (),
    answers: bool = False,
    progress: Progress | None = None,
) -> Run:
    """The questions of a file over the configured index, with each of the retrieval `methods` (the configured
    one if none is given). Answers use only the configured method.

    Raises UsageError if no question names a passage of it, and whatever opening index and models raises.
    """
    store.check(config)
    loaded = [load_reranker(reranker) for reranker in rerankers]
    embedder = load_bi_encoder(config.embedding, bulk=True)
    _tell(progress, "retrieving", 0, len(questions))
    methods = methods or (config.retrieval.method,)
    searched = _searched(config, depths)
    judged, retrievals, chunks = candidates_of_index(config, embedder, questions, searched, methods)
    missing = missing_gold(questions, chunks)
    _tell(progress, "retrieving", len(questions), len(questions))
    # What fails without a server comes before the long work.
    answered = answer_all(config, questions, progress) if answers else ()
    with store.open_store(config, embedder, create=False) as index:

        def retrieving(method: RetrievalName) -> Callable[[str], object]:
            one = config.retrieval.model_copy(update={"method": method})
            return lambda text: retrieve(index, text, embedder.embed([text], query=True)[0], one, EVERYTHING)

        run = _scored(
            config,
            title,
            embedder,
            loaded,
            judged,
            retrievals,
            depths,
            {method: retrieving(method) for method in methods},
            progress,
            chunks=len(chunks),
        )
    return replace(run, answers=answered, missing=missing)


def candidates_of_index(
    config: Config,
    embedder: BiEncoder,
    questions: Sequence[Question],
    searched: RetrievalConfig,
    methods: Methods,
) -> tuple[tuple[JudgedQuestion, ...], tuple[Retrieval, ...], Sequence[Chunk]]:
    """All questions with their candidates, as `searched` says; and all chunks of the index."""
    texts = [question.text for question in questions]
    vectors = embedder.embed(texts, query=True)
    with store.open_store(config, embedder, create=False) as index:
        pooled = from_index(index, texts, vectors, searched, methods)
        chunks = store.all_chunks(index)
    return judge(questions, pooled.candidates, chunks), pooled.retrievals, chunks


def evaluate_beir(
    config: Config,
    collection: JudgedCollection,
    *,
    rerankers: Sequence[RerankingConfig],
    depths: Sequence[int] = (),
    methods: Methods = (),
    progress: Progress | None = None,
) -> Run:
    """A judged collection, searched exactly. Its vectors are kept next to the index for the next time."""
    loaded = [load_reranker(reranker) for reranker in rerankers]
    embedder = load_bi_encoder(config.embedding, bulk=True)
    asked = {query: text for query, text in collection.queries.items() if collection.qrels.get(query)}
    if not asked or not collection.corpus:
        raise UsageError(f"{collection.name} holds no judged question.", hint="Is it the right --split?")
    methods = methods or (config.retrieval.method,)
    searched = _searched(config, depths)
    vectors = _corpus_vectors(config, collection, embedder, progress)
    queries = embedder.embed(list(asked.values()), query=True)
    with closing(CollectionSearch(collection.corpus, vectors, methods)) as search:

        def found(method: RetrievalName) -> list[list[tuple[str, float]]]:
            rows = zip(asked.items(), queries, strict=True)
            return [
                search.search(text, vector, searched, method, without=collection.own_document(query))
                for (query, text), vector in rows
            ]

        def retrieving(method: RetrievalName) -> Callable[[str], object]:
            return lambda text: search.search(text, embedder.embed([text], query=True)[0], searched, method)

        pooled = pool({method: found(method) for method in methods}, lambda candidate: candidate[0])
        judged = tuple(
            judge_by_qrels(query, text, candidates, collection)
            for (query, text), candidates in zip(asked.items(), pooled.candidates, strict=True)
        )
        return _scored(
            config,
            collection.name,
            embedder,
            loaded,
            judged,
            pooled.retrievals,
            depths,
            {method: retrieving(method) for method in methods},
            progress,
            documents=len(collection.corpus),
            left_out_of_their_own_ranking=sum(collection.own_document(query) is not None for query in asked),
        )


def _scored(
    config: Config,
    title: str,
    embedder: BiEncoder,
    rerankers: Sequence[Reranker],
    judged: tuple[JudgedQuestion, ...],
    retrievals: tuple[Retrieval, ...],
    depths: Sequence[int],
    retrieving: Mapping[str, Callable[[str], object]],
    progress: Progress | None,
    **searched: int,
) -> Run:
    """All candidates scored by all cross-encoders, and some questions timed. `searched` says in what."""
    if any(reranker.prior.reads_headings for reranker in rerankers):
        judged = _with_headings(judged, embedder)
    scorings = _score_all(rerankers, judged, progress)
    seconds = _time(judged, embedder, rerankers, config, depths, retrieving, progress)
    settings: dict[str, Any] = {
        **repeatable(config),
        **searched,
        "candidates": _deepest(config, depths),
        "retrievals": [retrieval.name for retrieval in retrievals],
        "embedder": {"name": embedder.name, "fingerprint": embedder.fingerprint},
        "rerankers": [
            {
                "name": s.name,
                "fingerprint": s.fingerprint,
                "prior_weight": s.prior.weight,
                "prior_words": s.prior.words,
                "prior_headings": s.prior.headings,
            }
            for s in scorings
        ],
    }
    return Run(
        title,
        embedder.name,
        judged,
        scorings,
        tuple(sorted(set(depths))),
        seconds=seconds,
        settings=settings,
        retrievals=retrievals,
    )


def _with_headings(questions: Sequence[JudgedQuestion], embedder: BiEncoder) -> tuple[JudgedQuestion, ...]:
    vectors = embedder.embed([question.text for question in questions], query=True)
    locations = [[passage.location for passage in question.candidates] for question in questions]
    found = heading_similarities(embedder, vectors, locations)
    return tuple(
        replace(
            question,
            candidates=tuple(
                replace(passage, heading_similarity=similarity)
                for passage, similarity in zip(question.candidates, row, strict=True)
            ),
        )
        for question, row in zip(questions, found, strict=True)
    )


def _deepest(config: Config, depths: Sequence[int]) -> int:
    """The number of candidates of all arms: the configured one, or more if a depth needs more."""
    return max(config.retrieval.candidates, *depths, 1)


def _searched(config: Config, depths: Sequence[int]) -> RetrievalConfig:
    return config.retrieval.model_copy(update={"candidates": _deepest(config, depths)})


def _score_all(
    rerankers: Sequence[Reranker], judged: Sequence[JudgedQuestion], progress: Progress | None
) -> tuple[Scoring, ...]:
    pairs = len(rerankers) * sum(len(question.candidates) for question in judged)
    done = 0

    def advance(scored: int) -> None:
        nonlocal done
        done += scored
        _tell(progress, "scoring", done, pairs)

    return tuple(score(reranker, judged, advance) for reranker in rerankers)


def _time(
    judged: Sequence[JudgedQuestion],
    embedder: BiEncoder,
    rerankers: Sequence[Reranker],
    config: Config,
    depths: Sequence[int],
    retrieving: Mapping[str, Callable[[str], object]],
    progress: Progress | None,
) -> tuple[StageSeconds, ...]:
    _tell(progress, "timing", 0, 1)
    timed = sorted({*depths, _deepest(config, depths)})
    seconds = stage_seconds(judged, embedder, rerankers, timed, retrieving)
    _tell(progress, "timing", 1, 1)
    return seconds


def _corpus_vectors(
    config: Config, collection: JudgedCollection, embedder: BiEncoder, progress: Progress | None
) -> Vectors:
    done = 0

    def advance(embedded: int) -> None:
        nonlocal done
        done += embedded
        _tell(progress, "embedding", done, len(collection.corpus))

    return corpus_vectors(Path(config.store.path), collection, embedder, advance)


def _tell(progress: Progress | None, stage: str, done: int, total: int) -> None:
    if progress is not None:
        progress(stage, done, total)
