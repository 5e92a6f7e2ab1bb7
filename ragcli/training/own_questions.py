"""A user's own questions as training pairs: positives by relevant, evidence or a judge, negatives from their
index, those first that were judged not relevant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ragcli.errors import TrainingError
from ragcli.evaluation.judging import gains
from ragcli.evaluation.questions import Question
from ragcli.training.examples import Mined
from ragcli.training.mining import mine
from ragcli.training.pairs import Pair, hold_out
from ragcli.training.recipe import Recipe
from ragcli.types import Chunk

if TYPE_CHECKING:
    from ragcli.training.mining import Embed


def own_pairs(questions: Sequence[Question], chunks: Sequence[Chunk]) -> tuple[Pair, ...]:
    """One pair for each question and chunk that answers it, in part too; questions without one are left out.

    Raises TrainingError where no question names a chunk of the index.
    """
    by_id: Mapping[str, Chunk] = {chunk.id: chunk for chunk in chunks}
    pairs = tuple(pair for question in questions for pair in _pairs(question, gains(question, chunks), by_id))
    if not pairs:
        raise TrainingError(
            "none of the questions names a passage of the index",
            hint="Give each question 'relevant' (a path, see ragcli list) or 'evidence' (a verbatim phrase).",
        )
    return pairs


def _pairs(question: Question, gained: Mapping[str, float], chunks: Mapping[str, Chunk]) -> Iterator[Pair]:
    irrelevant = tuple(chunks[name].text for name, gain in gained.items() if gain <= 0)
    for name, gain in gained.items():
        if gain > 0:
            yield Pair(question.text, chunks[name].text, chunks[name].location, question.id, irrelevant)


def mine_own(recipe: Recipe, pairs: Sequence[Pair], chunks: Sequence[Chunk], embed: Embed) -> Mined:
    """Examples of the questions that are trained on; the pool is the whole index."""
    kept, held = hold_out(pairs, recipe.held_out_questions, recipe.held_out_share, recipe.seed)
    pool = (*pairs, *(Pair("", chunk.text, chunk.location, "") for chunk in chunks))
    examples = mine(kept, pool, embed, recipe.negatives, recipe.loss.soft_weight, recipe.seed)
    return Mined(examples, {"your questions": (held, pool)})
