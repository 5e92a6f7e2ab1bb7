"""`ragcli ingest`: bring the index in step with files and folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragcli.cli import options
from ragcli.cli.environment import Environment
from ragcli.cli.session import Flags, Screens, environment_of
from ragcli.cli.telling import BI_ENCODER, Telling
from ragcli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from ragcli.config import Config
    from ragcli.types import IngestReport

FILES = "Which files"

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PATH]...",
        help="Files and folders; folders are read with all below. None: those of ingest.paths.",
        show_default=False,
    ),
]
Glob = Annotated[
    list[str] | None,
    typer.Option(
        "--glob", help="Only files of a folder that match; repeatable.", rich_help_panel=FILES, metavar="GLOB"
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        help="Leave these out, besides the configured ones (.gitignore style); repeatable.",
        rich_help_panel=FILES,
        metavar="PATTERN",
    ),
]
Prune = Annotated[bool, typer.Option("--prune", help="Remove documents whose files have vanished.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 when a file was skipped.")]


def ingest(
    ctx: typer.Context,
    paths: Paths = None,
    prune: Prune = False,
    dry_run: DryRun = False,
    strict: Strict = False,
    glob: Glob = None,
    exclude: Exclude = None,
    as_json: options.Json = False,
    show_all: options.ShowAll = False,
    timings: options.Timings = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    collection: options.Collection = None,
    profile: options.Profile = None,
    config: options.ConfigFile = None,
) -> None:
    """Read files and folders into the index. Unchanged files cost nothing; changed ones are replaced."""
    from ragcli.reporting import index, json

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = _settings(environment, config, profile, collection, glob, exclude)
    telling = Telling(quiet, verbose, timings)
    telling.models(screens, settings, BI_ENCODER)
    report = _ingest(_paths(paths, settings), settings, screens, prune=prune, dry_run=dry_run, quiet=quiet)
    telling.stages(screens, report.timings)
    if as_json:
        screens.print_document(json.ingest(report))
    else:
        index.print_ingest(screens.out, report, show_all=show_all)
    if strict and any(file.status == "skipped" for file in report.files):
        raise typer.Exit(ExitCode.FAILED)


def _paths(given: list[Path] | None, config: Config) -> list[Path]:
    """Those of the command line, else those of the settings. Raises UsageError where neither names one."""
    paths = given or [Path(path).expanduser() for path in config.ingest.paths]
    if not paths:
        raise UsageError(
            "Nothing to ingest: no path is given, and ingest.paths names none.", hint="ragcli ingest PATH..."
        )
    return paths


def _settings(
    environment: Environment,
    config: Path | None,
    profile: str | None,
    collection: str | None,
    glob: list[str] | None,
    exclude: list[str] | None,
) -> Config:
    """`--glob` takes the place of the configured globs, `--exclude` adds to the configured patterns."""
    overrides: dict[str, object] = {"collection": collection, "ingest.glob": tuple(glob) if glob else None}
    if exclude:
        configured = Flags(config, profile, overrides).load(environment).ingest.exclude
        overrides["ingest.exclude"] = (*configured, *exclude)
    return Flags(config, profile, overrides).load(environment)


def _ingest(
    paths: list[Path], config: Config, screens: Screens, *, prune: bool, dry_run: bool, quiet: bool
) -> IngestReport:
    from ragcli.pipeline import open_pipeline
    from ragcli.reporting.live import IngestProgress

    with open_pipeline(config, bulk=True) as pipeline, IngestProgress(screens.err, quiet=quiet) as bar:
        return pipeline.ingest(paths, prune=prune, dry_run=dry_run, progress=bar.update)
