"""(question, candidates) -> the same candidates, scored by a cross-encoder and reordered."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Protocol

from ragcli.config import RerankingConfig
from ragcli.encoders import encoder_server
from ragcli.encoders.bert import batches
from ragcli.encoders.calibration import Calibration
from ragcli.encoders.cross_encoder import Network, load_network
from ragcli.encoders.cross_encoder_server import ServedReranker
from ragcli.encoders.model_facts import ScoreSettings, read_score_settings
from ragcli.encoders.prior import Prior
from ragcli.encoders.truncation import PairWindow
from ragcli.errors import ModelError
from ragcli.models.locate import SHIPPED_CROSS_ENCODER, cross_encoder_files, quieten_libraries
from ragcli.types import Candidate

# Sorting by length saves no more padding beyond a few thousand pairs, and tokens take memory.
BLOCK = 2048


class Reranker(Protocol):
    """A cross-encoder, here (`CrossEncoderReranker`) or behind HTTP (`ServedReranker`).

    `window` is the longest pair in tokens, including special tokens; `truncated` counts the pairs so far that
    were longer and were cut, `tokens_lost` the tokens that they lost. `prior` is the weight of the
    bi-encoder's similarity in the order. `logits` and `logits_of_lists` give raw scores in the order of the
    texts.
    """

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def prior(self) -> Prior: ...
    @property
    def window(self) -> int: ...
    @property
    def truncated(self) -> int: ...
    @property
    def tokens_lost(self) -> int: ...
    @property
    def probability(self) -> Callable[[float], float]: ...
    def logits(self, question: str, texts: Sequence[str]) -> list[float]: ...
    def logits_of_lists(
        self,
        lists: Sequence[tuple[str, Sequence[str]]],
        advance: Callable[[int], None] | None = None,
    ) -> list[list[float]]: ...


class CrossEncoderReranker:
    """A loaded cross-encoder. `window` is the longest pair in tokens, including special tokens.

    `truncated` counts the pairs so far that were longer and were cut, `tokens_lost` the tokens they lost.
    `prior` is the weight of the bi-encoder's similarity in the order: from the settings, else from the
    model's own ragcli.json, else nothing.
    """

    def __init__(
        self,
        name: str,
        fingerprint: str,
        network: Network,
        *,
        prior: Prior,
        calibration: Calibration,
        config: RerankingConfig,
    ) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.prior = prior
        self.calibration = calibration
        self.window = min(config.max_tokens, network.longest)
        self.probability = calibration.probability
        self._pairs = PairWindow(network.tokenizer, self.window)
        self._network = network
        self._batch_size = config.batch_size

    @property
    def truncated(self) -> int:
        return self._pairs.truncated

    @property
    def tokens_lost(self) -> int:
        return self._pairs.tokens_lost

    def logits(self, question: str, texts: Sequence[str]) -> list[float]:
        """The raw logit of every (question, text), in the order of `texts`; equal texts have equal logits.

        A pair that is too long loses the end of its text; a question above half the window loses its own end
        first. Raises ModelError if the model returns a value that is not a number.
        """
        (found,) = self.logits_of_lists([(question, texts)])
        if not all(map(math.isfinite, found)):
            raise ModelError(
                f"The cross-encoder {self.name} returned NaN or infinite scores.",
                hint="Use another model: reranking.model, or --no-rerank.",
            )
        return found

    def logits_of_lists(
        self,
        lists: Sequence[tuple[str, Sequence[str]]],
        advance: Callable[[int], None] | None = None,
    ) -> list[list[float]]:
        """`logits` for many questions with their texts, in batches across questions; a list for each.

        Invalid numbers are returned as they are. `advance` gets the number of pairs of each finished batch.
        """
        found: list[list[float]] = []
        for block in _blocks(lists):
            found += self._score_block(block, advance)
        return found

    def _score_block(
        self, lists: Sequence[tuple[str, Sequence[str]]], advance: Callable[[int], None] | None
    ) -> list[list[float]]:
        pairs = [pair for question, texts in lists for pair in self._pairs.encode(question, texts)]
        # Equal pairs are scored once: in a batch, equal rows may differ in the last bit and would not tie.
        places: dict[tuple[int, ...], list[int]] = {}
        for place, pair in enumerate(pairs):
            places.setdefault(tuple(pair.ids), []).append(place)
        # By length, so that little is padded; then by tokens, so that the caller's order does not matter.
        ordered = sorted(places, key=lambda ids: (len(ids), ids))
        found = [0.0] * len(pairs)
        for part in batches([len(ids) for ids in ordered], self._batch_size):
            batch = [places[ids] for ids in ordered[part]]
            scores = self._network.score([pairs[equals[0]] for equals in batch])
            for equals, score in zip(batch, scores, strict=True):
                for place in equals:
                    found[place] = float(score)
            if advance is not None:
                advance(sum(map(len, batch)))
        rest = iter(found)
        return [list(islice(rest, len(texts))) for _, texts in lists]


def _blocks(
    lists: Sequence[tuple[str, Sequence[str]]],
) -> Iterator[list[tuple[str, Sequence[str]]]]:
    """Whole lists of about BLOCK pairs, which are sorted by length and kept in memory together."""
    block: list[tuple[str, Sequence[str]]] = []
    for one in lists:
        block.append(one)
        if sum(len(texts) for _, texts in block) >= BLOCK:
            yield block
            block = []
    if block:
        yield block


def check(config: RerankingConfig) -> str:
    """The fingerprint of the configured model; "" if a server runs it.

    Raises what `load_reranker` would raise for missing files or a missing key. Loads nothing and asks no
    server.
    """
    if config.url:
        encoder_server.check("reranking", config)
        return ""
    return cross_encoder_files(config.model).fingerprint


def prior_of(config: RerankingConfig) -> Prior:
    """That of the configured model. Loads nothing and asks no server."""
    return _prior(config, _own_settings(config))


def load_reranker(config: RerankingConfig) -> Reranker:
    """The configured cross-encoder. Raises ModelError, or ServerError if a server's key is missing."""
    if config.url:
        own = _own_settings(config)
        return ServedReranker(config, prior=_prior(config, own), probability=own.calibration.probability)
    files = cross_encoder_files(config.model)
    quieten_libraries()
    own = _own_settings(config)
    return CrossEncoderReranker(
        files.name,
        files.fingerprint,
        load_network(config.model, Path(files.folder)),
        prior=_prior(config, own),
        calibration=own.calibration,
        config=config,
    )


def _own_settings(config: RerankingConfig) -> ScoreSettings:
    folder = _folder_of_served(config.model) if config.url else Path(cross_encoder_files(config.model).folder)
    return ScoreSettings() if folder is None else read_score_settings(folder)


def _folder_of_served(name: str) -> Path | None:
    """If this machine has the model too, its prior and its calibration apply wherever it runs."""
    if name == SHIPPED_CROSS_ENCODER:
        return Path(cross_encoder_files(name).folder)
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else None


def _prior(config: RerankingConfig, own: ScoreSettings) -> Prior:
    return Prior(
        own.prior.weight if config.prior_weight is None else config.prior_weight,
        own.prior.words if config.prior_words is None else config.prior_words,
        own.prior.headings if config.prior_headings is None else config.prior_headings,
    )


def rerank(reranker: Reranker, question: str, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates with logit, score, probability and rank, best first; ties keep the base order."""
    logits = reranker.logits(question, [candidate.chunk.passage for candidate in candidates])
    weight = reranker.prior.weight_for(question)
    return order_by_score(
        [
            replace(
                candidate,
                logit=logit,
                score=logit
                + weight * reranker.prior.nearness(candidate.similarity, candidate.heading_similarity),
                probability=reranker.probability(logit),
            )
            for candidate, logit in zip(candidates, logits, strict=True)
        ]
    )


def order_by_score(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Scored candidates with their rank set, best first; ties keep the base order."""
    ordered = sorted(candidates, key=lambda c: (-(c.score or 0.0), c.base_rank))
    return tuple(replace(candidate, rank=rank) for rank, candidate in enumerate(ordered, start=1))
