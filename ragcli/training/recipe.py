"""A training recipe: one TOML file that says everything a run depends on. An unknown key is an error."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from ragcli.config import Section
from ragcli.errors import ConfigError


class TrainingSet(Section):
    """One file of pairs. `pool` names the passages its negatives come from: sets of one pool share them."""

    file: str
    pool: str = Field(default="", description="Empty: a pool of its own.")
    limit: int = Field(
        default=0,
        ge=0,
        description="Most questions taken (0: all), drawn by the seed; negatives come from all passages.",
    )
    negatives_of_own_group: bool = Field(
        default=True,
        description="False: passages of the gold passage's own document are on its topic: not negatives.",
    )
    origin: str = Field(default="", description="Where it comes from; for the model card.")
    licence: str = Field(default="", description="What allows training on it; for the model card.")
    repeat: int = Field(default=1, ge=1, description="How often an epoch holds each question.")
    soft_weight: float | None = Field(default=None, ge=0, le=1, description="Overrides loss.soft_weight.")
    taught: bool = Field(default=False, description="The teacher gives the soft label, not the bi-encoder.")
    only_groups: str = Field(default="", description="Keep pairs whose group starts with this.")
    leave_out_groups: str = Field(
        default="", description="Leave out pairs whose group starts with this: kept for tests."
    )


class NegativesRecipe(Section):
    count: int = Field(default=3, ge=1, description="Negatives of each question.")
    depth: int = Field(default=50, ge=2, description="Nearest passages of the bi-encoder that are mined.")
    hard: int = Field(default=12, ge=1, description="Half of the negatives come from this many nearest.")
    margin: float = Field(
        default=0.08,
        description=(
            "A passage this much nearer to the question than the gold one may answer it too: left out."
        ),
    )


class LossRecipe(Section):
    soft_weight: float = Field(default=0.2, ge=0, le=1, description="Share of the soft label in the target.")
    temperature: float = Field(
        default=0.05, gt=0, description="Of the soft label: softmax(similarity / temperature)."
    )
    prior_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the loss that is taken on logit + prior x similarity.",
    )


class ScheduleRecipe(Section):
    steps: int | None = Field(default=None, ge=1, description="Unset: three passes over the questions.")
    questions_per_step: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=6e-5, gt=0)
    warmup: int = Field(default=100, ge=0, description="Steps of linear warm-up.")
    decay: float = Field(
        default=0.4, ge=0, le=1, description="Share of the steps, at the end, of linear decay to zero."
    )
    weight_decay: float = Field(default=0.01, ge=0)
    clip: float = Field(default=1.0, gt=0, description="Largest norm of the gradient.")
    checkpoint_minutes: float = Field(default=4.0, gt=0)


class ModelRecipe(Section):
    base: str = Field(default="all-MiniLM-L6-v2", description="Encoder that the cross-encoder starts from.")
    max_tokens: int = Field(
        default=192, ge=32, description="Longest pair in training; longer passages are cut."
    )
    title_share: float = Field(default=0.7, ge=0, le=1, description="Share of pairs that read the title too.")
    lowercase_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of questions stripped of their question mark (typed in haste).",
    )
    freeze_embeddings: bool = Field(
        default=True, description="Keep the word embeddings as the base has them."
    )


class Recipe(Section):
    name: str
    seed: int = 7
    teacher: str = Field(
        default="", description="Better bi-encoder for the soft labels of taught sets: a folder below --data."
    )
    teacher_weight: float | None = Field(
        default=None,
        ge=0,
        description=(
            "Set: the soft label is what the base ranks by, logit + prior x similarity, and this x the"
            " teacher's similarity. Unset: the teacher's similarity alone."
        ),
    )
    model: ModelRecipe = ModelRecipe()
    negatives: NegativesRecipe = NegativesRecipe()
    loss: LossRecipe = LossRecipe()
    schedule: ScheduleRecipe = ScheduleRecipe()
    held_out_questions: int = Field(
        default=60, ge=0, description="Of each set, whole groups, never trained on."
    )
    held_out_share: float = Field(default=0.1, ge=0, le=0.5, description="But at most this share of a set.")
    measured_questions: int = Field(
        default=30, ge=1, description="Held-out questions of a set that are measured."
    )
    measured_passages: int = Field(
        default=600, ge=10, description="Passages of a set that they are searched in."
    )
    measured_depth: int = Field(default=30, ge=2, description="Candidates of each that are reranked.")
    prior_weight: float | None = Field(
        default=None, ge=0, description="Of the bi-encoder's similarity. Unset: chosen on held-out questions."
    )
    prior_words: int = Field(
        default=20, ge=0, description="Questions of more words weigh it more, in proportion. 0: none does."
    )
    sets: tuple[TrainingSet, ...] = ()

    @model_validator(mode="after")
    def _prior_is_known_to_the_loss(self) -> Recipe:
        if self.loss.prior_share and self.prior_weight is None:
            raise ValueError("loss.prior_share needs prior_weight: it is the weight that the loss adds")
        return self

    @model_validator(mode="after")
    def _taught_sets_have_a_teacher(self) -> Recipe:
        if any(wanted.taught for wanted in self.sets) and not self.teacher:
            raise ValueError("a set is taught, and no teacher is named")
        if self.teacher_weight is not None and not all(wanted.taught for wanted in self.sets):
            raise ValueError(
                "teacher_weight needs taught = true for every set: loss.temperature cannot be both"
                " of logits and of similarities"
            )
        return self


def decisive_keys(recipe: Recipe) -> dict[str, Any]:
    """What a step's result depends on. A run may go on from a checkpoint whose recipe has the same."""
    unused = set() if recipe.loss.prior_share else {"prior_weight", "prior_words"}
    keys = recipe.model_dump(exclude={"name", *unused})
    for key in ("steps", "decay", "checkpoint_minutes"):
        del keys["schedule"][key]
    for key in [key for key in keys if key.startswith("measured_")]:
        del keys[key]
    keys["sets"] = [recipe_set.model_dump(exclude={"origin", "licence"}) for recipe_set in recipe.sets]
    return keys


def settled_steps(recipe: Recipe, examples: int) -> Recipe:
    """The recipe with its number of steps filled in."""
    schedule = recipe.schedule
    steps = schedule.steps or max(20, 3 * examples // schedule.questions_per_step)
    return recipe.model_copy(update={"schedule": schedule.model_copy(update={"steps": steps})})


def load_recipe(path: Path) -> Recipe:
    """Raises ConfigError with the key that is wrong."""
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"the recipe {path} cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the recipe {path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"the recipe {path}: {key}: {first['msg']}") from error
