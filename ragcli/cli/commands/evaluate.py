"""`ragcli eval`: what reranking contributes on one's own questions, and how two such runs differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ragcli.cli import options
from ragcli.cli.commands import evaluate_options as measuring
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.cli.verbosity import BI_ENCODER, CROSS_ENCODER, LLM, Telling
from ragcli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from ragcli.cli.environment import Environment
    from ragcli.config import Config, EmbeddingConfig, RerankingConfig
    from ragcli.evaluation.beir import JudgedCollection
    from ragcli.evaluation.gates import Threshold
    from ragcli.evaluation.records import RetrievalName, Run
    from ragcli.evaluation.results import Summary

RUN, DIFF = "run", "diff"


class DiffOrRun(TyperGroup):
    """`eval diff A B` is a command of its own; everything else is the evaluation."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args if args[:1] == [DIFF] else [RUN, *args])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return ("" if name == RUN else name), command, rest


app = typer.Typer(cls=DiffOrRun, add_completion=False)


@app.command(RUN)
@grouped
def run(
    ctx: typer.Context,
    *,
    questions: measuring.QuestionFile = None,
    beir: measuring.Beir = None,
    split: measuring.Split = "test",
    answers: measuring.Answers = False,
    depths: measuring.Depths = None,
    reranker: measuring.Rerankers = None,
    retrieval: measuring.Retrievals = None,
    embedder: measuring.Embedders = None,
    candidates: options.Candidates = None,
    report: measuring.Reports = None,
    fail_under: measuring.FailUnder = None,
    fail_if_worse: measuring.FailIfWorse = None,
    as_json: options.Json = False,
    telling: Telling,
    given: options.ConfigOptions,
) -> None:
    """Measure both orders over the same candidates. `ragcli eval diff A.json B.json` compares two runs."""
    if (questions is None) == (beir is None):
        raise UsageError("Give a question file, or --beir FOLDER.", hint="ragcli eval questions.jsonl")
    if beir is not None and answers:
        raise UsageError("--answers needs an index to answer from.", hint="Leave it out with --beir.")
    gates = _Gates.of(fail_under or [], fail_if_worse)
    overrides = {
        "retrieval.candidates": candidates,
        # An index keeps the bi-encoder that built it; a judged collection has none.
        "embedding.model": embedder[0] if beir is not None and embedder else None,
    }
    environment = environment_of(ctx)
    # Each method is read as the flag that it is: a mistyped one is told before the work begins.
    named: Sequence[str | None] = retrieval or (None,)
    every = [given.load(environment, overrides, {"retrieval.method": method}) for method in named]
    settings = every[0]
    plan = _Plan(
        settings,
        _depths(depths),
        tuple(dict.fromkeys(one.retrieval.method for one in every)),
        _rerankers(settings, reranker or []),
        _embedders(settings, embedder or []),
        answers,
        telling,
    )
    summary = _measured(environment, plan, questions, beir, split, report or [])
    _show(environment, summary, as_json)
    missed = gates.missed(summary)
    for line in missed:
        Screens(environment).err.print(f"failed: {line}", style="bad", soft_wrap=True)
    if missed:
        raise typer.Exit(ExitCode.FAILED)


@app.command(DIFF)
def diff(
    ctx: typer.Context,
    before: Annotated[Path, typer.Argument(metavar="A.json", help="Report of the first run.")],
    after: Annotated[Path, typer.Argument(metavar="B.json", help="Report of the second run.")],
    as_json: options.Json = False,
) -> None:
    """What changed from one run to another, on the questions that they share."""
    from ragcli.evaluation.diff import compare_runs
    from ragcli.evaluation.run_files import read_run

    screens = Screens(environment_of(ctx))
    found = compare_runs(read_run(before), read_run(after))
    if as_json:
        from ragcli.reporting import as_json_evaluation

        screens.print_document(as_json_evaluation.diff(found))
        return
    from ragcli.reporting.screens.evaluation import print_diff

    print_diff(screens.out, found)


@dataclass(frozen=True)
class _Plan:
    config: Config
    depths: tuple[int, ...]
    methods: tuple[RetrievalName, ...]
    rerankers: tuple[RerankingConfig, ...]
    embedders: tuple[EmbeddingConfig, ...]
    answers: bool
    telling: Telling


@dataclass(frozen=True)
class _Gates:
    """The conditions of a script. They are read before the work begins."""

    thresholds: tuple[Threshold, ...]
    baseline: Run | None

    @classmethod
    def of(cls, thresholds: Sequence[str], baseline: Path | None) -> _Gates:
        from ragcli.evaluation.gates import parse_threshold
        from ragcli.evaluation.run_files import read_run

        return cls(tuple(map(parse_threshold, thresholds)), read_run(baseline) if baseline else None)

    def missed(self, summary: Summary) -> tuple[str, ...]:
        from ragcli.evaluation import gates

        worse = gates.worse_than(self.baseline, summary.run) if self.baseline else ()
        return (*gates.missed(summary, self.thresholds), *worse)


def _measured(
    environment: Environment,
    plan: _Plan,
    questions: Path | None,
    beir: Path | None,
    split: str,
    reports: Sequence[Path],
) -> Summary:
    from ragcli.evaluation.summary import summarise
    from ragcli.reporting.files.report_files import check_reports, write_report
    from ragcli.reporting.screens.progress import StagesBar
    from ragcli.stopwatch import ProgressClock, Stopwatch

    check_reports(reports)
    screens = Screens(environment)
    _name_models(screens, plan)
    watch = Stopwatch()
    with StagesBar(screens.err, quiet=plan.telling.quiet) as bar:
        clock = ProgressClock(watch, bar, first="load")
        made = _over_index(plan, questions, clock) if questions else _over_beir(plan, beir, split, clock)
        clock.stop()
    plan.telling.stages(screens, watch.timings)
    summary = summarise(made)
    for path in reports:
        write_report(summary, path)
        if not plan.telling.quiet:
            screens.err.print(f"wrote {path}", style="quiet", soft_wrap=True)
    return summary


def _name_models(screens: Screens, plan: _Plan) -> None:
    for embedder in (plan.config.embedding, *plan.embedders):
        plan.telling.models(screens, plan.config.model_copy(update={"embedding": embedder}), BI_ENCODER)
    for reranker in plan.rerankers:
        plan.telling.models(screens, plan.config.model_copy(update={"reranking": reranker}), CROSS_ENCODER)
    if plan.answers:
        plan.telling.models(screens, plan.config, LLM)


def _over_index(plan: _Plan, path: Path, progress: Any) -> Run:
    from ragcli.evaluation.collect import evaluate_questions
    from ragcli.evaluation.questions import read_questions

    questions = read_questions(path)
    run = evaluate_questions(
        plan.config,
        questions,
        title=path.name,
        rerankers=plan.rerankers,
        depths=plan.depths,
        methods=plan.methods,
        answers=plan.answers,
        progress=progress,
    )
    if not plan.embedders:
        return run
    from ragcli.evaluation.embedders import collection_of_index

    return _beside(run, plan, collection_of_index(plan.config, questions, path.stem), progress)


def _over_beir(plan: _Plan, folder: Path | None, split: str, progress: Any) -> Run:
    from ragcli.evaluation.beir import read_beir
    from ragcli.evaluation.collect import evaluate_beir

    assert folder is not None
    collection = read_beir(folder, split)
    run = evaluate_beir(
        plan.config,
        collection,
        rerankers=plan.rerankers,
        depths=plan.depths,
        methods=plan.methods,
        progress=progress,
    )
    return _beside(run, plan, collection, progress)


def _beside(run: Run, plan: _Plan, collection: JudgedCollection, progress: Any) -> Run:
    from ragcli.evaluation.embedders import with_embedders

    return with_embedders(
        run,
        plan.config,
        collection,
        embedders=plan.embedders,
        rerankers=plan.rerankers,
        progress=progress,
    )


def _show(environment: Environment, summary: Summary, as_json: bool) -> None:
    screens = Screens(environment)
    if as_json:
        from ragcli.reporting import as_json_evaluation

        screens.print_document(as_json_evaluation.evaluation(summary))
        return
    from ragcli.reporting.screens.evaluation import print_summary

    print_summary(screens.out, summary)


def _rerankers(config: Config, names: Sequence[str]) -> tuple[RerankingConfig, ...]:
    """The configured one, or the ones named: each of those with its own prior, and run here."""
    if not names:
        return (config.reranking,)
    return tuple(
        config.reranking
        if name == config.reranking.model
        else config.reranking.model_copy(
            update={"model": name, "prior_weight": None, "prior_words": None, "url": ""}
        )
        for name in dict.fromkeys(names)
    )


def _embedders(config: Config, names: Sequence[str]) -> tuple[EmbeddingConfig, ...]:
    """Those that are measured beside the first one; they run here."""
    return tuple(
        config.embedding.model_copy(update={"model": name, "url": ""})
        for name in dict.fromkeys(names)
        if name != config.embedding.model
    )


def _depths(text: str | None) -> tuple[int, ...]:
    """ "5,10,20" -> (5, 10, 20). Raises UsageError."""
    if text is None:
        return ()
    try:
        depths = tuple(int(part) for part in text.split(","))
    except ValueError:
        depths = (0,)
    if any(depth < 1 for depth in depths):
        raise UsageError(
            f"--depths {text} is not a list of numbers.", hint="For instance: --depths 5,10,20,50"
        )
    return tuple(sorted(set(depths)))
