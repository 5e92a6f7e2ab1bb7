"""The models and the index of one configuration: opened when first needed, kept until `close`."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from typing import Any

from ragcli import store
from ragcli.config import Config
from ragcli.encoders import bi_encoder, reranking
from ragcli.errors import RagcliError, UsageError
from ragcli.llm import client
from ragcli.stopwatch import Stopwatch

# The sections that the encoders and the index depend on.
OPENED_WITH = ("collection", "store", "embedding", "reranking")


class Resources:
    """One question at a time: not to be shared between threads. `config` may `change`."""

    def __init__(self, config: Config, *, bulk: bool = False) -> None:
        self.config = config
        self._bulk = bulk
        self._servers = ExitStack()
        self._index: store.Index | None = None
        self._checked: store.Index | None = None
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ragcli-llm")
        self._llm: Future[client.LLM] | None = None
        self._llm_is_cold = False

    def close(self) -> None:
        """Stops the local LLM server. Waits for one that is starting: it must not outlive this process."""
        self._starter.shutdown(wait=True)
        self._servers.close()
        self._close_index()

    def change(self, config: Config) -> None:
        """Take other settings or another LLM. Loaded encoders and the index stay open.

        Raises UsageError if a setting that they depend on changes.
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
        """Texts that the loaded encoders could not read whole so far."""
        loaded = [self._loaded(name) for name in ("bi_encoder", "reranker")]
        return sum(encoder.truncated for encoder in loaded if encoder is not None)

    def _loaded(self, name: str) -> Any:
        """The encoder of this name; None if it is not loaded yet."""
        return self.__dict__.get(name)

    def check(self, *, reranker: bool, answers: bool) -> store.Index:
        """The index to search, looked up once. Raises for the first thing that is missing: the index, the
        LLM, the models. Loads nothing, and does not look again at what is loaded.
        """
        index = self.index()
        if index is not self._checked:
            store.check_model(self.config, index)
            store.check_not_empty(self.config, index)
            self._checked = index
        if answers and self._llm is None:
            client.check(self.config.llm)
        if self._loaded("bi_encoder"):
            self.check_encoder(index)
        elif fingerprint := bi_encoder.check(self.config.embedding):
            store.check_model(self.config, index, fingerprint=fingerprint)
        if reranker and not self._loaded("reranker"):
            reranking.check(self.config.reranking)
        return index

    def start_llm(self) -> Future[client.LLM]:
        """The LLM starts in another thread while the encoders load."""
        if self._llm is None:
            self._llm = self._starter.submit(self._servers.enter_context, client.open_llm(self.config.llm))
            self._llm_is_cold = True
        return self._llm

    def opened_llm(self, watch: Stopwatch) -> client.LLM:
        """The wait that is left is timed as loading; nothing if the LLM is running already."""
        starting = self.start_llm()
        try:
            if starting.done() and not self._llm_is_cold:
                return starting.result()
            with watch.stage("load", ("LLM",) if self._llm_is_cold else ()):
                opened = starting.result()
            self._llm_is_cold = False
            return opened
        except RagcliError:
            self._llm = None  # The next question may find it repaired.
            raise

    def load(self, index: store.Index, watch: Stopwatch, *, reranker: bool) -> None:
        """Loads what is not loaded yet, so that the later stages time the work and not the loading.

        The cross-encoder and the index load while the bi-encoder reads its first text: most of that work is
        not Python's. Raises IndexMismatchError if another bi-encoder built the index.
        """
        cold = self._cold(reranker=reranker)
        if not cold:
            return
        with watch.stage("load", cold), ThreadPoolExecutor(max_workers=2) as others:
            # Before the other threads start: two threads that import numpy at the same time may both fail.
            encoder = self.bi_encoder
            scores = others.submit(lambda: self.reranker) if reranker else None
            warm = others.submit(self._warm_index, index)
            encoder.embed(["."], query=True)
            warm.result()
            if scores is not None:
                scores.result()
        self.check_encoder(index)

    def _cold(self, *, reranker: bool) -> tuple[str, ...]:
        """What `load` has to load."""
        encoder: bi_encoder.BiEncoder | None = self._loaded("bi_encoder")
        first = () if encoder is not None and encoder.is_warm else ("bi-encoder", "index")
        return (*first, "cross-encoder") if reranker and not self._loaded("reranker") else first

    def _warm_index(self, index: store.Index) -> None:
        index.warm()
        if self.config.retrieval.method == "hybrid":
            index.index_words()

    def index(self) -> store.Index:
        """Open until `close`: a large index takes longer to open than to search. Each call reads its
        manifest, so that an index that was deleted and built again is opened again; what another process
        ingests is seen without that. Raises NothingFoundError, StoreError.
        """
        found = store.open_store(self.config, create=False)
        if self._index is None or found.manifest != self._index.manifest:
            self._close_index()
            self._index = found
        return self._index

    def check_encoder(self, index: store.Index) -> None:
        """Raises IndexMismatchError if another bi-encoder than the loaded one built the index."""
        encoder = self.bi_encoder
        store.check_model(self.config, index, fingerprint=encoder.fingerprint, dimension=encoder.dimension)

    def _close_index(self) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None
