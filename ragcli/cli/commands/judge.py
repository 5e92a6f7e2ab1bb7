"""`ragcli judge`: people, or an LLM, say blind which passages and answers are good."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragcli.cli import options
from ragcli.cli.grouping import grouped
from ragcli.cli.session import Screens, environment_of
from ragcli.errors import UsageError

JUDGING = "What is judged"
Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="Questions (.txt will do), or a session to go on with; several with --merge.",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE.jsonl",
        help="The session: a question file with what was judged. Run again to go on.",
        rich_help_panel=options.OUTPUT,
    ),
]
Answers = Annotated[
    bool,
    typer.Option(
        "--answers",
        help="Both arms' answers as A and B: of questions, or of batch --compare's results.",
        rich_help_panel=JUDGING,
    ),
]
By = Annotated[str, typer.Option("--by", metavar="JUDGE", help="person or llm.", rich_help_panel=JUDGING)]
Merge = Annotated[
    bool, typer.Option("--merge", help="Several judges' sessions become one.", rich_help_panel=JUDGING)
]
Agree = Annotated[
    Path | None,
    typer.Option(
        "--agree",
        metavar="FILE",
        help="Print how far this session agrees with that one.",
        rich_help_panel=JUDGING,
    ),
]
Retrievals = Annotated[
    list[str] | None,
    typer.Option(
        "--retrieval", metavar="METHOD", help="dense or hybrid; repeatable.", rich_help_panel=JUDGING
    ),
]
Effect = Annotated[
    float,
    typer.Option(
        "--effect",
        metavar="X",
        min=0.01,
        max=1.0,
        help="Difference in nDCG@5 that would matter.",
        rich_help_panel=JUDGING,
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", help="Of the shuffled order.", rich_help_panel=JUDGING)
]
Everything = Annotated[bool, typer.Option("--all", help="Go on after the verdict.", rich_help_panel=JUDGING)]


@grouped
def judge(
    ctx: typer.Context,
    files: Files,
    *,
    answers: Answers = False,
    by: By = "person",
    merge: Merge = False,
    agree: Agree = None,
    retrieval: Retrievals = None,
    effect: Effect = 0.1,
    seed: Seed = 7,
    everything: Everything = False,
    llm: options.LLMOptions,
    output: Output = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    given: options.ConfigOptions,
) -> None:
    """Judge passages blind, one keystroke each; answers with --answers. What is decided is saved at once."""
    if by not in ("person", "llm"):
        raise UsageError(f"--by {by} is not a judge.", hint="Write --by person or --by llm.")
    if answers and by == "llm":
        raise UsageError("--by llm judges passages.", hint="Leave out --answers, or --by.")
    if not merge and len(files) > 1:
        raise UsageError(
            "Several files are for --merge.", hint="ragcli judge --merge A.jsonl B.jsonl -o C.jsonl"
        )
    from ragcli.cli.commands.judge_answers import judge_answers
    from ragcli.cli.commands.judge_passages import Asked, judge_passages, merge_sessions

    screens = Screens(environment_of(ctx))
    config, methods = given.load_methods(screens.environment, retrieval, llm.overrides())
    asked = Asked(
        file=files[0],
        config=config,
        methods=methods,
        by=by,
        effect=effect,
        seed=seed,
        named=_written(ctx),
        everything=everything,
        quiet=quiet,
        as_json=as_json,
    )
    if merge:
        merge_sessions(screens, asked, files, output)
    elif answers:
        judge_answers(screens, asked, output, llm, given)
    else:
        judge_passages(screens, asked, output, agree)


def _written(ctx: typer.Context) -> frozenset[str]:
    """The parameters that the command line names, whatever value it gives them."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    return frozenset(name for name, source in sources.items() if source and source.name == "COMMANDLINE")
