"""How near each question is to the headings above its candidates, by the bi-encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.encoders.prior import Prior
from ragcli.types import Candidate

if TYPE_CHECKING:
    from ragcli.encoders.bi_encoder import Vectors


def heading_similarities(
    embedder: BiEncoder, questions: Vectors, locations: Sequence[Sequence[str]]
) -> list[list[float | None]]:
    """The cosine of each question and each of its candidates' locations (`types.Chunk.location`); None where
    that is empty.

    `questions`: float32 (questions, dimension). Equal locations are embedded once.
    """
    texts = list(dict.fromkeys(location for row in locations for location in row if location))
    places = {text: place for place, text in enumerate(texts)}
    vectors = embedder.embed(texts)
    return [
        [float(vectors[places[location]] @ question) if location else None for location in row]
        for question, row in zip(questions, locations, strict=True)
    ]


def with_headings(
    candidates: Sequence[Candidate], question: Vectors, embedder: BiEncoder, prior: Prior
) -> tuple[Candidate, ...]:
    """The candidates of one question with their `heading_similarity`, if the prior has a use for it.

    `question`: float32 (dimension,).
    """
    if not prior.reads_headings:
        return tuple(candidates)
    locations = [candidate.chunk.location for candidate in candidates]
    (found,) = heading_similarities(embedder, question[None], [locations])
    return tuple(
        replace(candidate, heading_similarity=similarity)
        for candidate, similarity in zip(candidates, found, strict=True)
    )
