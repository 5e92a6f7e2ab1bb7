"""The stages in order: ingest(), search(), ask(), compare(). Models are opened once and stay warm.

What is missing is said before the work on a question begins, in this order: the question, the index, the LLM,
the models; all of that without importing a heavy library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
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
from ragcli.errors import NothingFoundError, RagcliError, UsageError
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


class Pipeline:
    """All that one configuration can do. One question at a time: not to be shared between threads."""

    def __init__(self, config: Config, *, bulk: bool = False) -> None:
        self.config = config
        self._bulk = bulk
        self._resources = ExitStack()
        self._index: store.Index | None = None
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ragcli-llm")
        self._llm: Future[llm.LLM] | None = None
        self._llm_is_cold = False

    def close(self) -> None:
        """Ends the local LLM server; waits for a start that is under way, lest it outlive us."""
        self._starter.shutdown(wait=True)
        self._resources.close()
        self._close_index()

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
            embedder=self._bi_encoder,
            prune=prune,
            dry_run=dry_run,
            progress=progress,
        )
        if self.config.retrieval.method == "hybrid" and not dry_run:
            # Otherwise the first question would wait for it.
            self._open_index().index_words()
        return report

    def search(
        self, question: str, *, rerank: bool | None = None, filters: Filters = EVERYTHING
    ) -> SearchResult:
        """The candidates in the order of the reranker, or in base order. `rerank` None: as configured."""
        reranked = self.config.reranking.enabled if rerank is None else rerank
        self.check(question, reranker=reranked)
        watch = Stopwatch()
        truncated = self._truncated
        candidates = self._candidates(question, filters, watch, reranked=reranked)
        return SearchResult(question, candidates, reranked, watch.timings, self._truncated - truncated)

    def compare_search(self, question: str, *, filters: Filters = EVERYTHING) -> Comparison:
        """Both orders of one retrieval, without an LLM."""
        self.check(question, reranker=True)
        watch = Stopwatch()
        truncated = self._truncated
        reranked_order = self._candidates(question, filters, watch, reranked=True)
        return self._compared(question, reranked_order, watch, self._truncated - truncated)

    def ask(
        self,
        question: str,
        *,
        rerank: bool | None = None,
        filters: Filters = EVERYTHING,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """The answer with its citations. `on_text` gets the LLM's text as it arrives, before it is cited."""
        reranked = self.config.reranking.enabled if rerank is None else rerank
        self.check(question, reranker=reranked, answers=True)
        self._start_llm()
        watch = Stopwatch()
        truncated = self._truncated
        candidates = self._candidates(question, filters, watch, reranked=reranked)
        arm = self._arm(question, candidates, watch)
        return self._answer(replace(arm, truncated=self._truncated - truncated), on_text)

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
        self.check(question, reranker=True, answers=True)
        self._start_llm()
        watch = Stopwatch()
        truncated = self._truncated
        reranked_order = self._candidates(question, filters, watch, reranked=True)
        shared = self._truncated - truncated
        self._opened_llm(watch)
        arms = []
        for arm, order in (("base", _base_order(reranked_order)), ("reranked", reranked_order)):
            hear = None if on_text is None else partial(on_text, arm)
            arms.append(self._answer(self._arm(question, order, Stopwatch()), hear))
        return self._compared(question, reranked_order, watch, shared, *arms)

    def prepare(
        self,
        question: str,
        *,
        compare: bool = False,
        rerank: bool | None = None,
        filters: Filters = EVERYTHING,
    ) -> Prepared:
        """All of `ask`, or of `compare`, that comes before the LLM: for callers who keep several busy."""
        reranked = compare or (self.config.reranking.enabled if rerank is None else rerank)
        self.check(question, reranker=reranked, answers=True)
        self._start_llm()
        watch = Stopwatch()
        truncated = self._truncated
        candidates = self._candidates(question, filters, watch, reranked=reranked)
        shared = self._truncated - truncated
        self._opened_llm(watch)
        orders = (_base_order(candidates), candidates) if compare else (candidates,)
        arms = tuple(self._arm(question, order, Stopwatch()) for order in orders)
        return Prepared(question, candidates, arms, watch, shared)

    def finish(
        self, prepared: Prepared, *, on_text: Callable[[str], None] | None = None
    ) -> Answer | Comparison:
        """The LLM's part. Any thread may call this, many at once, and again after an LLMError."""
        answers = [self._answer(arm.again(), on_text) for arm in prepared.arms]
        if len(answers) == 1:
            (answer,) = answers
            timings = (*prepared.watch.timings, *answer.timings)
            return replace(answer, timings=timings, truncated=prepared.truncated + answer.truncated)
        return self._compared(
            prepared.question, prepared.candidates, prepared.watch, prepared.truncated, *answers
        )

    def warm(self) -> None:
        """Loads all that a question needs, so that the first one does not wait for it."""
        self._start_llm()
        self._load(Stopwatch(), reranker=self.config.reranking.enabled)

    def change(self, config: Config) -> None:
        """Other numbers, or another LLM, from the next question on. Loaded encoders and the index stay.

        Raises UsageError for a change of what those were opened with.
        """
        opened = ("collection", "store", "embedding", "reranking")
        if any(getattr(config, name) != getattr(self.config, name) for name in opened):
            raise UsageError("The encoders and the index cannot be changed.", hint="Open another pipeline.")
        if config.llm != self.config.llm:
            self._llm = None
        self.config = config

    def complete(self, messages: Sequence[Message]) -> str:
        """What the LLM writes to these messages, without any retrieval. Raises LLMError."""
        generation = self._opened_llm(Stopwatch()).stream(messages)
        for _ in generation:
            pass
        return generation.text

    def score_sentences(self, question: str, candidate: Candidate) -> tuple[tuple[str, float], ...]:
        """The candidate's sentences in reading order, scored as those of a small LLM's prompt are."""
        reranker = self._reranker if candidate.rank is not None else None
        score_texts = answering.sentence_scorer(self._bi_encoder, reranker)
        scored = prompting.score_sentences(question, [candidate], score_texts)
        return tuple((sentence.text, score) for sentence, score in scored)

    def chunks(self) -> tuple[Chunk, ...]:
        """Every chunk of the index, source by source."""
        index = self._open_index()
        return tuple(chunk for source in index.sources() for chunk in index.chunks(source.source))

    @property
    def prior_weight(self) -> float:
        """What the bi-encoder's similarity weighs in the reranked order."""
        return self._reranker.prior_weight

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

    @cached_property
    def _bi_encoder(self) -> embedding.BiEncoder:
        return embedding.load_bi_encoder(self.config.embedding, bulk=self._bulk)

    @cached_property
    def _reranker(self) -> reranking.Reranker:
        return reranking.load_reranker(self.config.reranking)

    @property
    def _truncated(self) -> int:
        """Texts that the loaded encoders could not read whole so far."""
        loaded = [self.__dict__.get(name) for name in ("_bi_encoder", "_reranker")]
        return sum(encoder.truncated for encoder in loaded if encoder is not None)

    def _start_llm(self) -> Future[llm.LLM]:
        """The LLM starts in a thread of its own while the encoders load."""
        if self._llm is None:
            self._llm = self._starter.submit(self._resources.enter_context, llm.open_llm(self.config.llm))
            self._llm_is_cold = True
        return self._llm

    def _opened_llm(self, watch: Stopwatch) -> llm.LLM:
        """What is left to wait for is timed as loading; nothing where the LLM runs already."""
        starting = self._start_llm()
        try:
            if starting.done() and not self._llm_is_cold:
                return starting.result()
            with watch.stage("load", ("LLM",) if self._llm_is_cold else ()):
                opened = starting.result()
            self._llm_is_cold = False
            return opened
        except RagcliError:
            self._llm = None  # The next question may find it mended.
            raise

    def _candidates(
        self, question: str, filters: Filters, watch: Stopwatch, *, reranked: bool
    ) -> tuple[Candidate, ...]:
        """What the index holds for the question, in the order that is asked for; one at least."""
        self._load(watch, reranker=reranked)
        with watch.stage("embed"):
            vector = self._bi_encoder.embed([question], query=True)[0]
        with watch.stage("retrieve"):
            index = self._open_index()
            candidates = retrieval.retrieve(index, question, vector, self.config.retrieval, filters)
        if not candidates:
            raise NothingFoundError(
                "Nothing in the index matches the filters.", hint="See what there is: ragcli list"
            )
        if not reranked:
            return candidates
        with watch.stage("rerank"):
            return reranking.rerank(self._reranker, question, candidates)

    def _load(self, watch: Stopwatch, *, reranker: bool) -> None:
        """Loads what is not loaded yet, so that the later stages time the work and not the loading.

        The index opens beside the encoders. These load one after the other, as each needs much memory for it.
        """
        cold = self._cold(reranker=reranker)
        if not cold:
            return
        with watch.stage("load", cold), ThreadPoolExecutor(max_workers=1) as beside:
            warm = beside.submit(self._warm_index, self._bi_encoder.dimension)
            self._bi_encoder.embed(["."], query=True)
            if reranker:
                _ = self._reranker
            warm.result()

    def _cold(self, *, reranker: bool) -> tuple[str, ...]:
        """What `_load` has to load."""
        encoder: embedding.BiEncoder | None = self.__dict__.get("_bi_encoder")
        first = () if encoder is not None and encoder.is_warm else ("bi-encoder", "index")
        return (*first, "cross-encoder") if reranker and "_reranker" not in self.__dict__ else first

    def _warm_index(self, dimension: int) -> None:
        """The index is read at the first search."""
        import numpy as np

        anywhere: embedding.Vectors = np.full(dimension, dimension**-0.5, dtype=np.float32)
        index = self._open_index()
        index.search(anywhere, 1, EVERYTHING)
        if self.config.retrieval.method == "hybrid":
            index.index_words()

    def _open_index(self) -> store.Index:
        """Open until `close`: a large index takes longer to open than to search. An ingest of another process
        is seen all the same; what was reset and built anew is opened anew.
        """
        encoder = self._bi_encoder
        found = store.open_store(
            self.config,
            create=False,
            embedder_name=encoder.name,
            fingerprint=encoder.fingerprint,
            dimension=encoder.dimension,
        )
        if self._index is None or found.manifest != self._index.manifest:
            self._close_index()
            self._index = found
        return self._index

    def _close_index(self) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None

    def _arm(self, question: str, candidates: tuple[Candidate, ...], watch: Stopwatch) -> PreparedArm:
        """Packs the prompt; none where no passage is likely enough to be relevant."""
        if prompting.below_threshold(candidates, self.config.prompting):
            return PreparedArm(question, candidates, None, watch)
        truncated = self._truncated
        reranker = self._reranker if candidates[0].rank is not None else None
        context = answering.pack(
            question,
            candidates,
            config=self.config,
            llm=self._opened_llm(watch),
            watch=watch,
            score_texts=answering.sentence_scorer(self._bi_encoder, reranker),
        )
        return PreparedArm(question, candidates, context, watch, self._truncated - truncated)

    def _answer(self, arm: PreparedArm, on_text: Callable[[str], None] | None) -> Answer:
        if arm.context is None:
            found = answering.abstention(arm.question, arm.candidates, config=self.config, watch=arm.watch)
        else:
            found = answering.answer(
                arm.question,
                arm.candidates,
                arm.context,
                config=self.config,
                llm=self._opened_llm(arm.watch),
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
