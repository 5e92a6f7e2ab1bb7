"""The table of commands, and the program apart from error handling.

A command's module is imported when that command is called: `ragcli --help` reads this table alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from ragcli.cli.environment import Environment
from ragcli.errors import UsageError


@dataclass(frozen=True)
class Entry:
    """`attribute` of `module` is the command's function, or a Typer of several commands."""

    module: str
    attribute: str
    help: str
    section: str


ASK, MEASURE, INDEX, SETUP = "Ask", "Measure", "Index", "Set up"
COMMANDS = {
    "ask": Entry("ragcli.cli.commands.ask", "ask", "Answer a question from the ingested documents.", ASK),
    "chat": Entry(
        "ragcli.cli.commands.chat", "chat", "Ask and follow up in one session, models kept warm.", ASK
    ),
    "search": Entry(
        "ragcli.cli.commands.search",
        "search",
        "Show the passages that answer a question, without an LLM.",
        ASK,
    ),
    "explain": Entry(
        "ragcli.cli.commands.explain",
        "explain",
        "Show which words of a passage made its rank.",
        ASK,
    ),
    "batch": Entry(
        "ragcli.cli.commands.batch", "batch", "Answer a file of questions, a line of JSON for each.", ASK
    ),
    "serve": Entry(
        "ragcli.cli.commands.serve", "serve", "Keep the models warm for commands, and for agents (MCP).", ASK
    ),
    "eval": Entry(
        "ragcli.cli.commands.evaluate", "app", "Measure what reranking adds on your questions.", MEASURE
    ),
    "judge": Entry(
        "ragcli.cli.commands.judge", "judge", "Judge passages or answers blind, a keystroke each.", MEASURE
    ),
    "report": Entry(
        "ragcli.cli.commands.report", "report", "Make the reports of a finished run again.", MEASURE
    ),
    "questions": Entry(
        "ragcli.cli.commands.questions", "app", "Draft, review and check questions to measure on.", MEASURE
    ),
    "ingest": Entry(
        "ragcli.cli.commands.ingest",
        "ingest",
        "Read files and folders into the index; run it again to update.",
        INDEX,
    ),
    "status": Entry(
        "ragcli.cli.commands.manage", "status", "Show what is in the index and what is ready to use.", INDEX
    ),
    "list": Entry("ragcli.cli.commands.manage", "list_sources", "List the ingested documents.", INDEX),
    "show": Entry("ragcli.cli.commands.show", "show", "Show a document's chunks as they were cut.", INDEX),
    "remove": Entry("ragcli.cli.commands.manage", "remove", "Remove documents from the index.", INDEX),
    "reset": Entry("ragcli.cli.commands.manage", "reset", "Delete a collection.", INDEX),
    "init": Entry("ragcli.cli.commands.init", "init", "Ask three questions and write a config.toml.", SETUP),
    "doctor": Entry(
        "ragcli.cli.commands.doctor", "doctor", "Check every part and say how to fix what is broken.", SETUP
    ),
    "config": Entry(
        "ragcli.cli.commands.config", "app", "Show the settings and where they come from.", SETUP
    ),
    "models": Entry("ragcli.cli.commands.models", "app", "Fetch, list and remove the models.", SETUP),
    "train": Entry("ragcli.cli.commands.train", "train", "Train the reranker on your own documents.", SETUP),
}
ABOUT = """\
Ask your own documents from the terminal, and see what reranking contributes.

  ragcli ingest notes/
  ragcli ask "How long is the notice period?" --compare
"""


class OutputClosed(Exception):
    """The reader of stdout has gone away. A type of its own: typer would exit on a BrokenPipeError."""


class LazyGroup(TyperGroup):
    """The root command: its subcommands come from COMMANDS."""

    _names_only = False

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_params(self, ctx: Any) -> Any:
        """A flag that was not given is False from the start: typer takes None for it, and imports pydantic to
        make that False. A press of the tab key would take three times as long.
        """
        params = super().get_params(ctx)
        for flag in params:
            if getattr(flag, "is_bool_flag", False) and flag.default is None:
                flag.default = False
        return params

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        if self._names_only:
            return TyperCommand(cmd_name, help=entry.help)
        target = getattr(import_module(entry.module), entry.attribute)
        if not isinstance(target, typer.Typer):
            from ragcli.cli.unquoted import QuestionCommand

            single = typer.Typer(add_completion=False)
            asks = "question" in target.__annotations__
            single.command(cmd_name, cls=QuestionCommand if asks else TyperCommand)(target)
            target = single
        command = get_command(target)
        command.name = cmd_name
        return command

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """The commands' names and what they do, without importing them."""
        self._names_only = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._names_only = False

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise _no_such_command(args[0])
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Plain text: importing what draws the commands' own help would take longer than all of this."""
        formatter.write(ABOUT + "\n")
        formatter.write_usage("ragcli", "COMMAND [ARGS]...")
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            with formatter.section(typer.style(section, bold=True)):
                formatter.write_dl(
                    [(name, entry.help) for name, entry in COMMANDS.items() if entry.section == section]
                )
        with formatter.section(typer.style("Options", bold=True)):
            formatter.write_dl(
                [record for param in self.get_params(ctx) if (record := param.get_help_record(ctx))]
            )
        formatter.write("\nragcli COMMAND --help explains a command.\n")

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise OutputClosed from error


def _no_such_command(name: str) -> UsageError:
    from difflib import get_close_matches

    close = get_close_matches(name, COMMANDS, 1)
    hint = f"Did you mean ragcli {close[0]}?" if close else "ragcli --help lists the commands."
    return UsageError(f"There is no command {name!r}.", hint=hint)


def _print_version(wanted: bool) -> None:
    if wanted:
        from ragcli import __version__

        typer.echo(f"ragcli {__version__}")
        raise typer.Exit


def build_app() -> typer.Typer:
    app = typer.Typer(
        cls=LazyGroup,
        name="ragcli",
        add_completion=True,
        no_args_is_help=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(_root)
    return app


def _root(
    ctx: typer.Context,
    version: bool = typer.Option(
        False, "--version", help="Show the version and exit.", callback=_print_version, is_eager=True
    ),
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks; the same as RAGCLI_DEBUG=1."),
) -> None:
    """Without a command: the help."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def program(args: Sequence[str], environment: Environment) -> int:
    """Runs a command and returns its exit code. Errors are the caller's business."""
    command = get_command(build_app())
    if environment.is_of_process:
        result = command.main(list(args), prog_name="ragcli", standalone_mode=False, obj=environment)
    else:
        # Help and version are printed by typer, which knows only the process's streams.
        with redirect_stdout(environment.stdout), redirect_stderr(environment.stderr):
            result = command.main(list(args), prog_name="ragcli", standalone_mode=False, obj=environment)
    environment.stdout.flush()
    return result if isinstance(result, int) else 0
