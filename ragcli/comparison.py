"""What reranking changed, as data and as one sentence. Pure.

The sentence describes changes but does not judge them: without a gold answer nobody knows which arm is right.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ragcli.text.marks import without_marks
from ragcli.types import Answer, Candidate, Movement


def movements(
    base_order: Sequence[Candidate],
    reranked_order: Sequence[Candidate],
    *,
    in_prompt_before: Collection[str],
    in_prompt_after: Collection[str],
) -> tuple[Movement, ...]:
    """How every candidate moves from the base order to the reranked one, in reranked order.

    `in_prompt_before` and `in_prompt_after` are the chunk ids in each arm's prompt.
    """
    before = {candidate.chunk.id: rank for rank, candidate in enumerate(base_order, start=1)}
    return tuple(
        Movement(
            candidate=candidate,
            before=before[candidate.chunk.id],
            after=rank,
            in_prompt_before=candidate.chunk.id in in_prompt_before,
            in_prompt_after=candidate.chunk.id in in_prompt_after,
        )
        for rank, candidate in enumerate(reranked_order, start=1)
    )


def prompt_ids(candidates: Sequence[Candidate], answer: Answer | None, top_k: int) -> frozenset[str]:
    """The chunk ids in an arm's prompt; without an answer, the top k."""
    if answer is not None:
        return frozenset(passage.candidate.chunk.id for passage in answer.context.passages)
    return frozenset(candidate.chunk.id for candidate in candidates[:top_k])


def summarise(moves: Sequence[Movement], base: Answer | None, reranked: Answer | None) -> str:
    """One sentence on what reranking changed: the prompt, the first passage, the answers.

    `base` and `reranked` are None for a search: then the sentence is only about the top passages.
    """
    if not moves:
        return "There was nothing to rerank."
    clauses = [_about_passages(moves, base, reranked), _about_first(moves)]
    if base is not None and reranked is not None:
        clauses.append(_about_answers(base, reranked))
    *head, last = clauses
    return (
        f"Reranking {', '.join(head)}, and {last}."
        if len(clauses) > 2
        else f"Reranking {' and '.join(clauses)}."
    )


def _about_passages(moves: Sequence[Movement], base: Answer | None, reranked: Answer | None) -> str:
    place = "the prompt" if base is not None and reranked is not None else _top(moves)
    entered = sum(move.in_prompt_after and not move.in_prompt_before for move in moves)
    left = sum(move.in_prompt_before and not move.in_prompt_after for move in moves)
    before = sum(move.in_prompt_before for move in moves)
    if entered and entered == left:
        return f"replaced {entered} of the {_count(before)} in {place}"
    if entered and left:
        return f"brought {_count(entered)} into {place} and took {left} out"
    if entered:
        return f"brought {_count(entered)} into {place}"
    if left:
        return f"took {left} of the {_count(before)} out of {place}"
    return _about_same_passages(moves, base, reranked, place)


def _about_same_passages(
    moves: Sequence[Movement], base: Answer | None, reranked: Answer | None, place: str
) -> str:
    if base is not None and reranked is not None:
        if base.context.messages == reranked.context.messages:
            return "changed nothing in the prompt"
        if _texts(base) != _texts(reranked):
            return "kept the passages of the prompt but shows other parts of them"
        return "kept the passages of the prompt in another order"
    inside = [move.before for move in moves if move.in_prompt_after]
    if inside == sorted(inside):
        return f"changed nothing in {place}"
    return f"kept the passages of {place} in another order"


def _about_first(moves: Sequence[Movement]) -> str:
    first = moves[0]
    if first.before == 1:
        return "kept the same passage first"
    name = first.candidate.chunk.location or first.candidate.chunk.source
    return f'put "{name}" first (rank {first.before} before)'


def _about_answers(base: Answer, reranked: Answer) -> str:
    if base.abstained and reranked.abstained:
        return "neither order gives an answer"
    if base.abstained:
        return "only the reranked order gives an answer"
    if reranked.abstained:
        return "only the base order gives an answer"
    if _words(base.text) != _words(reranked.text):
        return "the answers differ"
    if _cited(base) != _cited(reranked):
        return "the answers have the same words but cite other passages"
    return "the answers are identical"


def _top(moves: Sequence[Movement]) -> str:
    return f"the top {max(1, sum(move.in_prompt_after for move in moves))}"


def _count(passages: int) -> str:
    return f"{passages} passage" if passages == 1 else f"{passages} passages"


def _texts(answer: Answer) -> dict[str, str]:
    return {passage.candidate.chunk.id: passage.text for passage in answer.context.passages}


def _words(text: str) -> list[str]:
    return without_marks(text).split()


def _cited(answer: Answer) -> frozenset[str]:
    return frozenset(citation.chunk_id for citation in answer.citations)
