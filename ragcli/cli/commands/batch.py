"""`ragcli batch`: a file of questions becomes a file of answers, one line of JSON each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragcli.cli import options
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.cli.verbosity import BI_ENCODER, CROSS_ENCODER, LLM, Telling
from ragcli.errors import ExitCode, RagcliError, UsageError

if TYPE_CHECKING:
    from ragcli.batch.outcome import Counts, Models
    from ragcli.cli.environment import Environment
    from ragcli.config import Config
    from ragcli.evaluation.questions import Question
    from ragcli.pipeline import Pipeline
    from ragcli.types import Filters

STANDARD = Path("-")

QuestionFile = Annotated[
    Path,
    typer.Argument(metavar="QUESTIONS", help="Question file, or - for standard input.", show_default=False),
]
Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Results, a line each; run again to go on. - is stdout.",
        rich_help_panel=options.OUTPUT,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Start the results file again.", rich_help_panel=options.OUTPUT),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        min=1,
        metavar="N",
        help="Requests sent to the LLM at the same time.",
        rich_help_panel=options.LLM,
    ),
]


@grouped
def batch(
    ctx: typer.Context,
    questions: QuestionFile,
    *,
    output: Output = STANDARD,
    overwrite: Overwrite = False,
    compare: options.Compare = False,
    ranking: options.RankingOptions,
    which: options.FilterOptions,
    jobs: Jobs = 1,
    llm: options.LLMOptions,
    as_json: options.Json = False,
    telling: Telling,
    given: options.ConfigOptions,
    serving: options.ServeOptions,
) -> None:
    """Answer every question of a file. A second run with the same results file goes on where it stopped."""
    if as_json and output == STANDARD:
        raise UsageError(
            "The answers are on stdout: lines of JSON.", hint="With --json, name an --output FILE."
        )
    environment = environment_of(ctx)
    settings = given.load(
        environment, ranking.overrides(compare=compare), llm.overrides(), serving.overrides()
    )
    filters = which.filters()
    asked = _read(environment, questions)
    plan = _Plan(settings, filters, compare, _jobs(environment, settings, jobs, telling.quiet), telling)
    try:
        counts = _run(environment, plan, asked, output, overwrite)
    except KeyboardInterrupt:
        if output != STANDARD:
            Screens(environment).err.print(
                f"{output} holds what is done; the same command goes on from there.", soft_wrap=True
            )
        raise
    if as_json:
        _print_counts(environment, counts, output)
    else:
        _tell(environment, counts, telling.quiet)
    if counts.failed:
        raise typer.Exit(ExitCode.FAILED)


@dataclass(frozen=True)
class _Plan:
    config: Config
    filters: Filters
    compare: bool
    jobs: int
    telling: Telling


def _read(environment: Environment, path: Path) -> tuple[Question, ...]:
    from ragcli.evaluation.questions import parse_questions, read_questions

    if path != STANDARD:
        return read_questions(path)
    # As bytes where there are some: the terminal's encoding is not always that of what is piped in.
    stdin = getattr(environment.stdin, "buffer", environment.stdin)
    return parse_questions(stdin.read())


def _jobs(environment: Environment, config: Config, jobs: int, quiet: bool) -> int:
    """The local LLM answers one request at a time: more of them only wait."""
    if not config.llm.embedded or jobs == 1:
        return jobs
    if not quiet:
        Screens(environment).err.print("note: the local LLM answers one request at a time.", style="warning")
    return 1


def _run(
    environment: Environment, plan: _Plan, questions: Sequence[Question], output: Path, overwrite: bool
) -> Counts:
    from ragcli import store
    from ragcli.batch.fingerprint import fingerprint
    from ragcli.batch.gold import Gold, names_any
    from ragcli.batch.outcome import Counts
    from ragcli.batch.results_file import ResultsFile
    from ragcli.batch.runner import run
    from ragcli.config.loading import repeatable
    from ragcli.reporting.as_json_batch import line
    from ragcli.reporting.screens.progress import StagesBar
    from ragcli.reporting.screens.terminal import print_not_sent
    from ragcli.servers.retrying import Backoff
    from ragcli.serving.client import open_pipeline
    from ragcli.stopwatch import Stopwatch

    store.check(plan.config)
    mark = fingerprint(plan.config, compare=plan.compare, filters=plan.filters)
    screens = Screens(environment)
    plan.telling.models(screens, plan.config, BI_ENCODER, *([CROSS_ENCODER] if _reranks(plan) else []), LLM)
    watch = Stopwatch()
    answered = failed = 0
    told: tuple[str, ...] = ()
    with ExitStack() as stack:
        done: frozenset[str] = frozenset()
        write: Callable[[str, str], None] = partial(_print, environment)
        if output != STANDARD:
            file = stack.enter_context(ResultsFile(output, questions, mark, overwrite=overwrite))
            done, write = file.done, file.write
        left = [question for question in questions if question.id not in done]
        if not left:
            return Counts(0, len(done), 0)
        pipeline = stack.enter_context(open_pipeline(plan.config))
        # What is missing for all questions is said once, and before the file is touched.
        pipeline.check(left[0].text, reranker=_reranks(plan), answers=True)
        gold = Gold(left, pipeline.chunks() if names_any(left) else ())
        settings = repeatable(plan.config)
        bar = stack.enter_context(StagesBar(screens.err, quiet=plan.telling.quiet))
        outcomes = stack.enter_context(
            closing(
                run(
                    left,
                    lambda question: pipeline.prepare(
                        question.text, compare=plan.compare, filters=plan.filters
                    ),
                    pipeline,
                    jobs=plan.jobs,
                    backoff=Backoff(),
                )
            )
        )
        for outcome in outcomes:
            write(outcome.question.id, line(outcome, gold, _models(pipeline, plan), mark, settings))
            answered, failed = answered + (outcome.error is None), failed + (outcome.error is not None)
            for timing in outcome.timings:
                watch.add(timing.stage, timing.seconds, timing.cold)
            if outcome.error is not None and not plan.telling.quiet:
                _warn(screens, outcome.question, outcome.error)
            if outcome.answers and outcome.answers[-1].not_sent != told and not plan.telling.quiet:
                told = outcome.answers[-1].not_sent
                print_not_sent(screens.err, outcome.answers[-1])
            bar("answering", len(done) + answered + failed, len(questions))
    plan.telling.stages(screens, watch.timings, "all questions")
    return Counts(answered, len(done), failed)


def _reranks(plan: _Plan) -> bool:
    return plan.compare or plan.config.reranking.enabled


def _models(pipeline: Pipeline, plan: _Plan) -> Models:
    from ragcli.batch.outcome import Models
    from ragcli.encoders.prior import NO_PRIOR

    reranks = _reranks(plan)
    return Models(
        embedder=plan.config.embedding.model,
        reranker=plan.config.reranking.model if reranks else "",
        prior=pipeline.prior if reranks else NO_PRIOR,
        llm=plan.config.llm.model,
        retrieval=plan.config.retrieval.method,
    )


def _print(environment: Environment, _name: str, line: str) -> None:
    environment.stdout.write(line + "\n")
    environment.stdout.flush()


def _warn(screens: Screens, question: Question, error: RagcliError) -> None:
    from ragcli.text.printable import one_line

    screens.err.print(f"{one_line(question.id)}: {one_line(error.message)}", style="warning", soft_wrap=True)


def _print_counts(environment: Environment, counts: Counts, output: Path) -> None:
    from ragcli.reporting import as_json as json

    fields = {
        "output": str(output),
        "answered": counts.answered,
        "kept": counts.kept,
        "failed": counts.failed,
    }
    Screens(environment).print_document(json.document("batch", fields))


def _tell(environment: Environment, counts: Counts, quiet: bool) -> None:
    if quiet:
        return
    parts = [f"{counts.answered} answered"]
    if counts.kept:
        parts.append(f"{counts.kept} were there already")
    if counts.failed:
        parts.append(f"{counts.failed} failed: the same command tries these again")
    Screens(environment).err.print(", ".join(parts), style="quiet", soft_wrap=True)
