"""Soft labels of a teacher. The embedded bi-encoder plays it: what it teaches is known from elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.encoders.prior import Prior
from ragcli.encoders.reranking import CrossEncoderReranker
from ragcli.errors import ConfigError, ModelError, TrainingError
from ragcli.models.locate import (
    EMBEDDED_BI_ENCODER,
    SHIPPED_CROSS_ENCODER,
    bi_encoder_files,
    cross_encoder_files,
)
from ragcli.training.examples import mine_recipe
from ragcli.training.mining import Example
from ragcli.training.recipe import Recipe, load_recipe
from ragcli.training.teaching import Teacher, added_to_order, by_cosines, open_teacher, read_texts

FOLDER = Path(bi_encoder_files(EMBEDDED_BI_ENCODER).folder)
SHIPPED = Path(cross_encoder_files(SHIPPED_CROSS_ENCODER).folder)
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
    (taught,) = teacher.load()([EXAMPLE])
    texts = ["Snakes: " + EXAMPLE.passages[0], EXAMPLE.passages[1], "Comedy: " + EXAMPLE.passages[2]]
    question, *rows = embedder.embed([EXAMPLE.question, *texts])
    assert taught.taught == pytest.approx([float(question @ row) for row in rows], abs=ROUNDING)
    assert replace(taught, taught=EXAMPLE.taught) == EXAMPLE


def test_it_reads_no_more_of_a_passage_than_the_student(teacher: Teacher) -> None:
    start = "word " * 64
    long = replace(EXAMPLE, passages=(start, start + "and pythons eat birds", start), titles=("", "", ""))
    (taught,) = teacher.load()([long])
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

    def backwards(examples: Sequence[Example]) -> tuple[Example, ...]:
        return by_cosines(examples, lambda texts: -embedder.embed(texts[::-1]))

    other = Teacher("other", lambda: loads.append(1) or backwards)

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

    first = mined(other)
    assert len(first) == 12
    for example in first:
        assert (example.taught != example.similarities) == example.passages[0].endswith("taught.")
    assert mined(other) == first
    assert len(loads) == 1
    assert mined(teacher) != first


def test_with_a_weight_the_teacher_is_added_to_what_the_base_ranks_by(
    teacher: Teacher, reranker: CrossEncoderReranker
) -> None:
    two = (EXAMPLE, replace(EXAMPLE, question="Who sketches " + "very " * 30 + "well?"))
    prior = Prior(10.0, words=20)
    both = added_to_order(teacher, SHIPPED, 16.0, prior, "cpu").load()(two)
    cosines = teacher.load()(two)
    rows = reranker.logits_of_lists([(example.question, read_texts(example)) for example in two])
    for example, cosine, logits in zip(both, cosines, rows, strict=True):
        near = prior.weight_for(example.question)
        assert example.taught == pytest.approx(
            [
                logit + near * similarity + 16.0 * taught
                for logit, similarity, taught in zip(logits, example.similarities, cosine.taught, strict=True)
            ],
            abs=10 * ROUNDING,
        )


def test_another_weight_prior_or_base_is_another_teacher(teacher: Teacher, tmp_path: Path) -> None:
    other = shutil.copytree(SHIPPED, tmp_path / "other")
    (other / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes()[:-2] + b"00")
    variants = [
        (SHIPPED, 16.0, Prior(12.0)),
        (SHIPPED, 8.0, Prior(12.0)),
        (SHIPPED, 16.0, Prior(12.0, 20)),
        (other, 16.0, Prior(12.0)),
    ]
    names = {
        added_to_order(teacher, base, weight, prior, "cpu").fingerprint for base, weight, prior in variants
    }
    assert len(names | {teacher.fingerprint}) == 5


def test_a_base_that_does_not_rank_has_nothing_to_add_to(teacher: Teacher) -> None:
    with pytest.raises(TrainingError, match="does not rank yet"):
        added_to_order(teacher, FOLDER, 16.0, Prior(), "cpu")


def test_a_weight_needs_every_set_taught(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    sets = '[[sets]]\nfile = "a"\ntaught = true\n[[sets]]\nfile = "b"\n'
    path.write_text(f'name = "x"\nteacher = "t"\nteacher_weight = 16\n{sets}', encoding="utf-8")
    with pytest.raises(ConfigError, match="teacher_weight needs taught = true for every set"):
        load_recipe(path)


def test_a_taught_set_needs_a_teacher(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('name = "x"\n[[sets]]\nfile = "a"\ntaught = true\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="a set is taught, and no teacher is named"):
        load_recipe(path)


def test_a_folder_without_a_model_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        open_teacher(tmp_path, max_tokens=64, device="cpu")
