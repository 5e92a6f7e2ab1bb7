"""A run is made: one retrieval for all questions, all cross-encoders over its candidates, then answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragcli import store
from ragcli.beir import JudgedCollection
from ragcli.config import Config, RerankingConfig
from ragcli.config_loading import repeatable
from ragcli.embedding import BiEncoder, load_bi_encoder
from ragcli.errors import UsageError
from ragcli.evaluation.answering import answer_all
from ragcli.evaluation.judging import judge, judge_by_qrels
from ragcli.evaluation.records import AnsweredQuestion, JudgedQuestion, Run, Scoring, StageSeconds
from ragcli.evaluation.scoring import score
from ragcli.evaluation.timing import stage_seconds
from ragcli.questions import Question
from ragcli.reranking import CrossEncoderReranker, load_reranker
from ragcli.types import Filters

if TYPE_CHECKING:
    from ragcli.embedding import Vectors

Progress = Callable[[str, int, int], None]
"""Gets a stage's name, what of it is done, and how much it is in all."""

EVERYTHING = Filters()
CACHE = "evaluations"


def evaluate_questions(
    config: Config,
    questions: Sequence[Question],
    *,
    title: str,
    rerankers: Sequence[RerankingConfig],
    depths: Sequence[int] = (),
    answers: bool = False,
    progress: Progress | None = None,
) -> Run:
    """The questions of a file over the index that the settings name.

    Raises UsageError where no question names a passage of it, and what opening index and models raises.
    """
    store.check(config)
    loaded = [load_reranker(reranker, bulk=True) for reranker in rerankers]
    embedder = load_bi_encoder(config.embedding, bulk=True)
    _tell(progress, "retrieving", 0, len(questions))
    judged, chunks = candidates_of_index(config, embedder, questions, _deepest(config, depths))
    _tell(progress, "retrieving", len(questions), len(questions))
    # What can fail for want of a server comes before the long work.
    answered = answer_all(config, questions, progress) if answers else ()
    scorings = _score_all(loaded, judged, progress)
    with _index(config, embedder) as index:

        def retrieve(text: str) -> object:
            return index.search(
                embedder.embed([text], query=True)[0], config.retrieval.candidates, EVERYTHING
            )

        seconds = _time(judged, embedder, loaded, _timed_depths(config, depths), retrieve, progress)
    return _run(config, title, embedder, judged, scorings, depths, answered, seconds, chunks=chunks)


def candidates_of_index(
    config: Config, embedder: BiEncoder, questions: Sequence[Question], depth: int
) -> tuple[tuple[JudgedQuestion, ...], int]:
    """All questions with their `depth` nearest chunks, in one batch; and how many chunks the index holds."""
    vectors = embedder.embed([question.text for question in questions], query=True)
    with _index(config, embedder) as index:
        found = index.search_many(vectors, depth, EVERYTHING)
        chunks = [chunk for source in index.sources() for chunk in index.chunks(source.source)]
    return judge(questions, found, chunks), len(chunks)


def evaluate_beir(
    config: Config,
    collection: JudgedCollection,
    *,
    rerankers: Sequence[RerankingConfig],
    depths: Sequence[int] = (),
    progress: Progress | None = None,
) -> Run:
    """A judged collection, searched exactly. Its vectors are kept beside the index for the next time."""
    import numpy as np

    loaded = [load_reranker(reranker, bulk=True) for reranker in rerankers]
    embedder = load_bi_encoder(config.embedding, bulk=True)
    names = list(collection.corpus)
    asked = {query: text for query, text in collection.queries.items() if collection.qrels.get(query)}
    if not asked or not names:
        raise UsageError(f"{collection.name} holds no judged question.", hint="Is it the right --split?")
    vectors = _corpus_vectors(config, collection, embedder, progress)
    depth = min(_deepest(config, depths), len(names))

    def nearest(query: Vectors) -> list[tuple[str, float]]:
        row = vectors @ query
        best = np.argsort(-row, kind="stable")[:depth]
        return [(names[place], float(row[place])) for place in best]

    queries = embedder.embed(list(asked.values()), query=True)
    judged = tuple(
        judge_by_qrels(query, text, nearest(vector), collection.corpus, collection.qrels[query])
        for (query, text), vector in zip(asked.items(), queries, strict=True)
    )
    scorings = _score_all(loaded, judged, progress)

    def retrieve(text: str) -> object:
        return nearest(embedder.embed([text], query=True)[0])

    seconds = _time(judged, embedder, loaded, _timed_depths(config, depths), retrieve, progress)
    return _run(
        config, collection.name, embedder, judged, scorings, depths, (), seconds, documents=len(names)
    )


def _run(
    config: Config,
    title: str,
    embedder: BiEncoder,
    judged: tuple[JudgedQuestion, ...],
    scorings: tuple[Scoring, ...],
    depths: Sequence[int],
    answers: tuple[AnsweredQuestion, ...],
    seconds: tuple[StageSeconds, ...],
    **searched: int,
) -> Run:
    settings: dict[str, Any] = {
        **repeatable(config),
        **searched,
        "candidates": _deepest(config, depths),
        "embedder": {"name": embedder.name, "fingerprint": embedder.fingerprint},
        "rerankers": [
            {"name": s.name, "fingerprint": s.fingerprint, "prior_weight": s.prior_weight} for s in scorings
        ],
    }
    return Run(title, embedder.name, judged, scorings, tuple(sorted(set(depths))), answers, seconds, settings)


def _deepest(config: Config, depths: Sequence[int]) -> int:
    """The candidates that all arms have: those of the settings, or more where a depth asks for more."""
    return max(config.retrieval.candidates, *depths, 1)


def _timed_depths(config: Config, depths: Sequence[int]) -> list[int]:
    return sorted({*depths, _deepest(config, depths)})


def _score_all(
    rerankers: Sequence[CrossEncoderReranker], judged: Sequence[JudgedQuestion], progress: Progress | None
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
    rerankers: Sequence[CrossEncoderReranker],
    depths: Sequence[int],
    retrieve: Callable[[str], object],
    progress: Progress | None,
) -> tuple[StageSeconds, ...]:
    _tell(progress, "timing", 0, 1)
    seconds = stage_seconds(judged, embedder, rerankers, depths, retrieve)
    _tell(progress, "timing", 1, 1)
    return seconds


@contextmanager
def _index(config: Config, embedder: BiEncoder) -> Iterator[store.Store]:
    with store.open_store(
        config,
        create=False,
        embedder_name=embedder.name,
        fingerprint=embedder.fingerprint,
        dimension=embedder.dimension,
    ) as index:
        yield index


def _corpus_vectors(
    config: Config, collection: JudgedCollection, embedder: BiEncoder, progress: Progress | None
) -> Vectors:
    """Embedded once: the file's name says of what and by what."""
    import numpy as np

    content = json.dumps([embedder.fingerprint, list(collection.corpus.items())]).encode()
    name = f"{collection.name}-{hashlib.sha256(content).hexdigest()[:16]}.npy"
    path = Path(config.store.path).expanduser() / CACHE / name
    if path.exists():
        kept: Vectors = np.load(path, allow_pickle=False)
        return kept
    done = 0

    def advance(embedded: int) -> None:
        nonlocal done
        done += embedded
        _tell(progress, "embedding", done, len(collection.corpus))

    vectors = embedder.embed(list(collection.corpus.values()), advance=advance)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npy")
    np.save(partial, vectors, allow_pickle=False)
    partial.replace(path)
    return vectors


def _tell(progress: Progress | None, stage: str, done: int, total: int) -> None:
    if progress is not None:
        progress(stage, done, total)
