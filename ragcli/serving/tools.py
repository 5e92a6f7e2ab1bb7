"""What an agent may ask, over MCP. Every tool reads; none writes, and none reads outside the index.

A result is a short text for the model and, as structured content, the record of `docs/reference/json.md`; of
the candidates it holds those that the text shows, and the settings are left out.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from ragcli import store
from ragcli.config import Config
from ragcli.config.loading import changed
from ragcli.documents.inspection import Inspection, ShownChunk, in_index
from ragcli.errors import RagcliError
from ragcli.models.status import model_rows
from ragcli.pipeline import Pipeline
from ragcli.reporting import as_json
from ragcli.reporting.screens.inspection import fields
from ragcli.serving import passages
from ragcli.serving.desk import Desk, Question
from ragcli.store.metadata import matching
from ragcli.types import Answer, Comparison, Filters, SourceInfo

MOST_LISTED = 200
MOST_CHARACTERS = 20_000
"""Of a document at a time; at least one passage."""

Text = Annotated[str, Field(min_length=1, max_length=4000, description="The question, as a full sentence.")]
Source = Annotated[
    str, Field(max_length=1000, description="Only documents whose name matches this glob; empty: all.")
]
Rerank = Annotated[
    bool | None,
    Field(
        description="Order by the cross-encoder, or by the retrieval alone. Left out: as the user has set it."
    ),
]
Candidates = Annotated[
    int | None,
    Field(
        ge=1,
        le=1000,
        description="Passages for the cross-encoder; more is slower. Left out: as the user has set it.",
    ),
]
Best = Annotated[int, Field(ge=1, le=50, description="How many of the best passages are returned.")]
Name = Annotated[str, Field(max_length=4000, description="The document's name, as the results have it.")]
Passage = Annotated[
    int | None, Field(ge=0, description="Show this passage with its neighbours, by its number (`index`).")
]
First = Annotated[int, Field(ge=0, description="Begin here, where an earlier result said that it goes on.")]


@dataclass(frozen=True, slots=True)
class Reply:
    """`text` for the model, `record` for programs: a document as `as_json` writes it."""

    text: str
    record: str

    def fields(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.record)
        found.pop("config", None)
        return found


class Tools:
    """Each public method is a tool. Its name, its parameters and its docstring are what agents are told. What
    they leave out is as the user's settings say.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def all(self) -> tuple[Callable[..., Awaitable[Reply]], ...]:
        return (self.search, self.ask, self.compare, self.show, self.list_documents, self.status)

    async def search(
        self,
        question: Text,
        source: Source = "",
        rerank: Rerank = None,
        candidates: Candidates = None,
        limit: Best = 5,
    ) -> Reply:
        """Find the passages that answer a question in the user's documents, best first, each with the place
        to cite. Use this first, and whenever you want to read and reason yourself.
        """
        pipeline = self._pipeline({} if candidates is None else {"retrieval.candidates": candidates})
        filters = _filters(source)
        found = await self._desk.do(lambda: pipeline.search(question, rerank=rerank, filters=filters))
        best = replace(found, candidates=found.candidates[:limit])
        return Reply(passages.of_search(best), as_json.search(best, pipeline.config))

    async def ask(self, question: Text, source: Source = "", rerank: Rerank = None) -> Reply:
        """Have the LLM that the user configured answer a question from the documents, with citations. Use
        this for a short answer that can be checked, and `search` where you would rather read the passages.
        It says so where the documents hold no answer. Takes some seconds.
        """
        pipeline = self._pipeline()
        answer = await self._desk.ask(pipeline, Question(question, _filters(source), rerank), _nobody)
        assert isinstance(answer, Answer)
        read = tuple(passage.candidate for passage in answer.context.passages)
        record = as_json.answer(replace(answer, candidates=read), pipeline.config)
        return Reply(passages.of_answer(answer), record)

    async def compare(self, question: Text, source: Source = "") -> Reply:
        """Answer a question twice from the same candidates, without and with reranking, and tell what
        differs. Use this only to judge what reranking does for these documents: it takes two answers' time.
        """
        pipeline = self._pipeline()
        asked = Question(question, _filters(source), compare=True)
        found = await self._desk.ask(pipeline, asked, _nobody)
        assert isinstance(found, Comparison)
        read = tuple(move for move in found.movements if move.in_prompt_before or move.in_prompt_after)
        record = as_json.comparison(replace(found, movements=read), pipeline.config)
        return Reply(passages.of_comparison(found), record)

    async def show(self, document: Name, passage: Passage = None, first: First = 0) -> Reply:
        """Read a document, or what stands around a passage that `search` found. Use this before you rely on a
        passage that begins or ends in the middle of something.
        """
        found = await self._desk.do(lambda: in_index(document, self._desk.config))
        shown = _part(found, passage, first)
        record = as_json.document("chunks", fields(replace(found, chunks=shown)))
        return Reply(passages.of_document(found, shown), record)

    async def list_documents(self, source: Source = "", first: First = 0) -> Reply:
        """List the documents that can be searched: names, titles, numbers of passages. Use this to find out
        what there is, or the name for `source` and `show`.
        """
        infos = await self._desk.do(lambda: sources_of(self._desk.config, source))
        shown = infos[first : first + MOST_LISTED]
        record = as_json.sources(self._desk.config.collection, shown)
        return Reply(passages.of_sources(shown, first, len(infos)), record)

    async def status(self) -> Reply:
        """Tell what is indexed, with which models, and whether they are ready. Use this when another tool
        fails, or to tell the user what is searched.
        """
        return await self._desk.do(self._status)

    def _status(self) -> Reply:
        config = self._desk.config
        with store.open_store(config, create=False) as index:
            row = as_json.collection_fields(config.collection, index)
        models = model_rows(config)
        found = {"store": store.where(config), "collection": config.collection, "collections": [row]}
        lines = [f"Collection {config.collection}: {row['sources']} documents, {row['chunks']} passages."]
        lines += [f"{each['role']}: {each['name']} ({each['state']})" for each in models]
        record = as_json.document("status", {**found, "models": models, "server": None})
        return Reply("\n".join(lines), record)

    def _pipeline(self, changes: dict[str, object] | None = None) -> Pipeline:
        return self._desk.pipeline(changed(self._desk.config, changes or {}, "the tool's arguments"))


def sources_of(config: Config, glob: str = "") -> tuple[SourceInfo, ...]:
    with store.open_store(config, create=False) as index:
        infos = index.sources()
    names = set(matching([info.source for info in infos], [glob])) if glob else None
    return tuple(info for info in infos if names is None or info.source in names)


@contextmanager
def told(fault: Callable[[str], Exception]) -> Iterator[None]:
    """A failure as the protocol has it: its message and the fix, on two lines."""
    try:
        yield
    except RagcliError as error:
        raise fault("\n".join(filter(None, [error.message, error.hint]))) from error


def _part(found: Inspection, passage: int | None, first: int) -> tuple[ShownChunk, ...]:
    """A passage with its neighbours, or as much as fits from `first` on."""
    if passage is not None:
        first, last = max(0, passage - 1), passage + 2
        shown = found.chunks[first:last]
    else:
        room, end = MOST_CHARACTERS, first
        while end < len(found.chunks) and (end == first or room >= len(found.chunks[end].chunk.text)):
            room -= len(found.chunks[end].chunk.text)
            end += 1
        shown = found.chunks[first:end]
    if not shown:
        raise RagcliError(
            f"{found.source} has {len(found.chunks)} passages.", hint="They are numbered from 0."
        )
    return shown


def _filters(source: str) -> Filters:
    return Filters((source,) if source else ())


def _nobody(_arm: str, _text: str) -> None:
    """Tools answer when all is there."""
