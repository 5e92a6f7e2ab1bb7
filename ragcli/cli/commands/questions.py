"""`ragcli questions`: draft questions from the index, review them, and check a file of them against it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ragcli.cli import options
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.drafting.records import KINDS, SHARES, Kind
from ragcli.errors import ExitCode, LLMError, UsageError

app = typer.Typer(
    help="Draft, review and check the questions of an evaluation.", add_completion=False, no_args_is_help=True
)

DRAFTS = Path("questions-drafted.jsonl")
EVERY_KIND = ",".join(f"{kind}={share}" for kind, share in SHARES.items())

Drafts = Annotated[
    Path,
    typer.Argument(metavar="OUT", help="The file of drafts; run again to go on.", dir_okay=False),
]
Number = Annotated[
    int,
    typer.Option("--number", "-n", min=1, metavar="N", help="Questions that the file is to hold."),
]
Shares = Annotated[
    str,
    typer.Option(
        "--shares", metavar="KIND=N,...", help="Shares of the kinds of questions; one left out gets none."
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Which passages are drawn.")]
QuestionFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A question file.", show_default=False, dir_okay=False)
]


@app.command("draft")
@grouped
def draft(
    ctx: typer.Context,
    out: Drafts = DRAFTS,
    *,
    number: Number = 50,
    shares: Shares = EVERY_KIND,
    seed: Seed = 7,
    source: options.Source = None,
    llm: options.LLMOptions,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    given: options.ConfigOptions,
) -> None:
    """Have the LLM draft questions, answers and evidence from the index. Review them afterwards."""
    from ragcli.drafting.drafts import Wanted, draft_questions
    from ragcli.reporting.screens.drafting import print_report, report_fields
    from ragcli.reporting.screens.progress import StagesBar

    environment = environment_of(ctx)
    screens = Screens(environment)
    settings = given.load(environment, llm.overrides())
    wanted = Wanted(number, _shares(shares), seed, tuple(source or ()))
    try:
        with StagesBar(screens.err, quiet=quiet) as bar:
            report = draft_questions(out, settings, wanted, progress=bar)
    except (KeyboardInterrupt, LLMError):
        if not quiet and out.exists():
            screens.err.print(
                f"{out} holds what is done; the same command goes on from there.", soft_wrap=True
            )
        raise
    if as_json:
        from ragcli.reporting import as_json as json

        screens.print_document(json.document("questions-drafted", report_fields(out, report)))
    else:
        print_report(screens.out, out, report)
    if len(report.written.rows) < wanted.number:
        raise typer.Exit(ExitCode.FAILED)


def _shares(given: str) -> dict[Kind, float]:
    """Raises UsageError for anything but KIND=N, separated by commas."""
    shares: dict[Kind, float] = {}
    for part in given.split(","):
        name, _, value = part.partition("=")
        kind = next((kind for kind in KINDS if kind == name.strip()), None)
        if kind is None or not value.strip().isdecimal():
            raise UsageError(
                f"--shares {part.strip()!r} is not KIND=N.", hint=f"The kinds are {', '.join(KINDS)}."
            )
        shares[kind] = int(value)
    if not any(shares.values()):
        raise UsageError(
            "--shares leaves no kind of question.", hint="For instance: --shares easy=1,confusable=1"
        )
    return shares


@app.command("review")
@grouped
def review(ctx: typer.Context, file: QuestionFile, *, given: options.ConfigOptions) -> None:
    """Keep, edit or drop the questions of a file one by one. Saved after each; run it again to go on."""
    from ragcli.cli.commands.review_loop import Passages, review_by_keys
    from ragcli.cli.keystrokes import keystrokes
    from ragcli.drafting.review import Review
    from ragcli.reporting.screens.review import print_counts

    environment = environment_of(ctx)
    console = Screens(environment).out
    passages = Passages(given.load(environment))
    sitting = Review(file)
    review_by_keys(sitting, passages, keystrokes(environment), console)
    print_counts(console, str(file), sitting.counts)


@app.command("check")
@grouped
def check(
    ctx: typer.Context,
    file: QuestionFile,
    *,
    as_json: options.Json = False,
    given: options.ConfigOptions,
) -> None:
    """Show which gold of the questions is not in the index, and why. Exit code 1 if there is any."""
    from ragcli.evaluation.checking import check_questions
    from ragcli.reporting import as_json as json
    from ragcli.reporting.screens.question_files import print_check

    environment = environment_of(ctx)
    screens = Screens(environment)
    found = check_questions(file, given.load(environment))
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
