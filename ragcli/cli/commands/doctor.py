"""`ragcli doctor`: whether everything works, one line per part, with the command that fixes what does not."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from ragcli.cli import options
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.errors import ExitCode

if TYPE_CHECKING:
    from ragcli.doctor import Finding


@grouped
def doctor(
    ctx: typer.Context,
    *,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    given: options.ConfigOptions,
) -> None:
    """Check every part: packages, disks, models, index, LLM. Exits with 1 if anything is broken."""
    from ragcli.doctor import examine
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens import doctor as view
    from ragcli.reporting.screens.live import spinner

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = given.load(environment)
    findings: list[Finding] = []
    parts = examine(settings, environment.environ)
    while True:
        # The spinner is gone before a line is printed: the two are on different streams.
        with spinner(screens.err, "Examining …", quiet=quiet):
            finding = next(parts, None)
        if finding is None:
            break
        findings.append(finding)
        if not as_json:
            view.print_finding(screens.out, finding)
    broken = sum(finding.state == "broken" for finding in findings)
    if as_json:
        warnings = sum(finding.state == "warning" for finding in findings)
        fields = {"broken": broken, "warnings": warnings, "checks": [asdict(f) for f in findings]}
        screens.print_document(json.document("doctor", fields))
    else:
        view.print_sum(screens.out, findings)
    if broken:
        raise typer.Exit(ExitCode.FAILED)
