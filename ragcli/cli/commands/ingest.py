"""`ragcli ingest`: bring the index in step with files and folders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ragcli.cli import options
from ragcli.cli.environment import Environment
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.cli.verbosity import BI_ENCODER, Telling
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
Watch = Annotated[
    bool, typer.Option("--watch", help="Go on: look for changes every two seconds, until Ctrl-C.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 when a file was skipped.")]


@grouped
def ingest(
    ctx: typer.Context,
    *,
    paths: Paths = None,
    prune: Prune = False,
    dry_run: DryRun = False,
    strict: Strict = False,
    watch: Watch = False,
    glob: Glob = None,
    exclude: Exclude = None,
    as_json: options.Json = False,
    show_all: options.ShowAll = False,
    telling: Telling,
    given: options.ConfigOptions,
) -> None:
    """Read files and folders into the index. Unchanged files cost nothing; changed ones are replaced."""
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens import manage

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = _settings(environment, given, glob, exclude)
    if watch and (dry_run or strict):
        raise UsageError(
            "--watch cannot be combined with --dry-run or --strict.", hint="Leave one of them out."
        )
    telling.models(screens, settings, BI_ENCODER)
    if watch:
        _watch(_paths(paths, settings), settings, screens, prune=prune, as_json=as_json, quiet=telling.quiet)
    report = _ingest(
        _paths(paths, settings), settings, screens, prune=prune, dry_run=dry_run, quiet=telling.quiet
    )
    telling.stages(screens, report.timings)
    if as_json:
        screens.print_document(json.ingest(report))
    else:
        manage.print_ingest(screens.out, report, show_all=show_all)
    if strict and any(file.status == "skipped" for file in report.files):
        raise typer.Exit(ExitCode.FAILED)


def _paths(given: list[Path] | None, config: Config) -> list[Path]:
    """Those of the command line, else those of the settings. Raises UsageError where neither names one, and
    for an address.
    """
    paths = given or [Path(path).expanduser() for path in config.ingest.paths]
    if not paths:
        raise UsageError(
            "Nothing to ingest: no path is given, and ingest.paths names none.", hint="ragcli ingest PATH..."
        )
    for path in paths:
        _check_is_file(path)
    return paths


def _check_is_file(path: Path) -> None:
    # A Path has made one slash of two.
    address = re.match(r"([a-z][a-z0-9+.-]+):/+(.+)", str(path), re.IGNORECASE)
    if address is None or path.exists():
        return
    scheme, rest = address[1].lower(), address[2]
    if scheme == "file":
        raise UsageError(f"{path} is an address; ragcli reads files.", hint=f"ragcli ingest /{rest}")
    raise UsageError(
        f"{scheme}://{rest} is an address; ragcli reads files and fetches nothing.",
        hint=f"Fetch it first (curl -LO {scheme}://{rest}, or wget), then: ragcli ingest FILE",
    )


def _settings(
    environment: Environment,
    given: options.ConfigOptions,
    glob: list[str] | None,
    exclude: list[str] | None,
) -> Config:
    """`--glob` takes the place of the configured globs, `--exclude` adds to the configured patterns."""
    overrides: dict[str, object] = {"ingest.glob": tuple(glob) if glob else None}
    if exclude:
        configured = given.load(environment, overrides).ingest.exclude
        overrides["ingest.exclude"] = (*configured, *exclude)
    return given.load(environment, overrides)


def _ingest(
    paths: list[Path], config: Config, screens: Screens, *, prune: bool, dry_run: bool, quiet: bool
) -> IngestReport:
    from ragcli.pipeline import open_pipeline
    from ragcli.reporting.screens.live import IngestProgress

    with open_pipeline(config, bulk=True) as pipeline, IngestProgress(screens.err, quiet=quiet) as bar:
        return pipeline.ingest(paths, prune=prune, dry_run=dry_run, progress=bar.update)


def _watch(
    paths: list[Path], config: Config, screens: Screens, *, prune: bool, as_json: bool, quiet: bool
) -> NoReturn:
    """Until Ctrl-C or an error that does not pass: a line a change on stdout, or a JSON document a round."""
    from ragcli.errors import IndexBusyError
    from ragcli.ingestion import watching
    from ragcli.pipeline import open_pipeline
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens import manage
    from ragcli.reporting.screens.live import IngestProgress

    with open_pipeline(config, bulk=True) as pipeline:

        def ingested() -> IngestReport:
            with IngestProgress(screens.err, quiet=quiet) as bar:
                return pipeline.ingest(paths, prune=prune, progress=bar.update)

        if not quiet:
            screens.err.print("Watching; Ctrl-C ends it.", style="hint")
        for round_ in watching.watch(paths, config.ingest, ingested):
            if isinstance(round_, IndexBusyError):
                screens.err.print(f"{round_.message} Trying again until it is done.", style="warning")
            elif as_json:
                screens.print_document(json.ingest(round_, indent=None))
            else:
                manage.print_changes(screens.out, round_)
            screens.environment.stdout.flush()
    raise AssertionError("watching ends with an exception")
