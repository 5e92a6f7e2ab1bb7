"""Questions become pools: each is searched for and reranked once, by every way of retrieving."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache

from ragcli import store
from ragcli.chat.turns import Surroundings, surroundings
from ragcli.config import Config
from ragcli.errors import NothingFoundError, UsageError
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import RetrievalName
from ragcli.judging.always_valid import Bets, questions_needed
from ragcli.judging.pool_file import Plan
from ragcli.judging.pools import Pool, PooledPassage, arms_of, expected_spread, pool
from ragcli.pipeline import open_pipeline
from ragcli.types import Candidate, Chunk

Progress = Callable[[str, int, int], None]


class Documents:
    """The index, read for its texts alone: no model is loaded."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.chunks = cache(self._chunks)

    def chunk(self, passage: PooledPassage) -> Chunk:
        """Raises UsageError where the index does not hold it any more."""
        for chunk in self.chunks(passage.source):
            if chunk.id == passage.id:
                return chunk
        raise UsageError(
            f"The index has changed since: a passage of {passage.source} is not in it any more.",
            hint="Start again with another --output, or name the index that it was: --collection, --config.",
        )

    def surroundings(self, chunk: Chunk) -> Surroundings:
        return surroundings(chunk, self.chunks(chunk.source))

    def _chunks(self, source: str) -> tuple[Chunk, ...]:
        with store.open_store(self._config, create=False) as opened:
            return opened.chunks(source)


def make_pools(
    config: Config,
    questions: Sequence[Question],
    methods: Sequence[RetrievalName],
    seed: int,
    progress: Progress,
) -> list[Pool]:
    """In an order drawn with the seed, so that the first ones speak for all of them."""
    documents = Documents(config)
    shuffled = random.Random(seed).sample(questions, len(questions))
    pools = []
    with open_pipeline(config, bulk=True) as pipeline:
        pipeline.check(shuffled[0].text, reranker=True)
        for done, question in enumerate(shuffled):
            progress("reranking", done, len(shuffled))
            arms: dict[str, list[Candidate]] = {}
            for method in methods:
                retrieval = config.retrieval.model_copy(update={"method": method})
                pipeline.change(config.model_copy(update={"retrieval": retrieval}))
                found = pipeline.compare_search(question.text)
                arms |= arms_of(found, method, has_prior=pipeline.prior.weight != 0)
            sources = {one.chunk.source for order in arms.values() for one in order}
            chunks = [chunk for source in sorted(sources) for chunk in documents.chunks(source)]
            pools.append(pool(question, arms, chunks, seed))
    progress("reranking", len(shuffled), len(shuffled))
    return pools


def make_plan(pools: Sequence[Pool], *, judge: str, seed: int, effect: float) -> Plan:
    """As many questions as it takes to see the effect, or all there are. Raises NothingFoundError where the
    orders have the same best passages in the same places: nobody needs to judge them.
    """
    spread = expected_spread(pools)
    if not spread:
        raise NothingFoundError(
            "Both orders have the same five best passages for every question: there is nothing to judge.",
            hint="ragcli search QUESTION --compare shows them.",
        )
    planned = min(len(pools), questions_needed(effect, spread))
    return Plan(judge, seed, effect, Bets(planned, spread))
