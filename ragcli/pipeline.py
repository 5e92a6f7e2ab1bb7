"""The stages in order: ingest(), search(), ask(), compare(). Models are opened once and stay warm.

What is missing is said before the work on a question begins, in this order: the question, the index, the LLM,
the models; all of that without importing a heavy library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ragcli import (
    answering,
    comparison,
    embedding,
    llm,
    prompting,
    reranking,
    retrieval,
    store,
)
from ragcli.config import Config
from ragcli.config_loading import load_config
from ragcli.errors import NothingFoundError, UsageError
from ragcli.letters import spelled_out
from ragcli.prior import NO_PRIOR, Prior
from ragcli.resources import Resources
from ragcli.stopwatch import Stopwatch
from ragcli.types import (
    Answer,
    Candidate,
    Chunk,
    Comparison,
    Context,
    Filters,
    IngestReport,
    Message,
    SearchResult,
)

if TYPE_CHECKING:
    from ragcli.ingestion import Progress

EVERYTHING = Filters()
# What an undecodable argument of a command line becomes.
_SURROGATE = re.compile("[\ud800-\udfff]")


@contextmanager
def open_pipeline(config: Config | None = None, *, bulk: bool = False) -> Iterator[Pipeline]:
    """A pipeline whose models load when they are first needed and stay until the block ends.

    Without a configuration: that of the commands (defaults, config.toml, environment). `bulk`: for more than
    some questions, so that encoders that start slowly and work fast may pay.
    """
    pipeline = Pipeline(load_config() if config is None else config, bulk=bulk)
    try:
        yield pipeline
    finally:
        pipeline.close()


@dataclass(frozen=True, slots=True)
class PreparedArm:
    """One order of the candidates with its packed prompt; None where there is nothing to ask the LLM."""

    question: str
    candidates: tuple[Candidate, ...]
    context: Context | None
    watch: Stopwatch
    truncated: int = 0

    def again(self) -> PreparedArm:
        """With a stopwatch of its own: a second try does not add to the seconds of the first."""
        return replace(self, watch=Stopwatch(self.watch.timings))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question that only the LLM is missing for: one arm, or both (base, reranked). `watch` timed what they
    share.
    """

    question: str
    candidates: tuple[Candidate, ...]
    arms: tuple[PreparedArm, ...]
    watch: Stopwatch
    truncated: int


@dataclass(frozen=True, slots=True)
class _Found:
    """What the index holds for a question. `truncated`: texts cut for the encoders, `watch`: the seconds."""

    candidates: tuple[Candidate, ...]
    watch: Stopwatch
    truncated: int


class Pipeline:
    """All that one configuration can do. One question at a time: not to be shared between threads."""

    def __init__(self, config: Config, *, bulk: bool = False) -> None:
        self._resources = Resources(config, bulk=bulk)

    @property
    def config(self) -> Config:
        return self._resources.config

    def close(self) -> None:
        """Ends the local LLM server; waits for a start that is under way, lest it outlive us."""
        self._resources.close()

    def ingest(
        self,
        paths: Sequence[Path | str],
        *,
        prune: bool = False,
        dry_run: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """Brings the index in step with the files; see `ingestion.ingest`."""
        # Questions need none of the readers of documents.
        from ragcli import ingestion

        report = ingestion.ingest(
            [Path(path) for path in paths],
            config=self.config,
            embedder=self._resources.bi_encoder,
            prune=prune,
            dry_run=dry_run,
            progress=progress,
        )
        if self.config.retrieval.method == "hybrid" and not dry_run:
            # Otherwise the first question would wait for it.
            self._resources.index().index_words()
        return report

    def search(
        self, question: str, *, rerank: bool | None = None, filters: Filters = EVERYTHING
    ) -> SearchResult:
        """The candidates in the order of the reranker, or in base order. `rerank` None: as configured."""
        reranked = self._reranked(rerank)
        found = self._find(question, filters, reranked=reranked)
        return SearchResult(
            question,
            found.candidates,
            reranked,
            found.watch.timings,
            found.truncated,
            self.prior if reranked else NO_PRIOR,
        )

    def compare_search(self, question: str, *, filters: Filters = EVERYTHING) -> Comparison:
        """Both orders of one retrieval, without an LLM."""
        found = self._find(question, filters, reranked=True)
        return self._compared(question, found.candidates, found.watch, found.truncated)

    def ask(
        self,
        question: str,
        *,
        rerank: bool | None = None,
        filters: Filters = EVERYTHING,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """The answer with its citations. `on_text` gets the LLM's text as it arrives, before it is cited."""
        return self._finish_one(self.prepare(question, rerank=rerank, filters=filters), on_text)

    def compare(
        self,
        question: str,
        *,
        filters: Filters = EVERYTHING,
        on_text: Callable[[str, str], None] | None = None,
    ) -> Comparison:
        """Both answers over one retrieval and one scoring. `on_text` gets arm (base, reranked) and text.

        The stages that both arms share are timed in `Comparison.timings`, each arm's own in its `Answer`.
        """
        found = self._find(question, filters, reranked=True, answers=True)
        self._resources.opened_llm(found.watch)
        answers = []
        # Not `prepare`: the first answer begins before the second prompt is packed.
        for arm, order in (("base", _base_order(found.candidates)), ("reranked", found.candidates)):
            hear = None if on_text is None else partial(on_text, arm)
            answers.append(self._answer(self._arm(question, order, Stopwatch()), hear))
        return self._compared(question, found.candidates, found.watch, found.truncated, *answers)

    def prepare(
        self,
        question: str,
        *,
        compare: bool = False,
        rerank: bool | None = None,
        filters: Filters = EVERYTHING,
    ) -> Prepared:
        """All of `ask`, or of `compare`, that comes before the LLM: for callers who keep several busy."""
        reranked = compare or self._reranked(rerank)
        found = self._find(question, filters, reranked=reranked, answers=True)
        if compare:
            self._resources.opened_llm(found.watch)
            orders = (_base_order(found.candidates), found.candidates)
            arms = tuple(self._arm(question, order, Stopwatch()) for order in orders)
        else:
            arms = (self._arm(question, found.candidates, found.watch),)
        return Prepared(question, found.candidates, arms, found.watch, found.truncated)

    def finish(
        self, prepared: Prepared, *, on_text: Callable[[str], None] | None = None
    ) -> Answer | Comparison:
        """The LLM's part. Any thread may call this, many at once, and again after an LLMError."""
        if len(prepared.arms) == 1:
            return self._finish_one(prepared, on_text)
        answers = [self._answer(arm.again(), on_text) for arm in prepared.arms]
        return self._compared(
            prepared.question, prepared.candidates, prepared.watch, prepared.truncated, *answers
        )

    def _finish_one(self, prepared: Prepared, on_text: Callable[[str], None] | None) -> Answer:
        (arm,) = prepared.arms
        answer = self._answer(arm.again(), on_text)
        return replace(answer, truncated=prepared.truncated + answer.truncated)

    def warm(self) -> None:
        """Loads all that a question needs, so that the first one does not wait for it."""
        self._resources.start_llm()
        self._resources.load(Stopwatch(), reranker=self.config.reranking.enabled)

    def change(self, config: Config) -> None:
        """Other numbers, or another LLM, from the next question on. Loaded encoders and the index stay.

        Raises UsageError for a change of what those were opened with.
        """
        self._resources.change(config)

    def complete(self, messages: Sequence[Message]) -> str:
        """What the LLM writes to these messages, without any retrieval. Raises LLMError."""
        generation = self._resources.opened_llm(Stopwatch()).stream(messages)
        for _ in generation:
            pass
        return generation.text

    def score_sentences(self, question: str, candidate: Candidate) -> tuple[tuple[str, float], ...]:
        """The candidate's sentences in reading order, scored as those of a small LLM's prompt are."""
        reranker = self._resources.reranker if candidate.rank is not None else None
        score_texts = answering.sentence_scorer(self._resources.bi_encoder, reranker)
        scored = prompting.score_sentences(question, [candidate], score_texts)
        return tuple((sentence.text, score) for sentence, score in scored)

    def chunks(self) -> tuple[Chunk, ...]:
        """Every chunk of the index, source by source."""
        index = self._resources.index()
        return tuple(chunk for source in index.sources() for chunk in index.chunks(source.source))

    @property
    def prior(self) -> Prior:
        """What the bi-encoder's similarity weighs in the reranked order."""
        return self._resources.reranker.prior

    def check(self, question: str, *, reranker: bool = False, answers: bool = False) -> None:
        """Raises for the first thing that is missing; nothing heavy is imported, nothing is loaded."""
        if not question.strip():
            raise UsageError(
                "The question is empty.", hint='Ask one: ragcli ask "How long is the notice period?"'
            )
        if _SURROGATE.search(question):
            raise UsageError(
                "The question holds bytes that are no text.", hint="Set the terminal's encoding to UTF-8."
            )
        store.check(self.config)
        if answers:
            llm.check(self.config.llm)
        if fingerprint := embedding.check(self.config.embedding):
            store.check(self.config, fingerprint=fingerprint)
        if reranker:
            reranking.check(self.config.reranking)

    def _reranked(self, rerank: bool | None) -> bool:
        return self.config.reranking.enabled if rerank is None else rerank

    def _find(self, question: str, filters: Filters, *, reranked: bool, answers: bool = False) -> _Found:
        """Says what is missing, then retrieves. With `answers` the LLM starts beside it."""
        self.check(question, reranker=reranked, answers=answers)
        if answers:
            self._resources.start_llm()
        watch = Stopwatch()
        truncated = self._resources.truncated
        candidates = self._candidates(question, filters, watch, reranked=reranked)
        return _Found(candidates, watch, self._resources.truncated - truncated)

    def _candidates(
        self, question: str, filters: Filters, watch: Stopwatch, *, reranked: bool
    ) -> tuple[Candidate, ...]:
        """What the index holds for the question, in the order that is asked for; one at least."""
        self._resources.load(watch, reranker=reranked)
        with watch.stage("embed"):
            question = spelled_out(question)
            vector = self._resources.bi_encoder.embed([question], query=True)[0]
        with watch.stage("retrieve"):
            index = self._resources.index()
            candidates = retrieval.retrieve(index, question, vector, self.config.retrieval, filters)
        if not candidates:
            raise NothingFoundError(
                "Nothing in the index matches the filters.", hint="See what there is: ragcli list"
            )
        if not reranked:
            return candidates
        with watch.stage("rerank"):
            return reranking.rerank(self._resources.reranker, question, candidates)

    def _arm(self, question: str, candidates: tuple[Candidate, ...], watch: Stopwatch) -> PreparedArm:
        """Packs the prompt; none where no passage is likely enough to be relevant."""
        if prompting.below_threshold(candidates, self.config.prompting):
            return PreparedArm(question, candidates, None, watch)
        truncated = self._resources.truncated
        reranker = self._resources.reranker if candidates[0].rank is not None else None
        context = answering.pack(
            question,
            candidates,
            config=self.config,
            llm=self._resources.opened_llm(watch),
            watch=watch,
            score_texts=answering.sentence_scorer(self._resources.bi_encoder, reranker),
        )
        return PreparedArm(question, candidates, context, watch, self._resources.truncated - truncated)

    def _answer(self, arm: PreparedArm, on_text: Callable[[str], None] | None) -> Answer:
        if arm.context is None:
            found = answering.abstention(arm.question, arm.candidates, config=self.config, watch=arm.watch)
        else:
            found = answering.answer(
                arm.question,
                arm.candidates,
                arm.context,
                config=self.config,
                llm=self._resources.opened_llm(arm.watch),
                watch=arm.watch,
                on_text=on_text,
            )
        return replace(found, truncated=arm.truncated)

    def _compared(
        self,
        question: str,
        reranked_order: tuple[Candidate, ...],
        watch: Stopwatch,
        truncated: int,
        base: Answer | None = None,
        reranked: Answer | None = None,
    ) -> Comparison:
        base_order = _base_order(reranked_order)
        top_k = self.config.retrieval.top_k
        moves = comparison.movements(
            base_order,
            reranked_order,
            in_prompt_before=comparison.prompt_ids(base_order, base, top_k),
            in_prompt_after=comparison.prompt_ids(reranked_order, reranked, top_k),
        )
        return Comparison(
            question=question,
            base_order=base_order,
            reranked_order=reranked_order,
            movements=moves,
            base=base,
            reranked=reranked,
            summary=comparison.summarise(moves, base, reranked),
            timings=watch.timings,
            truncated=truncated,
        )


def _base_order(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates as the retrieval ranked them, without a trace of the cross-encoder."""
    unscored = [replace(c, logit=None, score=None, probability=None, rank=None) for c in candidates]
    return tuple(sorted(unscored, key=lambda candidate: candidate.base_rank))
