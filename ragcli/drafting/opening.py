"""Index, encoders and LLM are opened for drafting, and stay open for all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ragcli import store
from ragcli.config import Config
from ragcli.drafting.prompts import Schema
from ragcli.encoders.bi_encoder import BiEncoder, load_bi_encoder
from ragcli.encoders.headings import with_headings
from ragcli.encoders.reranking import Reranker, load_reranker, rerank
from ragcli.llm import client
from ragcli.llm.asking import ask
from ragcli.llm.client import LLM
from ragcli.retrieval.retrieve import retrieve
from ragcli.types import Candidate, Chunk, Filters, Message

LONGEST_DRAFT = 256
"""In tokens: a quotation, an answer and a question."""

NEIGHBOURS = 10
"""Nearest passages among which one of another document is looked for."""


@contextmanager
def open_tools(config: Config) -> Iterator[OpenTools]:
    """Raises what opening the models, the index and the LLM raises."""
    embedder = load_bi_encoder(config.embedding, bulk=True)
    reranker = load_reranker(config.reranking)
    longest = max(LONGEST_DRAFT, config.llm.answer_tokens)
    with (
        store.open_store(config, embedder, create=False) as index,
        client.open_llm(config.llm.model_copy(update={"answer_tokens": longest})) as llm,
    ):
        yield OpenTools(config, index, embedder, reranker, llm)


@dataclass(frozen=True)
class OpenTools:
    """What drafting needs of the rest of ragcli."""

    config: Config
    index: store.Index
    embedder: BiEncoder
    reranker: Reranker
    llm: LLM

    def ask(self, messages: Sequence[Message], schema: Schema | None = None) -> str:
        return ask(self.llm, messages, schema)

    def search(self, question: str) -> Sequence[Candidate]:
        """The candidates of the whole index, with the ranks of both encoders."""
        vector = self.embedder.embed([question], query=True)[0]
        found = retrieve(self.index, question, vector, self.config.retrieval, Filters())
        known = with_headings(found, vector, self.embedder, self.reranker.prior)
        return rerank(self.reranker, question, known)

    def score(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """The cross-encoder's logits."""
        return self.reranker.logits(question, texts)

    def nearest_rivals(self, passages: Sequence[Chunk]) -> dict[str, float]:
        """By the id of each passage, the bi-encoder's similarity of the nearest one of another document; 0
        where none is near.
        """
        vectors = self.embedder.embed([chunk.passage for chunk in passages])
        found = self.index.search_many(vectors, NEIGHBOURS, Filters())
        return {
            chunk.id: max(
                (near.similarity for near in candidates if near.chunk.source != chunk.source), default=0.0
            )
            for chunk, candidates in zip(passages, found, strict=True)
        }
