"""A user's own questions as training pairs: positives by relevant/evidence, negatives from their index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ragcli.errors import TrainingError
from ragcli.evaluation.questions import Question
from ragcli.evaluation.relevance import relevant_chunks
from ragcli.training.examples import Mined
from ragcli.training.mining import mine
from ragcli.training.pairs import Pair, hold_out
from ragcli.training.recipe import Recipe
from ragcli.types import Chunk

if TYPE_CHECKING:
    from ragcli.training.mining import Embed


def own_pairs(questions: Sequence[Question], chunks: Sequence[Chunk]) -> tuple[Pair, ...]:
    """One pair for each question and chunk that answers it; questions without one are left out.

    Raises TrainingError where no question names a chunk of the index.
    """
    by_id: Mapping[str, Chunk] = {chunk.id: chunk for chunk in chunks}
    pairs = tuple(
        Pair(question.text, by_id[found].text, by_id[found].location, question.id)
        for question in questions
        for found in sorted(relevant_chunks(question, chunks))
    )
    if not pairs:
        raise TrainingError(
            "none of the questions names a passage of the index",
            hint="Give each question 'relevant' (a path, see ragcli list) or 'evidence' (a verbatim phrase).",
        )
    return pairs


def mine_own(recipe: Recipe, pairs: Sequence[Pair], chunks: Sequence[Chunk], embed: Embed) -> Mined:
    """Examples of the questions that are trained on; the pool is the whole index."""
    kept, held = hold_out(pairs, recipe.held_out_questions, recipe.held_out_share, recipe.seed)
    pool = (*pairs, *(Pair("", chunk.text, chunk.location, "") for chunk in chunks))
    examples = mine(kept, pool, embed, recipe.negatives, recipe.loss.soft_weight, recipe.seed)
    return Mined(examples, {"your questions": (held, pool)})
