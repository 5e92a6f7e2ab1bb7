"""Hand-made records: small, complete, and the same each time."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

from ragcli.comparison import movements, prompt_ids, summarise
from ragcli.encoders.occlusion import Occlusion, Reading, WordChange
from ragcli.encoders.prior import Prior
from ragcli.retrieval.fusion import fuse
from ragcli.types import (
    Answer,
    Candidate,
    Chunk,
    Citation,
    Comparison,
    Context,
    FileReport,
    IngestReport,
    Message,
    Passage,
    SearchResult,
    SourceInfo,
    Timing,
    Usage,
)

QUESTION = "How long does Mercury take to orbit the Sun?"
PRIOR = Prior(2.0, words=20, headings=0.4)
ESCAPE = "\x1b[31mred\x1b[0m \x1b]0;title\x07[bold]markup[/bold] :smile: \u202egnp.exe\x00"


class Encoder(NamedTuple):
    """A bi-encoder, as far as an index knows the one that built it."""

    name: str
    fingerprint: str
    dimension: int


def chunk(
    number: int, source: str, title: str, headings: tuple[str, ...], text: str, page: int | None = None
) -> Chunk:
    return Chunk(
        id=f"{number:032x}",
        source=source,
        index=number,
        title=title,
        headings=headings,
        text=text,
        start=0,
        end=len(text),
        line_start=10 * number,
        line_end=10 * number + 6,
        page_start=page,
        page_end=page,
        tokens=len(text.split()),
    )


CHUNKS = (
    chunk(
        1,
        "corpora/homonyms/mercury-god.md",
        "Mercury (god)",
        ("Worship", "Festivals"),
        "Mercury was the Roman god of merchants, and his festival, the Mercuralia, fell on the Ides of May, "
        "when merchants sprinkled their heads, ships and wares with water from his well at the Porta Capena.",
    ),
    chunk(
        2,
        "corpora/homonyms/mercury-element.md",
        "Mercury (element)",
        ("Uses",),
        "Mercury is liquid at room temperature and was long used in thermometers and barometers.",
    ),
    chunk(
        3,
        "corpora/homonyms/mercury-planet.md",
        "Mercury (planet)",
        ("Orbit and rotation",),
        "The planet is the closest to the Sun. Mercury completes one orbit around the Sun every 88 days, the "
        "shortest year of any planet, and turns three times on its axis for every two orbits.",
    ),
    chunk(
        4,
        "reports/annual report 2024.pdf",
        "Annual report",
        (),
        "The observatory's programme follows the inner planets through a whole year.",
        page=3,
    ),
)
LOGITS = (-4.21, -6.9, 7.43, 0.82)


def base_candidates() -> tuple[Candidate, ...]:
    similarities = (0.6312, 0.6044, 0.5871, 0.3105)
    return tuple(
        Candidate(item, similarity, rank)
        for rank, (item, similarity) in enumerate(zip(CHUNKS, similarities, strict=True), start=1)
    )


def reranked_candidates(prior_weight: float = PRIOR.weight) -> tuple[Candidate, ...]:
    probabilities = (0.021, 0.0012, 0.9981, 0.47)
    scored = [
        replace(c, logit=logit, score=logit + prior_weight * c.similarity, probability=probability)
        for c, logit, probability in zip(base_candidates(), LOGITS, probabilities, strict=True)
    ]
    scored.sort(key=lambda c: -(c.score or 0.0))
    return tuple(replace(c, rank=rank) for rank, c in enumerate(scored, start=1))


def context(candidates: tuple[Candidate, ...]) -> Context:
    passages = tuple(Passage(n, c, c.chunk.text, c.chunk.tokens) for n, c in enumerate(candidates, start=1))
    listed = "\n".join(f"[{p.number}] {p.text}" for p in passages)
    messages = (
        Message("system", "Answer from the passages."),
        Message("user", f"{listed}\n\nQuestion: {QUESTION}"),
    )
    return Context(passages, messages, tokens=212, budget=1792)


def citation(number: int, candidate: Candidate) -> Citation:
    item = candidate.chunk
    return Citation(
        number=number,
        source=item.source,
        location=item.location,
        line_start=item.line_start,
        line_end=item.line_end,
        page_start=item.page_start,
        page_end=item.page_end,
        chunk_id=item.id,
        quote=item.text[:40],
        attributed=True,
    )


def answer(
    text: str, candidates: tuple[Candidate, ...], *, reranked: bool, cited: tuple[int, ...] = (1,)
) -> Answer:
    packed = context(candidates[:2])
    return Answer(
        question=QUESTION,
        text=text,
        abstained=not cited,
        citations=tuple(citation(number, candidates[number - 1]) for number in cited),
        unknown_citations=(),
        context=packed,
        candidates=candidates,
        reranked=reranked,
        model="SmolLM2-135M-Instruct",
        usage=Usage(212, 18),
        timings=(Timing("pack", 0.0042), Timing("generate", 1.234)),
    )


def reranked_answer() -> Answer:
    text = "Mercury completes one orbit around the Sun every 88 days, the shortest year of any planet. [1]"
    return answer(text, reranked_candidates(), reranked=True, cited=(1, 2))


def comparison(*, answers: bool = True) -> Comparison:
    base_order, reranked_order = base_candidates(), reranked_candidates()
    base = (
        answer("The festival was held on the Ides of May. [1]", base_order, reranked=False)
        if answers
        else None
    )
    reranked = reranked_answer() if answers else None
    moves = movements(
        base_order,
        reranked_order,
        in_prompt_before=prompt_ids(base_order, base, 2),
        in_prompt_after=prompt_ids(reranked_order, reranked, 2),
    )
    return Comparison(
        question=QUESTION,
        base_order=base_order,
        reranked_order=reranked_order,
        movements=moves,
        base=base,
        reranked=reranked,
        summary=summarise(moves, base, reranked),
        timings=(Timing("embed", 0.031), Timing("retrieve", 0.012), Timing("rerank", 0.84)),
    )


def search_result() -> SearchResult:
    return SearchResult(
        QUESTION,
        reranked_candidates(),
        True,
        (Timing("embed", 0.031), Timing("rerank", 0.84)),
        prior=PRIOR,
    )


def search_with_near_headings() -> SearchResult:
    """2 x 0.4 x (0.75 - 0.5871 - 0.05) is added to the score of the first: its headings are nearer."""
    found = search_result()
    first, *rest = found.candidates
    score = (first.score or 0.0) + 2 * 0.4 * (0.75 - first.similarity - 0.05)
    raised = replace(first, heading_similarity=0.75, score=score)
    return replace(found, candidates=(raised, *rest))


def hybrid_candidates() -> tuple[Candidate, ...]:
    """The planet is first by its words and third by its vector; the last one was found only by its words."""
    dense = base_candidates()[:3]
    lexical = [
        replace(candidate, lexical_rank=rank, bm25=score)
        for rank, (candidate, score) in enumerate(
            ((base_candidates()[2], 11.28), (base_candidates()[0], 7.04), (base_candidates()[3], 2.5)),
            start=1,
        )
    ]
    return fuse(dense, lexical, k=60, n=50)


def hybrid_search_result(*, reranked: bool = True) -> SearchResult:
    if not reranked:
        return SearchResult(QUESTION, hybrid_candidates(), reranked=False)
    traces = {candidate.chunk.id: candidate for candidate in hybrid_candidates()}
    trace = ("base_rank", "dense_rank", "lexical_rank", "bm25", "fused")
    candidates = tuple(
        replace(c, **{name: getattr(traces[c.chunk.id], name) for name in trace})
        for c in reranked_candidates()
    )
    return SearchResult(QUESTION, candidates, reranked=True, prior=PRIOR)


def ingest_report(*, dry_run: bool = False) -> IngestReport:
    files = (
        FileReport("notes/mercury.md", "added", 12),
        FileReport("notes/venus.md", "replaced", 3),
        FileReport("notes/earth.md", "unchanged", 8),
        FileReport("notes/pluto.md", "removed", 4),
        FileReport("notes/scan.pdf", "skipped", 0, "a scan: its pages hold no text"),
    )
    return IngestReport(files, chunks_written=15, chunks_removed=7, seconds=0.42, dry_run=dry_run)


def sources() -> tuple[SourceInfo, ...]:
    return (
        SourceInfo(
            "notes/mercury.md", "Mercury (planet)", "markdown", 12, "a" * 64, "2026-03-01T10:20:30+00:00"
        ),
        SourceInfo("notes/handbook.pdf", "Handbook", "pdf", 1204, "b" * 64, "2026-03-02T11:00:00+00:00"),
    )


def occlusion() -> Occlusion:
    """Both readings of the first reranked passage, with changes that are made up."""
    passage = reranked_candidates()[0].chunk.passage

    def reading(score: float, weight: float) -> Reading:
        def changes(text: str) -> tuple[WordChange, ...]:
            spans = [match.span() for match in re.finditer(r"\w+", text)]
            return tuple(WordChange(*span, weight * ((n * 7) % 11 - 4)) for n, span in enumerate(spans))

        return Reading(score, changes(QUESTION), changes(passage))

    return Occlusion(QUESTION, passage, reading(4.2, 0.31), reading(0.61, 0.0213))
