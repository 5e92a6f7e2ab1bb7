"""The training loop: seeded batches, checkpoints, resuming to the same result."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragcli.encoders.prior import Prior
from ragcli.errors import TrainingError
from ragcli.training.mining import Example
from ragcli.training.network import (
    WIDTHS,
    MasterWeights,
    encode_pairs,
    load_tokenizer,
    new_network,
    training_dtype,
)
from ragcli.training.objective import learning_rate, listwise_loss
from ragcli.training.pairs import titled
from ragcli.training.recipe import Recipe, decisive_keys, settled_steps

# Examples are shuffled, then sorted by length inside groups of this many batches: a batch holds texts of like
# length (less padding), and the order of lengths stays random.
SORTED_BATCHES = 8


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    step: int
    steps: int
    loss: float
    pairs_per_second: float
    seconds_left: float


def batches(examples: Sequence[Example], recipe: Recipe, epoch: int) -> list[list[Example]]:
    """One epoch, in an order that depends on the seed and the epoch's number alone."""
    shuffled = list(examples)
    random.Random(recipe.seed * 1000 + epoch).shuffle(shuffled)
    size = recipe.schedule.questions_per_step
    window = size * SORTED_BATCHES
    ordered: list[list[Example]] = []
    for start in range(0, len(shuffled) - size + 1, window):
        block = sorted(shuffled[start : start + window], key=lambda e: max(len(p) for p in e.passages))
        ordered += [block[i : i + size] for i in range(0, len(block) - size + 1, size)]
    random.Random(recipe.seed * 1000 + epoch + 500).shuffle(ordered)
    return ordered


def pair_texts(batch: Sequence[Example], recipe: Recipe, draw: random.Random) -> tuple[list[str], list[str]]:
    """Questions and passages of all pairs of a batch; a list's titles are shown together or not at all."""
    questions: list[str] = []
    passages: list[str] = []
    for example in batch:
        with_title = draw.random() < recipe.model.title_share
        hasty = draw.random() < recipe.model.lowercase_share
        question = example.question.rstrip("?").lower() if hasty else example.question
        for passage, title in zip(example.passages, example.titles, strict=True):
            questions.append(question)
            passages.append(titled(passage, title if with_title else ""))
    return questions, passages


def train(
    examples: Sequence[Example],
    recipe: Recipe,
    *,
    base: Path,
    checkpoint: Path,
    resume: bool,
    device: str = "cpu",
    compile_network: bool = False,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> tuple[Any, Any]:
    """(network, tokenizer) after `recipe.schedule.steps` steps; the network is float32, from the masters.

    A checkpoint holds masters, optimizer and step; batches and titles are drawn again from the seed and the
    step's number, so a resumed run sees what the uninterrupted one would have seen.
    """
    import torch

    recipe = settled_steps(recipe, len(examples))
    schedule = recipe.schedule
    steps = schedule.steps or 1
    if len(examples) < schedule.questions_per_step:
        raise TrainingError(
            f"{len(examples)} usable questions are fewer than one step of {schedule.questions_per_step}",
            hint="Add questions, or lower schedule.questions_per_step in the recipe.",
        )
    tokenizer = load_tokenizer(base)
    network = new_network(
        base, freeze_embeddings=recipe.model.freeze_embeddings, device=device, dtype=training_dtype(device)
    )
    masters = MasterWeights(network, schedule)
    first = _load_checkpoint(checkpoint, masters, recipe) if resume else 0
    forward = _compiled(network) if compile_network else network
    started = saved = time.monotonic()
    pairs_done = 0
    losses: list[float] = []
    per_epoch = len(batches(examples, recipe, 0))
    epoch_batches: tuple[int, list[list[Example]]] = (-1, [])
    for step in range(first, steps):
        epoch, position = divmod(step, per_epoch)
        if epoch_batches[0] != epoch:
            epoch_batches = (epoch, batches(examples, recipe, epoch))
        batch = epoch_batches[1][position]
        losses.append(_step(forward, tokenizer, masters, batch, recipe, step, device))
        pairs_done += sum(len(example.passages) for example in batch)
        now = time.monotonic()
        if progress and (step % 20 == 19 or step + 1 == steps):
            speed = pairs_done / (now - started)
            left = (now - started) / (step + 1 - first) * (steps - step - 1)
            progress(TrainingProgress(step + 1, steps, sum(losses) / len(losses), speed, left))
            losses.clear()
        if now - saved > schedule.checkpoint_minutes * 60:
            _save_checkpoint(checkpoint, masters, recipe, step + 1)
            saved = now
    _save_checkpoint(checkpoint, masters, recipe, steps)
    finished = new_network(
        base, freeze_embeddings=recipe.model.freeze_embeddings, device=device, dtype=torch.float32
    )
    masters.write_into(finished)
    return finished.eval(), tokenizer


def _compiled(network: Any) -> Any:
    """One graph for each width of `network.WIDTHS`, not one for all: a graph of any width is slower."""
    import torch

    torch._dynamo.config.recompile_limit = len(WIDTHS)
    return torch.compile(network, dynamic=False)


def _step(
    network: Any,
    tokenizer: Any,
    masters: MasterWeights,
    batch: Sequence[Example],
    recipe: Recipe,
    step: int,
    device: str,
) -> float:
    import torch

    questions, passages = pair_texts(batch, recipe, random.Random(f"{recipe.seed}:{step}"))
    encoded = encode_pairs(tokenizer, questions, passages, recipe.model.max_tokens)
    logits = network(**{key: value.to(device) for key, value in encoded.items()}).logits
    prior = Prior(recipe.prior_weight or 0.0, recipe.prior_words)
    loss = listwise_loss(
        logits.view(len(batch), -1),
        torch.tensor([example.similarities for example in batch], device=device),
        torch.tensor([example.taught for example in batch], device=device),
        torch.tensor([example.soft_weight for example in batch], device=device),
        torch.tensor([prior.weight_for(example.question) for example in batch], device=device),
        temperature=recipe.loss.temperature,
        prior_share=recipe.loss.prior_share,
    )
    loss.backward()
    schedule = recipe.schedule
    masters.step(
        learning_rate(step, schedule.steps or 1, schedule.learning_rate, schedule.warmup, schedule.decay)
    )
    return float(loss.detach())


def _save_checkpoint(path: Path, masters: MasterWeights, recipe: Recipe, step: int) -> None:
    """Written to another file and then renamed: a kill leaves the old checkpoint or the new one."""
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save({"step": step, "recipe": recipe.model_dump_json(), **masters.state()}, partial)
    partial.replace(path)


def _load_checkpoint(path: Path, masters: MasterWeights, recipe: Recipe) -> int:
    """The number of steps that are done. What could run code is refused by torch, and is an error here."""
    import pickle

    import torch

    if not path.exists():
        return 0
    try:
        saved = torch.load(path, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise TrainingError(
            f"the checkpoint {path} is damaged, or not one that ragcli wrote",
            hint="Train without --resume to start again.",
        ) from error
    if decisive_keys(Recipe.model_validate_json(saved["recipe"])) != decisive_keys(recipe):
        raise TrainingError(
            f"the checkpoint {path} belongs to another recipe", hint="Train without --resume to start again."
        )
    masters.load_state(saved)
    return int(saved["step"])
