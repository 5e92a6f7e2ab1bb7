"""`ragcli doctor`: whether everything works, a line a part, with the command that mends what does not."""

from __future__ import annotations

from dataclasses import asdict

import typer

from ragcli.cli import options
from ragcli.cli.session import Flags, Screens, environment_of
from ragcli.errors import ExitCode


def doctor(
    ctx: typer.Context,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    collection: options.Collection = None,
    profile: options.Profile = None,
    config: options.ConfigFile = None,
) -> None:
    """Examine every part: packages, disks, models, index, LLM. Exits with 1 if anything is broken."""
    from ragcli.doctor import examine
    from ragcli.reporting import doctor as view
    from ragcli.reporting import json
    from ragcli.reporting.live import spinner

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = Flags(config, profile, {"collection": collection}).load(environment)
    findings = []
    with spinner(screens.err, "Examining …", quiet=quiet or as_json):
        for finding in examine(settings, environment.environ):
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
