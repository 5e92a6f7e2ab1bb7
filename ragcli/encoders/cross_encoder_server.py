"""Pairs are scored at a server's `/rerank`, in one of the two dialects of such servers.

jina   {"model", "query", "documents"} -> {"results": [{"index", "relevance_score"}]}
       vLLM, llama.cpp and infinity; Jina and Cohere
tei    {"query", "texts"} -> [{"index", "score"}]
       text-embeddings-inference; llama.cpp as well
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ragcli.config import RerankingConfig
from ragcli.encoders.bert import load_tokenizer
from ragcli.encoders.encoder_server import ModelServer, served_fingerprint
from ragcli.encoders.known_pair import QUESTION, TEXTS, KnownValues, known
from ragcli.encoders.prior import Prior
from ragcli.encoders.truncation import PairWindow
from ragcli.models.locate import SHIPPED_CROSS_ENCODER, cross_encoder_files

PROBABILITIES = (
    "scores between 0 and 1: these are probabilities, not logits "
    "(reranking.scores = probabilities takes them)"
)
# This many logits are not between 0 and 1 by chance.
MANY = 8
# Half precision changes a logit's second digit, eight bits the first; another head changes the order.
TOLERANCE = 0.5
# For probabilities, which may have been rounded.
PROBABILITY_TOLERANCE = 0.02
# Closer to 0 and 1 than float32 can represent.
CERTAIN = 1e-7


class ServedReranker:
    """A cross-encoder behind HTTP; see `reranking.Reranker`.

    Pairs are cut to `window` here, in tokens of the shipped cross-encoder, so that the server cuts none.
    """

    def __init__(
        self, config: RerankingConfig, *, prior: Prior, probability: Callable[[float], float]
    ) -> None:
        self.server = ModelServer("reranking", config)
        self.name = config.model
        self.fingerprint = served_fingerprint(config.model)
        self.prior = prior
        self.probability = probability
        self.window = config.max_tokens
        self._config = config
        tokenizer = load_tokenizer(Path(cross_encoder_files(SHIPPED_CROSS_ENCODER).folder))
        self._pairs = PairWindow(tokenizer, self.window)
        self._is_compared = False

    @property
    def truncated(self) -> int:
        return self._pairs.truncated

    @property
    def tokens_lost(self) -> int:
        return self._pairs.tokens_lost

    def logits(self, question: str, texts: Sequence[str]) -> list[float]:
        """The logit of every (question, text), in the order of `texts`; equal texts have equal logits.

        Raises ServerError, also if an answer lacks a text or contains an invalid score, and, the first time,
        if a model that ragcli includes has other scores there.
        """
        return self._logits(question, texts, None)

    def logits_of_lists(
        self,
        lists: Sequence[tuple[str, Sequence[str]]],
        advance: Callable[[int], None] | None = None,
    ) -> list[list[float]]:
        """`logits` for many questions with their texts; a list for each. `advance` gets the number of pairs
        of each answer.
        """
        return [self._logits(question, texts, advance) for question, texts in lists]

    def _logits(
        self, question: str, texts: Sequence[str], advance: Callable[[int], None] | None
    ) -> list[float]:
        if not self._is_compared:
            self._compare()
        asked, fitting = self._pairs.fit(question, texts)
        places: dict[str, list[int]] = {}
        for place, text in enumerate(fitting):
            places.setdefault(text, []).append(place)
        found = [0.0] * len(texts)
        different = list(places)
        for first in range(0, len(different), self._config.batch_size):
            batch = different[first : first + self._config.batch_size]
            for text, score in zip(batch, self._scores(asked, batch), strict=True):
                for place in places[text]:
                    found[place] = score
            if advance is not None:
                advance(sum(len(places[text]) for text in batch))
        return self._as_logits(found, distinct=len(different))

    def _compare(self) -> None:
        """Asks for the known pair, if this model's scores of it are known."""
        expected = known(self.name)
        if expected is not None:
            scores = self._as_logits(self._scores(QUESTION, TEXTS), distinct=len(TEXTS))
            found = KnownValues("", scores[0], tuple(scores[1:]))
            chances = _as_probabilities(expected)
            if self._config.scores == "probabilities":
                same = _as_probabilities(found).differs(chances) <= PROBABILITY_TOLERANCE
            elif found.differs(chances) <= PROBABILITY_TOLERANCE:
                raise self.server.unusable(PROBABILITIES)
            else:
                same = found.differs(expected) <= TOLERANCE
            if not same:
                raise self.server.another_model(found, expected)
        self._is_compared = True

    def _scores(self, question: str, texts: Sequence[str]) -> list[float]:
        if self._config.dialect == "tei":
            answer = self.server.ask("/rerank", self._tei_request(question, texts))
            return self._listed(answer, "score", len(texts))
        answer = self.server.ask("/rerank", self._jina_request(question, texts))
        results = answer.get("results", answer) if isinstance(answer, Mapping) else None
        return self._listed(results, "relevance_score", len(texts))

    def _tei_request(self, question: str, texts: Sequence[str]) -> dict[str, Any]:
        raw = self._config.scores == "logits"
        return {"query": question, "texts": list(texts), "raw_scores": raw, "truncate": False}

    def _jina_request(self, question: str, texts: Sequence[str]) -> dict[str, Any]:
        request = {"model": self._config.model, "query": question, "documents": list(texts)}
        if self._config.scores == "logits":
            # infinity and vLLM send probabilities by default, and each has its own field to ask for logits.
            return {**request, "raw_scores": True, "use_activation": False}
        return request

    def _listed(self, results: Any, key: str, count: int) -> list[float]:
        if not isinstance(results, list) or not all(isinstance(entry, Mapping) for entry in results):
            raise self.server.unusable(
                f"something that is not a list of scores in the dialect {self._config.dialect}", results
            )
        return [self._number(score) for score in self.server.in_order(results, key, "scores", count)]

    def _number(self, score: object) -> float:
        if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
            raise self.server.unusable(f"a score that is not a number: {str(score)[:40]}")
        return float(score)

    def _as_logits(self, scores: list[float], *, distinct: int) -> list[float]:
        between = all(0 <= score <= 1 for score in scores)
        if self._config.scores == "logits":
            if between and distinct >= MANY:
                raise self.server.unusable(f"{distinct} {PROBABILITIES}")
            return scores
        if not between:
            raise self.server.unusable(
                "scores outside 0 to 1: these are not probabilities (reranking.scores = logits takes them)"
            )
        certain = [min(max(score, CERTAIN), 1 - CERTAIN) for score in scores]
        return [math.log(score / (1 - score)) for score in certain]


def _as_probabilities(logits: KnownValues) -> KnownValues:
    relevant, *irrelevant = (1 / (1 + math.exp(-logit)) for logit in logits.all)
    return KnownValues(logits.fingerprint, relevant, tuple(irrelevant))
