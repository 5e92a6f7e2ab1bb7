"""A conversation over one pipeline: the questions, their answers, and commands on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ragcli import store
from ragcli.answering import NO_CONTEXT
from ragcli.chat.rewriting import standalone
from ragcli.chat.turns import Exchange, Explanation, ScoredSentence, Source, Surroundings, surroundings
from ragcli.config.loading import changed, value_of
from ragcli.encoders.prior import NO_PRIOR
from ragcli.errors import NothingFoundError, UsageError
from ragcli.llm.client import embedded_llm
from ragcli.pipeline import OnArmText, Pipeline, whatever_arm
from ragcli.prompting import one_line
from ragcli.store.metadata import matching
from ragcli.text.marks import marked_numbers
from ragcli.types import Answer, Comparison, Filters

OnText = Callable[[str], None]
CANDIDATES, TOP_K = "retrieval.candidates", "retrieval.top_k"


class Session:
    """`exchanges` has all questions, oldest first; only the last one keeps its candidates."""

    def __init__(self, pipeline: Pipeline, filters: Filters) -> None:
        self.pipeline = pipeline
        self.filters = filters
        self.exchanges: list[Exchange] = []

    def check(self) -> None:
        """Raises what would prevent any question: no index, no model, no key."""
        reranker = self.pipeline.config.reranking.enabled
        self.pipeline.check("any", reranker=reranker, answers=True)

    def ask(
        self, typed: str, *, on_question: Callable[[str], None], on_text: OnText | None = None
    ) -> Exchange:
        """Answers a question. `on_question` receives the rewritten question, if it was rewritten.

        A stopped (KeyboardInterrupt) or failed answer is remembered as such, and raised.
        """
        self._begin(Exchange(typed, typed))
        try:
            question = standalone(typed, self.history(), self.pipeline)
            if question != typed:
                on_question(question)
            self._is(replace(self.latest, question=question))
            prepared = self.pipeline.prepare(question, filters=self.filters)
            context = prepared.arms[0].context
            passages = context.passages if context else ()
            self._is(replace(self.latest, candidates=prepared.candidates, passages=passages))
            answer = self.pipeline.finish(prepared, on_text=whatever_arm(on_text))
        except KeyboardInterrupt:
            self._is(replace(self.latest, outcome="stopped"))
            raise
        assert isinstance(answer, Answer)
        self._is(replace(self.latest, answer=answer, subject=_subject(answer), outcome="answered"))
        return self.latest

    def compare(self, *, on_text: OnArmText | None = None) -> Comparison:
        """The last question, answered in both orders."""
        question = self.latest.question
        return self.pipeline.compare(question, filters=self.filters, on_text=on_text)

    @property
    def quotes(self) -> bool:
        """Whether answers are quotations from documents, not the LLM's own words."""
        return self.pipeline.config.prompt.style == "sentences"

    @property
    def latest(self) -> Exchange:
        """The last question and its answer. Raises NothingFoundError before the first."""
        if not self.exchanges:
            raise NothingFoundError("Nothing has been asked yet.", hint="Ask a question first.")
        return self.exchanges[-1]

    def history(self) -> tuple[Exchange, ...]:
        """The answered exchanges that a follow-up may refer to, oldest first."""
        answered = [exchange for exchange in self.exchanges if exchange.answer is not None]
        length = self.pipeline.config.chat.history
        return tuple(answered[len(answered) - min(length, len(answered)) :])

    def sources(self) -> tuple[Source, ...]:
        """The passages of the last prompt by their numbers, then the rest of the best `top_k`."""
        latest = self.latest
        if not latest.candidates:
            raise NothingFoundError("The last question was not searched for.", hint="Ask it again.")
        cited = {citation.number for citation in latest.answer.citations} if latest.answer else set()
        found = [
            Source(passage.number, passage.candidate, passage.text, passage.number in cited)
            for passage in latest.passages
        ]
        held = {source.candidate.chunk.id for source in found}
        for candidate in latest.candidates[: self.pipeline.config.retrieval.top_k]:
            if candidate.chunk.id not in held:
                found.append(Source(len(found) + 1, candidate, "", cited=False))
        return tuple(found)

    def numbers(self) -> list[int]:
        """The numbers that `source` takes; none before the first search."""
        if not self.exchanges or not self.latest.candidates:
            return []
        return [source.number for source in self.sources()]

    def source(self, number: int) -> Source:
        """Raises NothingFoundError for a number that `sources` does not have."""
        found = self.sources()
        if not 1 <= number <= len(found):
            numbers = f"1 to {len(found)}" if len(found) > 1 else "1"
            raise NothingFoundError(f"There is no passage {number}.", hint=f"/sources shows {numbers}.")
        return found[number - 1]

    def surroundings(self, source: Source) -> Surroundings:
        """The passage with the chunks before and after it, as stored in the index."""
        chunk = source.candidate.chunk
        with store.open_store(self.pipeline.config, create=False) as opened:
            chunks = opened.chunks(chunk.source)
        return surroundings(chunk, chunks)

    def explain(self, source: Source) -> Explanation:
        question, candidate = self.latest.question, source.candidate
        scored = self.pipeline.score_sentences(question, candidate)
        return Explanation(
            source=source,
            of=len(self.latest.candidates),
            reranked=candidate.rank is not None,
            sentences=tuple(ScoredSentence(text, score, text in source.in_prompt) for text, score in scored),
            question=question,
            prior=NO_PRIOR if candidate.rank is None else self.pipeline.prior,
            occlusion=None if candidate.rank is None else self.pipeline.explain(question, candidate),
        )

    def number(self, key: str) -> object:
        """The setting under a dotted key."""
        return value_of(self.pipeline.config, key)

    def set_number(self, key: str, value: int, *, command: str) -> None:
        """Changes `retrieval.top_k` or `retrieval.candidates`.

        Raises ConfigError for an invalid value, UsageError for more than there are; then nothing changes.
        """
        config = changed(self.pipeline.config, {key: value}, command)
        with store.open_store(self.pipeline.config, create=False) as opened:
            held = opened.count()
        if key == CANDIDATES and value > held:
            raise UsageError(
                f"{command} {value} is more than the {held:,} passages in the index.",
                hint=f"{CANDIDATES} stays {self.number(CANDIDATES)}.",
            )
        if key == TOP_K and value > config.retrieval.candidates:
            raise UsageError(
                f"{command} {value} is more than there are candidates: {config.retrieval.candidates}.",
                hint=f"{TOP_K} stays {self.number(TOP_K)}; raise /candidates N first.",
            )
        self.pipeline.change(config)

    def set_model(self, name: str) -> None:
        """Another model of the same endpoint. Raises ConfigError if the embedded server does not have it."""
        config = changed(self.pipeline.config, {"llm.model": name}, "/model")
        if config.llm.embedded:
            embedded_llm(config.llm)
        self.pipeline.change(config)

    def set_filter(self, glob: str) -> int:
        """Only documents that match, all for "". Returns their number.

        Raises NothingFoundError if none matches; then the filter does not change.
        """
        known = self.documents()
        wanted = matching(known, [glob]) if glob else known
        if not wanted:
            raise NothingFoundError(
                f"No document matches {glob}.", hint="The filter stays as it was; Tab completes names."
            )
        self.filters = replace(self.filters, sources=(glob,) if glob else ())
        return len(wanted)

    def documents(self) -> list[str]:
        """The names of the documents in the index."""
        with store.open_store(self.pipeline.config, create=False) as opened:
            return [info.source for info in opened.sources()]

    def _begin(self, exchange: Exchange) -> None:
        """Data that only commands on the last answer need is dropped with the next question."""
        if self.exchanges:
            self._is(_slim(self.latest))
        self.exchanges.append(exchange)

    def _is(self, exchange: Exchange) -> None:
        self.exchanges[-1] = exchange


def _subject(answer: Answer) -> str:
    """The title of the first citation in the text, which is not always number 1."""
    cited = {citation.number for citation in answer.citations}
    titles = {p.number: p.candidate.chunk.title for p in answer.context.passages if p.number in cited}
    marked = marked_numbers(answer.text)
    return next((one_line(titles[number]) for number in marked if number in titles), "")


def _slim(exchange: Exchange) -> Exchange:
    answer = exchange.answer
    if answer is not None:
        answer = replace(answer, candidates=(), context=NO_CONTEXT)
    return replace(exchange, candidates=(), passages=(), answer=answer)
