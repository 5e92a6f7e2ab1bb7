"""The stages in order: ingest(), search(), ask(), compare(). Models are opened once and stay warm.

What is missing is said before the work on a question begins, in this order: the question, the index, the LLM,
the reranker; all of that without importing a heavy library.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path

from ragcli import answering, comparison, embedding, ingestion, llm, models, reranking, store
from ragcli.config import Config
from ragcli.config_loading import load_config
from ragcli.errors import NothingFoundError, RagcliError, UsageError
from ragcli.stopwatch import Stopwatch
from ragcli.types import Answer, Candidate, Comparison, Filters, IngestReport, SearchResult

EVERYTHING = Filters()


@contextmanager
def open_pipeline(config: Config | None = None) -> Iterator[Pipeline]:
    """A pipeline whose models load when they are first needed and stay until the block ends.

    Without a configuration: that of the commands (defaults, config.toml, environment).
    """
    pipeline = Pipeline(load_config() if config is None else config)
    try:
        yield pipeline
    finally:
        pipeline.close()


class Pipeline:
    """All that one configuration can do. Not meant to be shared between threads."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._resources = ExitStack()
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ragcli-llm")
        self._llm: Future[llm.LLM] | None = None

    def close(self) -> None:
        """Ends the local LLM server. A start that is under way is waited for, so that it cannot outlive us."""
        self._starter.shutdown(wait=True)
        self._resources.close()

    def ingest(
        self,
        paths: Sequence[Path],
        *,
        prune: bool = False,
        dry_run: bool = False,
        progress: Callable[[ingestion.Progress], None] | None = None,
    ) -> IngestReport:
        """Brings the index in step with the files; see `ingestion.ingest`."""
        return ingestion.ingest(
            paths,
            config=self.config,
            embedder=self._bi_encoder,
            prune=prune,
            dry_run=dry_run,
            progress=progress,
        )

    def search(
        self, question: str, *, rerank: bool | None = None, filters: Filters = EVERYTHING
    ) -> SearchResult:
        """The candidates in the order of the reranker, or of the bi-encoder. `rerank` None: as configured."""
        reranked = self._wants_reranking(rerank)
        self.check(question, reranker=reranked)
        watch = Stopwatch()
        candidates = self._retrieve(question, filters, watch, reranker=reranked)
        if reranked:
            candidates = self._rerank(question, candidates, watch)
        return SearchResult(question, candidates, reranked, watch.timings)

    def compare_search(self, question: str, *, filters: Filters = EVERYTHING) -> Comparison:
        """Both orders of one retrieval, without an LLM."""
        self.check(question, reranker=True)
        watch = Stopwatch()
        base_order = self._retrieve(question, filters, watch, reranker=True)
        reranked_order = self._rerank(question, base_order, watch)
        return self._comparison(question, base_order, reranked_order, None, None, watch)

    def ask(
        self,
        question: str,
        *,
        rerank: bool | None = None,
        filters: Filters = EVERYTHING,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """The answer with its citations. `on_text` gets the LLM's text as it arrives, before it is cited."""
        reranked = self._wants_reranking(rerank)
        self.check(question, reranker=reranked, answers=True)
        self._start_llm()
        watch = Stopwatch()
        candidates = self._retrieve(question, filters, watch, reranker=reranked)
        if reranked:
            candidates = self._rerank(question, candidates, watch)
        return self._answer(question, candidates, watch, reranked=reranked, on_text=on_text)

    def compare(
        self,
        question: str,
        *,
        filters: Filters = EVERYTHING,
        on_text: Callable[[str, str], None] | None = None,
    ) -> Comparison:
        """Both answers over one retrieval and one scoring. `on_text` gets the arm ("base", "reranked") and text.

        The stages that both arms share are timed in `Comparison.timings`, each arm's own in its `Answer`.
        """
        self.check(question, reranker=True, answers=True)
        self._start_llm()
        watch = Stopwatch()
        base_order = self._retrieve(question, filters, watch, reranker=True)
        reranked_order = self._rerank(question, base_order, watch)
        with watch.stage("load"):
            self._opened_llm()
        arms = []
        for arm, order in (("base", base_order), ("reranked", reranked_order)):
            hear = None if on_text is None else partial(on_text, arm)
            arms.append(
                self._answer(question, order, Stopwatch(), reranked=arm == "reranked", on_text=hear)
            )
        base, reranked = arms
        return self._comparison(question, base_order, reranked_order, base, reranked, watch)

    def check(self, question: str, *, reranker: bool = False, answers: bool = False) -> None:
        """Raises for the first thing that is missing; nothing heavy is imported, nothing is loaded."""
        if not question.strip():
            raise UsageError("The question is empty.", hint='Ask one: ragcli ask "How long is the notice period?"')
        store.check(self.config)
        if answers:
            llm.check(self.config.llm)
        models.bi_encoder_files(self.config.embedding.model)
        if reranker:
            models.cross_encoder_files(self.config.reranking.model)
