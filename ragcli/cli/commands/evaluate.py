"""`ragcli eval`: what reranking contributes on one's own questions, and how two such runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ragcli.cli import options
from ragcli.cli.commands import evaluate_options as measuring
from ragcli.cli.commands.evaluate_work import Plan, measured
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.cli.verbosity import Telling
from ragcli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from ragcli.config import Config, EmbeddingConfig, RerankingConfig
    from ragcli.evaluation.gates import Threshold
    from ragcli.evaluation.records import Run
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
    source: measuring.Source,
    answers: measuring.Answers = False,
    depths: measuring.Depths = None,
    reranker: measuring.Rerankers = None,
    retrieval: measuring.Retrievals = None,
    embedder: measuring.Embedders = None,
    candidates: options.Candidates = None,
    by: measuring.By = None,
    report: measuring.Reports = None,
    save_run: measuring.SaveRun = None,
    fail_under: measuring.FailUnder = None,
    fail_if_worse: measuring.FailIfWorse = None,
    as_json: options.Json = False,
    telling: Telling,
    given: options.ConfigOptions,
) -> None:
    """Measure both orders over the same candidates. `ragcli eval diff A.json B.json` compares two runs."""
    source.check(
        answers=answers,
        depths=depths,
        reranker=reranker,
        embedder=embedder,
        retrieval=retrieval,
        candidates=candidates,
    )
    gates = _Gates.of(fail_under or [], fail_if_worse)
    _check_outputs(report or [], save_run)
    overrides = {
        "retrieval.candidates": candidates,
        # An index keeps the bi-encoder that built it; a judged collection has none.
        "embedding.model": embedder[0] if source.beir is not None and embedder else None,
    }
    environment = environment_of(ctx)
    settings, methods = given.load_methods(environment, retrieval, overrides)
    plan = Plan(
        settings,
        _depths(depths),
        methods,
        _rerankers(settings, reranker or []),
        _embedders(settings, embedder or []),
        answers,
        tuple(by or ()),
        any(path.suffix.lower() == ".html" for path in report or []),
        telling,
    )
    screens = Screens(environment)
    summary = measured(screens, plan, source)
    for path in _written(summary, report or [], save_run):
        if not telling.quiet:
            screens.err.print(f"wrote {path}", style="quiet", soft_wrap=True)
    _show(screens, summary, as_json)
    missed = gates.missed(summary)
    for line in missed:
        screens.err.print(f"failed: {line}", style="bad", soft_wrap=True)
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


def _check_outputs(reports: Sequence[Path], save_run: Path | None) -> None:
    from ragcli.reporting.files.report_files import check_reports
    from ragcli.whole_file import check_folder

    check_reports(reports)
    if save_run is not None:
        check_folder(save_run)


def _written(summary: Summary, reports: Sequence[Path], save_run: Path | None) -> Iterator[Path]:
    from ragcli.evaluation.trec import save_rankings
    from ragcli.reporting.files.report_files import write_report

    for path in reports:
        write_report(summary, path)
        yield path
    if save_run is not None:
        yield from save_rankings(summary, save_run)


def _show(screens: Screens, summary: Summary, as_json: bool) -> None:
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
            update={
                "model": name,
                "prior_weight": None,
                "prior_words": None,
                "prior_headings": None,
                "url": "",
            }
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
