"""`ragcli train`: fine-tune a cross-encoder, from a recipe or on one's own questions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragcli.cli import options
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.cli.verbosity import BI_ENCODER, Telling
from ragcli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ragcli.config import Config
    from ragcli.encoders.bi_encoder import BiEncoder
    from ragcli.training.examples import Mined
    from ragcli.training.recipe import Recipe
    from ragcli.training.teaching import Teacher

Questions = Annotated[
    Path | None,
    typer.Option("--questions", help="Your questions, with relevant, evidence or judged.", metavar="FILE"),
]
RecipeFile = Annotated[Path | None, typer.Option("--recipe", help="What to train, and how.", metavar="FILE")]
Data = Annotated[
    list[Path] | None,
    typer.Option("--data", help="Folder of the recipe's files; repeatable.", metavar="FOLDER"),
]
Out = Annotated[Path, typer.Option("--out", help="Folder of the new model.", metavar="FOLDER")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")]
Force = Annotated[bool, typer.Option("--force", help="Write the model even if it brings no gain.")]
Compile = Annotated[
    bool, typer.Option("--compile", help="Compile the network first: pays off from an hour of training on.")
]


@grouped
def train(
    ctx: typer.Context,
    *,
    questions: Questions = None,
    recipe: RecipeFile = None,
    data: Data = None,
    out: Out = Path("reranker"),
    resume: Resume = False,
    force: Force = False,
    compile_network: Compile = False,
    as_json: options.Json = False,
    telling: Telling,
    given: options.ConfigOptions,
) -> None:
    """Fine-tune a cross-encoder. It is written only if it gains on questions that it was not trained on."""
    if questions is None and recipe is None:
        raise UsageError("Nothing to train on.", hint=_SOURCES)
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens import training
    from ragcli.stopwatch import Stopwatch
    from ragcli.training.examples import measuring_tasks
    from ragcli.training.model_folder import check_replaceable
    from ragcli.training.recipe import settled_steps
    from ragcli.training.run import train_reranker

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = given.load(environment)
    chosen = _recipe(recipe)
    _check_one_source(chosen, questions, data)
    check_replaceable(out)
    base = _base(chosen)
    telling.models(screens, settings, BI_ENCODER)
    watch = Stopwatch()
    with watch.stage("load", (BI_ENCODER,)):
        embedder = _embedder(settings)
    work = out.with_name(out.name + ".work")
    with training.progress(screens.err, quiet=telling.quiet) as bar:
        with watch.stage("mine"):
            mined = _mined(chosen, questions, data or [], settings, embedder, work, bar.say)
            tasks = measuring_tasks(chosen, mined, embedder.embed)
        with watch.stage("train and measure"):
            report = train_reranker(
                settled_steps(chosen, len(mined.train)),
                mined.train,
                tasks,
                base=base,
                out=out,
                work=work,
                resume=resume,
                force=force,
                compile_network=compile_network,
                device=_device(),
                progress=bar.step,
            )
    telling.stages(screens, watch.timings)
    if as_json:
        screens.print_document(json.document("train", {**asdict(report), "folder": str(out)}))
    else:
        training.print_report(screens.out, report)


_SOURCES = "Give --questions FILE, or --recipe FILE --data FOLDER with a recipe that names its files."


def _check_one_source(recipe: Recipe, questions: Path | None, data: list[Path] | None) -> None:
    """Questions come from --questions, or from the files that the recipe names: one of the two."""
    if questions is None and not recipe.sets:
        raise UsageError("The recipe names no training files.", hint=_SOURCES)
    if questions is None and not data:
        raise UsageError("The recipe names training files, but --data is missing.", hint=_SOURCES)
    if questions is not None and (recipe.sets or data):
        raise UsageError("Two sources of questions: --questions, and training files.", hint=_SOURCES)


def _recipe(path: Path | None) -> Recipe:
    from importlib.resources import as_file, files

    from ragcli.training.recipe import load_recipe

    if path is not None:
        return load_recipe(path)
    with as_file(files("ragcli.training") / "own.toml") as own:
        return load_recipe(own)


def _embedder(settings: Config) -> BiEncoder:
    from ragcli.encoders.bi_encoder import load_bi_encoder

    return load_bi_encoder(settings.embedding, bulk=True)


def _mined(
    recipe: Recipe,
    questions: Path | None,
    folders: list[Path],
    settings: Config,
    embedder: BiEncoder,
    work: Path,
    report: Callable[[str], None],
) -> Mined:
    from ragcli import store
    from ragcli.evaluation.questions import read_questions
    from ragcli.training.examples import mine_recipe
    from ragcli.training.own_questions import mine_own, own_pairs

    if questions is None:
        return mine_recipe(
            recipe,
            folders,
            embedder.embed,
            fingerprint=embedder.fingerprint,
            cache=work / "mined",
            teacher=_teacher(recipe, folders),
            report=report,
        )
    asked = read_questions(questions)
    with store.open_store(settings, embedder, create=False) as index:
        chunks = store.all_chunks(index)
    pairs = own_pairs(asked, chunks)
    report(f"{len({pair.question for pair in pairs})} of {len(asked)} questions name a passage of the index")
    return mine_own(recipe, pairs, chunks, embedder.embed)


def _base(recipe: Recipe) -> Path:
    from ragcli.models.locate import SHIPPED_CROSS_ENCODER, bi_encoder_files, cross_encoder_files

    if recipe.model.base == SHIPPED_CROSS_ENCODER:
        return Path(cross_encoder_files(recipe.model.base).folder)
    return Path(bi_encoder_files(recipe.model.base).folder)


def _teacher(recipe: Recipe, folders: list[Path]) -> Teacher | None:
    from ragcli.training.examples import find_file
    from ragcli.training.teaching import recipe_teacher

    if not recipe.teacher:
        return None
    return recipe_teacher(recipe, find_file(folders, recipe.teacher), _base(recipe), _device())


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
