"""What a cross-encoder was trained on, in all its stages: for its card, and for what is trained from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ragcli.encoders.model_facts import FILE
from ragcli.errors import ModelError
from ragcli.models.locate import read_json
from ragcli.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class TrainingFile:
    """`pairs` is the most that were taken; 0: all."""

    file: str
    pairs: int
    origin: str
    licence: str


def trained_on(recipe: Recipe, base: Path) -> tuple[TrainingFile, ...]:
    """The recipe's files, then those of the base that it does not name, as the base's ragcli.json has them.

    Raises ModelError where that says something else.
    """
    own = [TrainingFile(wanted.file, wanted.limit, wanted.origin, wanted.licence) for wanted in recipe.sets]
    try:
        earlier = TypeAdapter(tuple[TrainingFile, ...]).validate_python(
            read_json(base / FILE).get("trained_on", [])
        )
    except ValidationError as error:
        raise ModelError(f"{base / FILE}: trained_on is not a list of training files") from error
    return _merged([*own, *earlier])


def _merged(files: Sequence[TrainingFile]) -> tuple[TrainingFile, ...]:
    """Each file once, with the most pairs that any stage took of it."""
    merged: dict[str, TrainingFile] = {}
    for file in files:
        first = merged.setdefault(file.file, file)
        pairs = max(first.pairs, file.pairs) if first.pairs and file.pairs else 0
        merged[file.file] = TrainingFile(first.file, pairs, first.origin, first.licence)
    return tuple(merged.values())
