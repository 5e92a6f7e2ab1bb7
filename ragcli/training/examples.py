"""From a recipe and a folder of training files to mined examples, kept in a cache keyed by what made them."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ragcli.errors import TrainingError
from ragcli.training.mining import Example, mine
from ragcli.training.pairs import Pair, draw_pairs, hold_out, read_pairs, titled
from ragcli.training.ranking import RankingTask, ranking_tasks
from ragcli.training.recipe import Recipe, TrainingSet
from ragcli.training.teaching import Teacher
from ragcli.whole_file import write_whole

if TYPE_CHECKING:
    from ragcli.training.mining import Embed


@dataclass(frozen=True, slots=True)
class Mined:
    """`held_out` maps a set's name to pairs that no step sees, and the pool of their candidates."""

    train: tuple[Example, ...]
    held_out: dict[str, tuple[tuple[Pair, ...], tuple[Pair, ...]]]


def set_name(wanted: TrainingSet) -> str:
    return Path(wanted.file).name.removesuffix(".gz").removesuffix(".jsonl")


def find_file(folders: Sequence[Path], name: str) -> Path:
    """Raises TrainingError also for a name that leads out of the folders: a recipe may come from anyone."""
    for folder in folders:
        path = folder / name
        if path.exists():
            if not path.resolve().is_relative_to(folder.resolve()):
                message = f"the recipe's file {name} leads out of {folder}"
                raise TrainingError(message, hint="Put the file into the folder that --data names.")
            return path
    looked = ", ".join(str(folder) for folder in folders)
    raise TrainingError(f"the recipe's file {name} is not in {looked}", hint="Name its folder with --data.")


def mine_recipe(
    recipe: Recipe,
    folders: Sequence[Path],
    embed: Embed,
    *,
    fingerprint: str,
    cache: Path,
    teacher: Teacher | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Mined:
    """All sets of the recipe, mined pool by pool. A mined set is kept in `cache` and reused when nothing
    changed. `teacher` is needed where a set is taught.
    """
    loaded = {wanted: read_pairs(find_file(folders, wanted.file), wanted) for wanted in recipe.sets}
    train: list[Example] = []
    held_out: dict[str, tuple[tuple[Pair, ...], tuple[Pair, ...]]] = {}
    for wanted, pairs in loaded.items():
        pool = tuple(
            pair
            for other, others in loaded.items()
            if other == wanted or (wanted.pool and other.pool == wanted.pool)
            for pair in others
        )
        drawn = draw_pairs(pairs, wanted.limit, recipe.seed)
        kept, held = hold_out(drawn, recipe.held_out_questions, recipe.held_out_share, recipe.seed)
        examples = _mine_cached(recipe, wanted, (*kept, *held), pool, embed, fingerprint, teacher, cache)
        held_questions = {(pair.question, pair.passage) for pair in held}
        own = [e for e in examples if (e.question, e.passages[0]) not in held_questions]
        held_out[set_name(wanted)] = (held, pool)
        train += own * wanted.repeat
        counts = f"{len(drawn)} of {len(pairs)} pairs, {len(own)} to train on, {len(held)} held out"
        report(f"{set_name(wanted)}: {counts}")
    return Mined(tuple(train), held_out)


def measuring_tasks(recipe: Recipe, mined: Mined, embed: Embed) -> dict[str, tuple[RankingTask, ...]]:
    """For each set, up to `recipe.measured_questions` held-out questions over candidates of their own pool.

    The pool is cut to `recipe.measured_passages`, drawn by the seed, the gold passages always among them.
    """
    tasks: dict[str, tuple[RankingTask, ...]] = {}
    for name, (held, pool) in mined.held_out.items():
        draw = random.Random(recipe.seed)
        pairs = draw.sample(held, min(recipe.measured_questions, len(held)))
        texts = list(dict.fromkeys(passage_text(pair) for pair in pool))
        chosen = draw.sample(texts, min(recipe.measured_passages, len(texts)))
        corpus = {text: text for text in (*(passage_text(pair) for pair in pairs), *chosen)}
        asked = {pair.question for pair in pairs}
        qrels: dict[str, dict[str, float]] = {}
        for pair in pool:
            if pair.question in asked and passage_text(pair) in corpus:
                qrels.setdefault(pair.question, {})[passage_text(pair)] = 1.0
        if pairs:
            tasks[name] = ranking_tasks(
                {question: question for question in qrels}, corpus, qrels, embed, recipe.measured_depth
            )
    return tasks


def passage_text(pair: Pair) -> str:
    return titled(pair.passage, pair.title)


def _mine_cached(
    recipe: Recipe,
    wanted: TrainingSet,
    pairs: Sequence[Pair],
    pool: Sequence[Pair],
    embed: Embed,
    fingerprint: str,
    teacher: Teacher | None,
    cache: Path,
) -> tuple[Example, ...]:
    teacher = teacher if wanted.taught else None
    soft_weight = recipe.loss.soft_weight if wanted.soft_weight is None else wanted.soft_weight
    key = hashlib.sha256(
        json.dumps(
            [
                fingerprint,
                [teacher.fingerprint, recipe.model.max_tokens] if teacher else [],
                recipe.seed,
                recipe.negatives.model_dump(),
                soft_weight,
                wanted.negatives_of_own_group,
                [asdict(pair) for pair in pairs],
                [asdict(pair) for pair in pool],
            ]
        ).encode()
    ).hexdigest()
    path = cache / f"{set_name(wanted)}-{key[:16]}.json"
    if path.exists():
        rows = json.loads(path.read_text(encoding="utf-8"))
        return tuple(
            Example(question, tuple(passages), tuple(titles), tuple(similarities), tuple(taught), weight)
            for question, passages, titles, similarities, taught, weight in rows
        )
    examples = mine(
        pairs,
        pool,
        embed,
        recipe.negatives,
        soft_weight,
        recipe.seed,
        own_group=wanted.negatives_of_own_group,
    )
    if teacher:
        examples = teacher.load()(examples)
    cache.mkdir(parents=True, exist_ok=True)
    rows = [[e.question, e.passages, e.titles, e.similarities, e.taught, e.soft_weight] for e in examples]
    write_whole(path, json.dumps(rows))
    return examples
