"""The candidates of all questions, with one or several retrieval methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from ragcli.config import RetrievalConfig
from ragcli.evaluation.records import Retrieval, RetrievalName
from ragcli.retrieval.fusion import fused_order
from ragcli.retrieval.lexical import IN_MEMORY, Entry, LexicalIndex
from ragcli.retrieval.retrieve import with_words
from ragcli.store import Index
from ragcli.types import Candidate, Filters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]

Found = TypeVar("Found")
Methods = Sequence[RetrievalName]
EVERYTHING = Filters()


@dataclass(frozen=True, slots=True)
class Pooled(Generic[Found]):
    """`candidates[q]` is all that any retrieval found for question q, that of the first retrieval first."""

    candidates: tuple[tuple[Found, ...], ...]
    retrievals: tuple[Retrieval, ...]


def pool(rankings: Mapping[str, Sequence[Sequence[Found]]], name: Callable[[Found], str]) -> Pooled[Found]:
    """Each candidate once, no matter what found it, so that a cross-encoder scores it once. Pure.

    `rankings` has one ranking per question for each retrieval.
    """
    union: list[tuple[Found, ...]] = []
    orders: dict[str, list[tuple[int, ...]]] = {method: [] for method in rankings}
    for question in zip(*rankings.values(), strict=True):
        places: dict[str, int] = {}
        found: list[Found] = []
        for method, ranking in zip(rankings, question, strict=True):
            for candidate in ranking:
                if name(candidate) not in places:
                    places[name(candidate)] = len(found)
                    found.append(candidate)
            orders[method].append(tuple(places[name(candidate)] for candidate in ranking))
        union.append(tuple(found))
    retrievals = tuple(Retrieval(method, tuple(ranked)) for method, ranked in orders.items())
    return Pooled(tuple(union), retrievals)


def from_index(
    index: Index, texts: Sequence[str], vectors: Vectors, config: RetrievalConfig, methods: Methods
) -> Pooled[Candidate]:
    """`config.candidates` for each question; `vectors` are float32 (questions, dimension)."""
    dense = index.search_many(vectors, config.candidates, EVERYTHING)
    rankings: dict[str, Sequence[Sequence[Candidate]]] = {}
    for method in methods:
        rankings[method] = dense
        if method == "hybrid":
            rankings[method] = [
                with_words(index, text, vector, nearest, config, EVERYTHING)
                for text, vector, nearest in zip(texts, vectors, dense, strict=True)
            ]
    return pool(rankings, lambda candidate: candidate.chunk.id)


class CollectionSearch:
    """A judged collection in memory, searched exactly. `vectors` are those of its documents, in their order.

    Close it.
    """

    def __init__(self, corpus: Mapping[str, str], vectors: Vectors, methods: Methods) -> None:
        self._names = list(corpus)
        self._places = {name: place for place, name in enumerate(self._names)}
        self._vectors = vectors
        self._words = LexicalIndex(IN_MEMORY)
        if "hybrid" in methods:
            self._words.add({0: [Entry(name, text, {}) for name, text in corpus.items()]})

    def close(self) -> None:
        self._words.close()

    def search(
        self,
        text: str,
        vector: Vectors,
        config: RetrievalConfig,
        method: RetrievalName,
        without: str | None = None,
    ) -> list[tuple[str, float]]:
        """(document, similarity) of the best `config.candidates`, without the document `without`; `vector`
        is float32 (dimension,).
        """
        import numpy as np

        row = self._vectors @ vector
        order = np.argsort(-row, kind="stable")[: config.candidates + (without is not None)]
        nearest = [name for name in (self._names[place] for place in order) if name != without]
        nearest = nearest[: config.candidates]
        if method == "hybrid":
            rankings = [nearest, self.search_words(text, config.candidates, without)]
            similarities = {name: float(row[self._places[name]]) for ranking in rankings for name in ranking}
            fused = fused_order(rankings, similarities, config.rrf_k)
            nearest = [name for name, _ in fused[: config.candidates]]
        return [(name, float(row[self._places[name]])) for name in nearest]

    def search_words(self, text: str, n: int, without: str | None = None) -> list[str]:
        """The n best documents by BM25 only, if "hybrid" is among the methods."""
        hits = self._words.search(text, n + (without is not None), [0]) or []
        return [hit.name for hit in hits if hit.name != without][:n]
