"""One training run, from recipe to model folder: mine, train, measure on unseen questions, calibrate, write.

The shipped model and a user's own are made by this one function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragcli.encoders.calibration import Calibration
from ragcli.encoders.model_facts import FILE, read_score_settings
from ragcli.errors import TrainingError
from ragcli.training.calibration import Bin, fit_platt, reliability
from ragcli.training.card import model_card
from ragcli.training.gain import Gain, Start, measure_gain
from ragcli.training.mining import Example
from ragcli.training.model_folder import write_model
from ragcli.training.network import load_tokenizer, new_network, training_dtype
from ragcli.training.provenance import trained_on
from ragcli.training.ranking import RankingTask, score_tasks
from ragcli.training.recipe import Recipe
from ragcli.training.scoring import score_pairs
from ragcli.training.trainer import TrainingProgress, train


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """`folder` is None where the gain was too small and nothing was written."""

    gain: Gain
    calibration: Calibration
    reliability: tuple[Bin, ...]
    folder: Path | None
    sha256: str


def train_reranker(
    recipe: Recipe,
    examples: Sequence[Example],
    tasks: Mapping[str, Sequence[RankingTask]],
    *,
    base: Path,
    out: Path,
    work: Path,
    resume: bool = False,
    force: bool = False,
    device: str = "cpu",
    compile_network: bool = False,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> TrainingReport:
    """Raises TrainingError where the held-out questions show no gain (`Gain.is_shown`), but with `force`."""
    if not any(len(some) >= 2 for some in tasks.values()):
        raise TrainingError(
            "too few questions are left to measure the gain",
            hint="At least two must be held out: give more questions, or raise held_out_share in the recipe.",
        )
    tasks = {name: some for name, some in tasks.items() if some}
    start, files = score_start(base, tasks, device), trained_on(recipe, base)
    network, tokenizer = train(
        examples,
        recipe,
        base=base,
        checkpoint=work / "checkpoint.pt",
        resume=resume,
        device=device,
        compile_network=compile_network,
        progress=progress,
    )
    rows = _scored(deepcopy(network).to(training_dtype(device)), tokenizer, tasks)
    gain = measure_gain(tasks, rows, start, recipe.prior_weight, recipe.prior_words)
    if not gain.is_shown and not force:
        raise TrainingError(
            _no_gain(gain),
            hint="Nothing was written. Give more questions, or write it anyway with --force.",
        )
    calibration, bins = calibrate(tasks, rows)
    sha256 = write_model(
        network,
        tokenizer,
        out,
        prior=gain.chosen,
        calibration=calibration,
        max_tokens=512,
        trained_on=files,
        card=model_card(recipe, gain, bins, files),
    )
    return TrainingReport(gain, calibration, bins, out, sha256)


def score_start(base: Path, tasks: Mapping[str, Sequence[RankingTask]], device: str) -> Start | None:
    """What the base itself makes of the tasks, where it is a cross-encoder that ragcli trained."""
    if not (base / FILE).is_file():
        return None
    network = new_network(base, freeze_embeddings=True, device=device, dtype=training_dtype(device)).eval()
    rows = _scored(network, load_tokenizer(base), tasks)
    return Start(rows, read_score_settings(base).prior)


def _scored(
    network: Any, tokenizer: Any, tasks: Mapping[str, Sequence[RankingTask]]
) -> dict[str, list[list[float]]]:
    def score(questions: Sequence[str], passages: Sequence[str]) -> list[float]:
        return score_pairs(network, tokenizer, questions, passages)

    return {name: score_tasks(some, score) for name, some in tasks.items()}


def _no_gain(gain: Gain) -> str:
    questions = sum(row.questions for row in gain.sets)
    if gain.over_start is not None and gain.over_start.mean < 0:
        return (
            f"no gain: nDCG@10 changes by {gain.over_start.mean:+.4f} on {questions} held-out questions,"
            " against the cross-encoder that training started from"
        )
    return (
        f"no gain: nDCG@10 changes by {gain.prior.mean:+.4f} on {questions} held-out questions"
        f" (95 % interval {gain.prior.low:+.4f} to {gain.prior.high:+.4f}, p = {gain.prior.p_value:.3f})"
    )


def calibrate(
    tasks: Mapping[str, Sequence[RankingTask]], rows: Mapping[str, Sequence[Sequence[float]]]
) -> tuple[Calibration, tuple[Bin, ...]]:
    """Fitted on every other held-out question; the reliability bins are of the ones between."""
    fitted = [_labelled(tasks[name][0::2], rows[name][0::2]) for name in tasks]
    shown = [_labelled(tasks[name][1::2], rows[name][1::2]) for name in tasks]
    calibration = fit_platt(
        [logit for logits, _ in fitted for logit in logits],
        [label for _, labels in fitted for label in labels],
    )
    chances = [calibration.probability(logit) for logits, _ in shown for logit in logits]
    return calibration, reliability(chances, [label for _, labels in shown for label in labels])


def _labelled(
    tasks: Sequence[RankingTask], rows: Sequence[Sequence[float]]
) -> tuple[list[float], list[bool]]:
    logits = [logit for row in rows for logit in row]
    return logits, [gain > 0 for task in tasks for gain in task.gains]
