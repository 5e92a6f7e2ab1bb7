"""The stages in order: ingest(), search(), ask(), compare(). Models are opened once and stay warm.

What is missing is reported before the work on a question begins, in this order: the question, the index, the
LLM, the models; all of that without importing a heavy library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ragcli import answering, comparison, prompting, store
from ragcli.config import Config
from ragcli.config.loading import load_config
from ragcli.encoders import reranking
from ragcli.encoders.headings import with_headings
from ragcli.encoders.occlusion import Occlusion, occlude
from ragcli.encoders.prior import NO_PRIOR, Prior
from ragcli.errors import NothingFoundError, UsageError
from ragcli.resources import Resources
from ragcli.retrieval import retrieve
from ragcli.stopwatch import Stopwatch
from ragcli.text.clean import SURROGATE
from ragcli.text.letters import spelled_out
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
    from ragcli.ingestion.ingest import Progress

ArmName = Literal["base", "reranked"]
OnArmText = Callable[[str, str], None]
"""Gets the name of the arm and the LLM's text as it arrives, before citations are resolved."""

EVERYTHING = Filters()


@contextmanager
def open_pipeline(config: Config | None = None, *, bulk: bool = False) -> Iterator[Pipeline]:
    """A pipeline whose models are loaded when they are first needed and stay until the block ends.

    Without a configuration, it uses that of the commands (defaults, config.toml, environment). `bulk`: there
    are many questions, so encoders that start slowly and work fast may pay.
    """
    pipeline = Pipeline(load_config() if config is None else config, bulk=bulk)
    try:
        yield pipeline
    finally:
        pipeline.close()


@dataclass(frozen=True, slots=True)
class Arm:
    """One order of the candidates with its prompt; `context` is None if there is nothing to ask the LLM."""

    name: ArmName
    candidates: tuple[Candidate, ...]
    context: Context | None
    watch: Stopwatch
    truncated: int = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question before the LLM: what was found, and the prompt of each arm, one or both (base, reranked).

    `watch` timed what the arms share; `truncated` counts the texts that were cut for the encoders.
    """

    question: str
    candidates: tuple[Candidate, ...]
    watch: Stopwatch
    truncated: int
    arms: tuple[Arm, ...] = ()


class Pipeline:
    """Everything that one configuration can do. One question at a time: do not share it between threads.

    `resources`: those of another pipeline, opened with the same models and the same index; they stay open.
    """

    def __init__(self, config: Config, *, bulk: bool = False, resources: Resources | None = None) -> None:
        self._resources = resources or Resources(config, bulk=bulk)
        self.config = config

    def close(self) -> None:
        """Stops the local LLM server. Waits for one that is starting: it must not outlive this process."""
        self._resources.close()

    def ingest(
        self,
        paths: Sequence[Path | str],
        *,
        prune: bool = False,
        dry_run: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """Updates the index to match the files; see `ingestion.ingest`."""
        # Questions need no readers of documents.
        from ragcli.ingestion import ingest

        report = ingest.ingest(
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
        return self._compared(self._find(question, filters, reranked=True))

    def ask(
        self,
        question: str,
        *,
        rerank: bool | None = None,
        filters: Filters = EVERYTHING,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """The answer with its citations. `on_text` receives the LLM's text as it arrives, before it is cited:
        the pieces of an `llm.Generation`.
        """
        prepared = self.prepare(question, rerank=rerank, filters=filters)
        (answer,) = self._answers(prepared, whatever_arm(on_text))
        return answer

    def compare(
        self, question: str, *, filters: Filters = EVERYTHING, on_text: OnArmText | None = None
    ) -> Comparison:
        """Both answers over one retrieval and one scoring; arms with the same prompt share one answer.

        The stages that both arms share are timed in `Comparison.timings`, each arm's own in its `Answer`.
        """
        prepared = self.prepare(question, compare=True, filters=filters)
        return self._compared(prepared, *self._answers(prepared, on_text))

    def prepare(
        self,
        question: str,
        *,
        compare: bool = False,
        rerank: bool | None = None,
        filters: Filters = EVERYTHING,
    ) -> Prepared:
        """Everything in `ask` or `compare` before the LLM: for callers that send several requests at once."""
        reranked = compare or self._reranked(rerank)
        found = self._find(question, filters, reranked=reranked, answers=True)
        if not compare:
            arm = self._arm("reranked" if reranked else "base", found, found.candidates, found.watch)
            return replace(found, arms=(replace(arm, truncated=found.truncated + arm.truncated),))
        self._resources.opened_llm(found.watch)
        orders: dict[ArmName, tuple[Candidate, ...]] = {
            "base": _base_order(found.candidates),
            "reranked": found.candidates,
        }
        arms = (self._arm(name, found, order, Stopwatch()) for name, order in orders.items())
        return replace(found, arms=tuple(arms))

    def finish(self, prepared: Prepared, *, on_text: OnArmText | None = None) -> Answer | Comparison:
        """The LLM's part. Any thread may call this, several at once, and again after an LLMError."""
        answers = self._answers(prepared, on_text)
        return answers[0] if len(answers) == 1 else self._compared(prepared, *answers)

    def warm(self) -> None:
        """Loads everything that a question needs, so that the first one does not wait for it."""
        self._resources.start_llm()
        index = self._resources.index()
        self._resources.load(index, Stopwatch(), reranker=self.config.reranking.enabled)

    def change(self, config: Config) -> None:
        """Take other settings or another LLM from the next question on. Loaded encoders and the index stay.

        Raises UsageError if a setting that they depend on changes.
        """
        self._resources.change(config)
        self.config = config

    def complete(self, messages: Sequence[Message]) -> str:
        """What the LLM replies to these messages, without any retrieval. Raises LLMError."""
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

    def explain(self, question: str, candidate: Candidate) -> Occlusion:
        """What each word of the question and of the passage contributes to the scores of both encoders."""
        return occlude(
            spelled_out(question),
            candidate.chunk.passage,
            reranker=self._resources.reranker,
            bi_encoder=self._resources.bi_encoder,
        )

    def chunks(self) -> tuple[Chunk, ...]:
        """Every chunk of the index, source by source."""
        index = self._resources.index()
        self._resources.check_encoder(index)
        return store.all_chunks(index)

    @property
    def prior(self) -> Prior:
        """The weight of the bi-encoder's similarity in the reranked order."""
        return self._resources.reranker.prior

    def check(self, question: str, *, reranker: bool = False, answers: bool = False) -> None:
        """Raises for the first thing that is missing; nothing heavy is imported, nothing is loaded."""
        _check_question(question)
        self._resources.check(reranker=reranker, answers=answers)

    def _reranked(self, rerank: bool | None) -> bool:
        return self.config.reranking.enabled if rerank is None else rerank

    def _find(self, question: str, filters: Filters, *, reranked: bool, answers: bool = False) -> Prepared:
        """Reports what is missing, then retrieves. With `answers`, the LLM starts meanwhile."""
        _check_question(question)
        index = self._resources.check(reranker=reranked, answers=answers)
        if answers:
            self._resources.start_llm()
        watch = Stopwatch()
        truncated = self._resources.truncated
        candidates = self._candidates(index, question, filters, watch, reranked=reranked)
        return Prepared(question, candidates, watch, self._resources.truncated - truncated)

    def _candidates(
        self, index: store.Index, question: str, filters: Filters, watch: Stopwatch, *, reranked: bool
    ) -> tuple[Candidate, ...]:
        """The candidates in the index, in the requested order; at least one."""
        self._resources.load(index, watch, reranker=reranked)
        with watch.stage("embed"):
            question = spelled_out(question)
            vector = self._resources.bi_encoder.embed([question], query=True)[0]
        with watch.stage("retrieve"):
            candidates = retrieve.retrieve(index, question, vector, self.config.retrieval, filters)
        if not candidates:
            store.check_not_empty(self.config, index)
            raise NothingFoundError(
                "Nothing in the index matches the filters.", hint="ragcli list shows what is in the index."
            )
        if not reranked:
            return candidates
        with watch.stage("rerank"):
            known = with_headings(candidates, vector, self._resources.bi_encoder, self.prior)
            return reranking.rerank(self._resources.reranker, question, known)

    def _arm(
        self, name: ArmName, found: Prepared, candidates: tuple[Candidate, ...], watch: Stopwatch
    ) -> Arm:
        """Packs the prompt, unless no passage is likely enough to be relevant."""
        if prompting.missed_threshold(candidates, self.config.prompt):
            return Arm(name, candidates, None, watch)
        truncated = self._resources.truncated
        reranker = self._resources.reranker if candidates[0].rank is not None else None
        context = answering.pack(
            found.question,
            candidates,
            config=self.config,
            llm=self._resources.opened_llm(watch),
            watch=watch,
            score_texts=answering.sentence_scorer(self._resources.bi_encoder, reranker),
            chunks_of=cache(lambda source: self._resources.index().chunks(source)),
        )
        return Arm(name, candidates, context, watch, self._resources.truncated - truncated)

    def _answers(self, prepared: Prepared, on_text: OnArmText | None) -> list[Answer]:
        """An answer for each arm. Equal prompts are sent once: two answers would not tell the arms apart."""
        answers: list[Answer] = []
        for arm in prepared.arms:
            hear = None if on_text is None else partial(on_text, arm.name)
            twin = next((other for other in answers if _same_prompt(other.context, arm.context)), None)
            if twin is None or arm.context is None:
                found = self._answer(prepared.question, arm, hear)
            else:
                found = answering.shared(twin, arm.candidates, arm.context, arm.watch)
                if hear is not None:
                    hear(found.text)
            answers.append(replace(found, truncated=arm.truncated))
        return answers

    def _answer(self, question: str, arm: Arm, on_text: Callable[[str], None] | None) -> Answer:
        # A stopwatch of its own: a second try does not add to the seconds of the first.
        watch = Stopwatch(arm.watch.timings)
        if arm.context is None:
            missed = prompting.missed_threshold(arm.candidates, self.config.prompt)
            return answering.abstention(question, arm.candidates, missed, config=self.config, watch=watch)
        return answering.answer(
            question,
            arm.candidates,
            arm.context,
            config=self.config,
            llm=self._resources.opened_llm(watch),
            watch=watch,
            on_text=on_text,
        )

    def _compared(
        self, found: Prepared, base: Answer | None = None, reranked: Answer | None = None
    ) -> Comparison:
        base_order, reranked_order = _base_order(found.candidates), found.candidates
        top_k = self.config.retrieval.top_k
        moves = comparison.movements(
            base_order,
            reranked_order,
            in_prompt_before=comparison.prompt_ids(base_order, base, top_k),
            in_prompt_after=comparison.prompt_ids(reranked_order, reranked, top_k),
        )
        return Comparison(
            question=found.question,
            base_order=base_order,
            reranked_order=reranked_order,
            movements=moves,
            base=base,
            reranked=reranked,
            summary=comparison.summarise(moves, base, reranked),
            timings=found.watch.timings,
            truncated=found.truncated,
        )


def whatever_arm(on_text: Callable[[str], None] | None) -> OnArmText | None:
    """For a question that is answered in one order only."""
    return None if on_text is None else lambda _arm, text: on_text(text)


def _check_question(question: str) -> None:
    if not question.strip():
        raise UsageError(
            "The question is empty.", hint='Ask one: ragcli ask "How long is the notice period?"'
        )
    if SURROGATE.search(question):
        raise UsageError(
            "The question contains bytes that are not text.", hint="Set the terminal's encoding to UTF-8."
        )


def _same_prompt(one: Context, other: Context | None) -> bool:
    """Whether two prompts are identical and number the same chunks."""
    return (
        other is not None
        and one.messages == other.messages
        and [p.candidate.chunk.id for p in one.passages] == [p.candidate.chunk.id for p in other.passages]
    )


def _base_order(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates as the retrieval ranked them, without anything from the cross-encoder."""
    unscored = [
        replace(c, logit=None, score=None, probability=None, rank=None, heading_similarity=None)
        for c in candidates
    ]
    return tuple(sorted(unscored, key=lambda candidate: candidate.base_rank))
