"""`ragcli questions`: draft questions from the index, review them, and check a file of them against it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ragcli.cli import options
from ragcli.cli.session import Flags, Screens, environment_of
from ragcli.errors import ExitCode

app = typer.Typer(
    help="Draft, review and check the questions of an evaluation.", add_completion=False, no_args_is_help=True
)

QuestionFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A question file.", show_default=False, dir_okay=False)
]


@app.command("check")
def check(
    ctx: typer.Context,
    file: QuestionFile,
    as_json: options.Json = False,
    collection: options.Collection = None,
    profile: options.Profile = None,
    config: options.ConfigFile = None,
) -> None:
    """Show which gold of the questions is not in the index, and why. Exit code 1 if there is any."""
    from ragcli.evaluation.checking import check_questions
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens.question_files import print_check

    environment = environment_of(ctx)
    screens = Screens(environment)
    found = check_questions(file, Flags(config, profile, {"collection": collection}).load(environment))
    if as_json:
        fields = {
            "file": str(file),
            "questions": len(found.questions),
            "left_out": list(found.left_out),
            "missing": [asdict(gap) for gap in found.gaps],
        }
        screens.print_document(json.document("questions-check", fields))
    else:
        print_check(screens.out, file.name, found)
    if found.gaps:
        raise typer.Exit(ExitCode.FAILED)
