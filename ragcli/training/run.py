"""One training run, from recipe to model folder: mine, train, measure on unseen questions, calibrate, write.

The shipped model and a user's own are made by this one function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragcli.errors import TrainingError
from ragcli.training.calibration import Bin, Calibration, fit_platt, probabilities, reliability
from ragcli.training.card import model_card
from ragcli.training.gain import Gain, measure_gain
from ragcli.training.mining import Example
from ragcli.training.model_folder import write_model
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
    """Raises TrainingError where the held-out questions show no gain and `force` is not set.

    The gain counts as shown when the lower end of its 95 % interval is above zero.
    """
    if not any(len(some) >= 2 for some in tasks.values()):
        raise TrainingError(
            "too few questions are left to measure the gain on",
            hint="Two at least must be held out: give more questions, or raise held_out_share in the recipe.",
        )
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

    def score(questions: Sequence[str], passages: Sequence[str]) -> list[float]:
        return score_pairs(network, tokenizer, questions, passages)

    tasks = {name: some for name, some in tasks.items() if some}
    rows = {name: score_tasks(some, score) for name, some in tasks.items()}
    gain = measure_gain(tasks, rows)
    calibration, bins = calibrate(tasks, rows)
    if gain.prior.low <= 0 and not force:
        raise TrainingError(
            f"no gain: nDCG@10 changes by {gain.prior.mean:+.4f} on {sum(row.questions for row in gain.sets)}"
            f" held-out questions (95 % interval {gain.prior.low:+.4f} to {gain.prior.high:+.4f})",
            hint="Nothing was written. Give more questions, or write it all the same with --force.",
        )
    sha256 = write_model(
        network,
        tokenizer,
        out,
        prior_weight=gain.prior_weight,
        calibration=calibration,
        max_tokens=512,
        card=model_card(recipe, gain, bins),
    )
    return TrainingReport(gain, calibration, bins, out, sha256)


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
    chances = probabilities(calibration, [logit for logits, _ in shown for logit in logits])
    return calibration, reliability(chances, [label for _, labels in shown for label in labels])


def _labelled(
    tasks: Sequence[RankingTask], rows: Sequence[Sequence[float]]
) -> tuple[list[float], list[bool]]:
    logits = [logit for row in rows for logit in row]
    return logits, [gain > 0 for task in tasks for gain in task.gains]
