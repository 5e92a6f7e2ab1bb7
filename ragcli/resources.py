"""The models and the index of one configuration: opened when first needed, kept until `close`."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property

from ragcli import store
from ragcli.config import Config
from ragcli.encoders import bi_encoder, reranking
from ragcli.errors import RagcliError, UsageError
from ragcli.llm import client
from ragcli.stopwatch import Stopwatch
from ragcli.types import Filters

# What the encoders and the index were opened with.
OPENED_WITH = ("collection", "store", "embedding", "reranking")


class Resources:
    """One question at a time: not to be shared between threads. `config` may `change`."""

    def __init__(self, config: Config, *, bulk: bool = False) -> None:
        self.config = config
        self._bulk = bulk
        self._servers = ExitStack()
        self._index: store.Index | None = None
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ragcli-llm")
        self._llm: Future[client.LLM] | None = None
        self._llm_is_cold = False

    def close(self) -> None:
        """Ends the local LLM server; waits for a pending start, so that no server is left running."""
        self._starter.shutdown(wait=True)
        self._servers.close()
        self._close_index()

    def change(self, config: Config) -> None:
        """Other numbers, or another LLM. Loaded encoders and the index stay.

        Raises UsageError for a change to what those were opened with.
        """
        if any(getattr(config, name) != getattr(self.config, name) for name in OPENED_WITH):
            raise UsageError("The encoders and the index cannot be changed.", hint="Open another pipeline.")
        if config.llm != self.config.llm:
            self._llm = None
        self.config = config

    @cached_property
    def bi_encoder(self) -> bi_encoder.BiEncoder:
        return bi_encoder.load_bi_encoder(self.config.embedding, bulk=self._bulk)

    @cached_property
    def reranker(self) -> reranking.Reranker:
        return reranking.load_reranker(self.config.reranking)

    @property
    def truncated(self) -> int:
        """The number of texts that the loaded encoders could not read in full so far."""
        loaded = [self.__dict__.get(name) for name in ("bi_encoder", "reranker")]
        return sum(encoder.truncated for encoder in loaded if encoder is not None)

    def start_llm(self) -> None:
        """The LLM starts in its own thread while the encoders load."""
        self._starting_llm()

    def _starting_llm(self) -> Future[client.LLM]:
        if self._llm is None:
            self._llm = self._starter.submit(self._servers.enter_context, client.open_llm(self.config.llm))
            self._llm_is_cold = True
        return self._llm

    def opened_llm(self, watch: Stopwatch) -> client.LLM:
        """The remaining wait is timed as loading; it is nothing if the LLM already runs."""
        starting = self._starting_llm()
        try:
            if starting.done() and not self._llm_is_cold:
                return starting.result()
            with watch.stage("load", ("LLM",) if self._llm_is_cold else ()):
                opened = starting.result()
            self._llm_is_cold = False
            return opened
        except RagcliError:
            self._llm = None  # It may work for the next question.
            raise

    def load(self, watch: Stopwatch, *, reranker: bool) -> None:
        """Loads what is not loaded yet, so that the later stages time only the work.

        The cross-encoder and the index load beside the bi-encoder: most of it is not Python's work.
        """
        cold = self._cold(reranker=reranker)
        if not cold:
            return
        with watch.stage("load", cold), ThreadPoolExecutor(max_workers=2) as beside:
            scores = beside.submit(lambda: self.reranker) if reranker else None
            warm = beside.submit(self._warm_index, self.bi_encoder.dimension)
            self.bi_encoder.embed(["."], query=True)
            warm.result()
            if scores is not None:
                scores.result()

    def _cold(self, *, reranker: bool) -> tuple[str, ...]:
        """What `load` still has to load."""
        encoder: bi_encoder.BiEncoder | None = self.__dict__.get("bi_encoder")
        first = () if encoder is not None and encoder.is_warm else ("bi-encoder", "index")
        return (*first, "cross-encoder") if reranker and "reranker" not in self.__dict__ else first

    def _warm_index(self, dimension: int) -> None:
        """The index is read at the first search."""
        import numpy as np

        anywhere: bi_encoder.Vectors = np.full(dimension, dimension**-0.5, dtype=np.float32)
        index = self.index()
        index.search(anywhere, 1, Filters())
        if self.config.retrieval.method == "hybrid":
            index.index_words()

    def index(self) -> store.Index:
        """Open until `close`: a large index takes longer to open than to search. An ingest in another process
        is still seen; an index that was reset and rebuilt is opened again.
        """
        encoder = self.bi_encoder
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
