"""What a model was trained on stays with it through all its stages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragcli.errors import ModelError
from ragcli.training.provenance import TrainingFile, trained_on
from ragcli.training.recipe import Recipe

RECIPE = Recipe.model_validate(
    {
        "name": "x",
        "sets": [
            {"file": "both.jsonl", "limit": 30, "origin": "here", "licence": "MIT"},
            {"file": "all-of-it.jsonl", "limit": 10},
            {"file": "own.jsonl"},
        ],
    }
)


def base(folder: Path, trained_on: object) -> Path:
    (folder / "ragcli.json").write_text(json.dumps({"trained_on": trained_on}), encoding="utf-8")
    return folder


def test_a_base_that_is_no_cross_encoder_of_ours_adds_nothing(tmp_path: Path) -> None:
    assert [file.file for file in trained_on(RECIPE, tmp_path)] == [s.file for s in RECIPE.sets]


def test_each_file_of_every_stage_stands_once_with_the_most_that_was_taken(tmp_path: Path) -> None:
    earlier = [
        {"file": "both.jsonl", "pairs": 50, "origin": "there", "licence": "MIT"},
        {"file": "all-of-it.jsonl", "pairs": 0, "origin": "", "licence": ""},
        {"file": "first.jsonl", "pairs": 7, "origin": "there", "licence": "CC BY 4.0"},
    ]
    assert trained_on(RECIPE, base(tmp_path, earlier)) == (
        TrainingFile("both.jsonl", 50, "here", "MIT"),
        TrainingFile("all-of-it.jsonl", 0, "", ""),
        TrainingFile("own.jsonl", 0, "", ""),
        TrainingFile("first.jsonl", 7, "there", "CC BY 4.0"),
    )


@pytest.mark.parametrize("wrong", ["text", [1], [{"file": "a"}]])
def test_a_base_that_says_something_else_is_one_error(tmp_path: Path, wrong: object) -> None:
    with pytest.raises(ModelError, match="trained_on is not a list of training files"):
        trained_on(RECIPE, base(tmp_path, wrong))
