"""`ragcli report`: the reports of a finished run, made again from its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragcli.cli import options
from ragcli.cli.commands import evaluate_options as measuring
from ragcli.cli.session import Screens, environment_of

if TYPE_CHECKING:
    from ragcli.evaluation.records import Run

RunFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="Results of ragcli batch --compare, or a .json report of ragcli eval."
    ),
]
Out = Annotated[
    list[Path] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write .html, .md, .csv or .json; repeatable.",
        rich_help_panel=options.OUTPUT,
    ),
]


def report(
    ctx: typer.Context,
    file: RunFile,
    out: Out = None,
    by: measuring.By = None,
    as_json: options.Json = False,
) -> None:
    """Show a finished run again, or write its reports."""
    from ragcli.evaluation.summary import summarise
    from ragcli.reporting.files.report_files import check_reports, write_report

    check_reports(out or [])
    screens = Screens(environment_of(ctx))
    summary = summarise(_read(file), by or ())
    for path in out or []:
        write_report(summary, path)
        screens.err.print(f"wrote {path}", style="quiet", soft_wrap=True)
    if as_json:
        from ragcli.reporting import as_json_evaluation

        screens.print_document(as_json_evaluation.evaluation(summary))
    elif not out:
        from ragcli.reporting.screens.evaluation import print_summary

        print_summary(screens.out, summary)


def _read(file: Path) -> Run:
    if file.suffix.lower() == ".jsonl":
        from ragcli.batch.reading import read_batch

        return read_batch(file)
    from ragcli.evaluation.run_files import read_run

    return read_run(file)
