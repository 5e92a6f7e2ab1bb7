"""All candidates of all questions through one cross-encoder, in batches across questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragcli.encoders.reranking import Reranker
from ragcli.evaluation.judging import passage_text
from ragcli.evaluation.records import JudgedQuestion, Scoring


def score(
    reranker: Reranker,
    questions: Sequence[JudgedQuestion],
    advance: Callable[[int], None] | None = None,
) -> Scoring:
    """`advance` gets the number of pairs of each finished batch."""
    cut, lost = reranker.truncated, reranker.tokens_lost
    lists = [(question.text, [passage_text(c) for c in question.candidates]) for question in questions]
    logits = reranker.logits_of_lists(lists, advance)
    return Scoring(
        name=reranker.name,
        fingerprint=reranker.fingerprint,
        prior=reranker.prior,
        logits=tuple(map(tuple, logits)),
        window=reranker.window,
        pairs_cut=reranker.truncated - cut,
        tokens_cut=reranker.tokens_lost - lost,
    )
