"""Soft labels of a teacher. The embedded bi-encoder plays it: what it teaches is known from elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.errors import ConfigError, ModelError
from ragcli.models.locate import EMBEDDED_BI_ENCODER, bi_encoder_files
from ragcli.training.examples import mine_recipe
from ragcli.training.mining import Example
from ragcli.training.recipe import Recipe, load_recipe
from ragcli.training.teaching import Teacher, open_teacher, teach

FOLDER = Path(bi_encoder_files(EMBEDDED_BI_ENCODER).folder)
EXAMPLE = Example(
    "What does a python eat?",
    ("It squeezes mammals and birds.", "An interpreter reads it line by line.", "Sketches for television."),
    ("Snakes", "", "Comedy"),
    (0.3, 0.2, 0.1),
    (0.3, 0.2, 0.1),
    0.5,
)
# bfloat16, where the machine has it, keeps eight bits of each number.
ROUNDING = 0.01


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return open_teacher(FOLDER, max_tokens=64, device="cpu")


def test_a_list_is_taught_by_the_cosines_of_its_passages_with_their_titles(
    teacher: Teacher, embedder: BiEncoder
) -> None:
    (taught,) = teach([EXAMPLE], teacher.load())
    texts = ["Snakes: " + EXAMPLE.passages[0], EXAMPLE.passages[1], "Comedy: " + EXAMPLE.passages[2]]
    question, *rows = embedder.embed([EXAMPLE.question, *texts])
    assert taught.taught == pytest.approx([float(question @ row) for row in rows], abs=ROUNDING)
    assert replace(taught, taught=EXAMPLE.taught) == EXAMPLE


def test_it_reads_no_more_of_a_passage_than_the_student(teacher: Teacher) -> None:
    start = "word " * 64
    long = replace(EXAMPLE, passages=(start, start + "and pythons eat birds", start), titles=("", "", ""))
    (taught,) = teach([long], teacher.load())
    assert len(set(taught.taught)) == 1


def test_only_the_sets_that_say_so_are_taught_and_only_once(
    tmp_path: Path, teacher: Teacher, embedder: BiEncoder
) -> None:
    words = ("snake", "comedy", "engine", "river", "planet", "guitar")
    for name in ("taught", "plain"):
        rows = [{"q": f"What is a {word}?", "pos": f"A {word} {name}.", "group": word} for word in words]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = Recipe.model_validate(
        {
            "name": "x",
            "teacher": "t",
            "negatives": {"count": 2, "margin": 1.0},
            "sets": [{"file": "taught.jsonl", "taught": True}, {"file": "plain.jsonl"}],
        }
    )
    loads: list[int] = []
    backwards = Teacher("other", lambda: loads.append(1) or (lambda texts: -embedder.embed(texts[::-1])))

    def mined(by: Teacher) -> tuple[Example, ...]:
        found = mine_recipe(
            recipe,
            [tmp_path],
            embedder.embed,
            fingerprint=embedder.fingerprint,
            cache=tmp_path / "cache",
            teacher=by,
        )
        return found.train

    first = mined(backwards)
    assert len(first) == 12
    for example in first:
        assert (example.taught != example.similarities) == example.passages[0].endswith("taught.")
    assert mined(backwards) == first
    assert len(loads) == 1
    assert mined(teacher) != first


def test_a_taught_set_needs_a_teacher(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('name = "x"\n[[sets]]\nfile = "a"\ntaught = true\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="a set is taught, and no teacher is named"):
        load_recipe(path)


def test_a_folder_without_a_model_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        open_teacher(tmp_path, max_tokens=64, device="cpu")
