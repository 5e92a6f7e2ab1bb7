"""`search --explain`: every number of the ranking path, from the retrieval's ranks to the probability."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table
from rich.text import Text

from ragcli.encoders.prior import HEADINGS_MARGIN, Prior, word_count
from ragcli.reporting import plain_text as words
from ragcli.types import Candidate

# The width of the columns next to the passage.
NUMBERS_WIDTH = 48


def ranked_table() -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="heading", show_edge=False)
    table.add_column("#", justify="right", no_wrap=True)
    return table


def ranking_figure(candidates: Sequence[Candidate]) -> tuple[str, Callable[[Candidate], str]]:
    """The number that the shown order follows, and its name. The candidates are those of one arm."""
    if any(candidate.logit is not None for candidate in candidates):
        return "Score", lambda candidate: words.decimal(candidate.score)
    if any(candidate.fused is not None for candidate in candidates):
        return "Fused", lambda candidate: words.decimal(candidate.fused, 4)
    return "Similarity", lambda candidate: words.decimal(candidate.similarity)


def explain_table(candidates: Sequence[Candidate], width: int, *, base: bool = False) -> Table:
    """Every number of the ranking path: logit + prior (weight x similarity) = score, and what it means.

    `base`: the candidates are in base order, although they were also reranked.
    """
    table = ranked_table()
    table.add_column("Passage", ratio=1, overflow="fold")
    for name in ("After" if base else "Was", "Simil.", "Logit", "+ Prior", "= Score", "Prob."):
        table.add_column(name, justify="right", no_wrap=True)
    for candidate in candidates:
        scored = candidate.logit is not None and candidate.score is not None
        body = Text(words.chunk_title(candidate.chunk))
        body.append(f"\n{words.chunk_place(candidate.chunk, width - NUMBERS_WIDTH)}", style="quiet")
        if scored and _is_raised(candidate):
            body.append(f"\nheadings {words.decimal(candidate.heading_similarity, 3)}", style="quiet")
        if candidate.fused is not None:
            body.append(f"\n{_fusion(candidate)}", style="quiet")
        prior = (candidate.score or 0.0) - (candidate.logit or 0.0) if scored else None
        table.add_row(
            Text(str(candidate.base_rank if base else candidate.rank or candidate.base_rank), style="number"),
            body,
            str(candidate.rank if base else candidate.base_rank),
            words.decimal(candidate.similarity, 3),
            words.decimal(candidate.logit),
            words.decimal(prior),
            words.decimal(candidate.score),
            words.percent(candidate.probability),
        )
    return table


def prior_formula(prior: Prior, question: str, candidates: Sequence[Candidate]) -> str:
    """How the prior of these candidates is computed for this question."""
    formula = _weight_formula(prior, question)
    if not any(map(_is_raised, candidates)):
        return formula
    return (
        f"{formula} Headings that are more similar are shown: {prior.headings:g} × (their similarity −"
        f" similarity − {HEADINGS_MARGIN:g}) is added to the similarity (reranking.prior_headings)."
    )


def _is_raised(candidate: Candidate) -> bool:
    """Whether its headings add to the similarity."""
    heading = candidate.heading_similarity
    return heading is not None and heading > candidate.similarity + HEADINGS_MARGIN


def _weight_formula(prior: Prior, question: str) -> str:
    weight = prior.weight_for(question)
    whole = f"Prior is {weight:g} × similarity"
    if not prior.words:
        return f"{whole} (reranking.prior_weight)."
    if weight == prior.weight:
        limit = f"{prior.words} words (reranking.prior_words)"
        return f"{whole} (reranking.prior_weight), more for a question of over {limit}."
    length = words.count(word_count(question), "word")
    return (
        f"{whole}: reranking.prior_weight {prior.weight:g} × {length} / reranking.prior_words {prior.words}."
    )


def _fusion(candidate: Candidate) -> str:
    """ "0.0325: dense 3, BM25 1 (7.4)", short enough for 80 columns; a missing side is a dash."""
    dense = "–" if candidate.dense_rank is None else candidate.dense_rank
    lexical = "–" if candidate.lexical_rank is None else f"{candidate.lexical_rank} ({candidate.bm25:.1f})"
    return f"{candidate.fused:.4f}: dense {dense}, BM25 {lexical}"


def fusion_formula(rrf_k: float) -> str:
    """How the base order of hybrid retrieval is computed."""
    return (
        "Was is the rank by the fused score, shown below each passage with the ranks that it comes from"
        f" (and the BM25 score): 1 / ({rrf_k:g} + dense rank) + 1 / ({rrf_k:g} + BM25 rank)."
    )
