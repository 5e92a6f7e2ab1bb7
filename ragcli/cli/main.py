"""The entry point: runs the program and turns every failure into lines on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from ragcli.cli.app import OutputClosed, program
from ragcli.cli.environment import Environment
from ragcli.errors import ExitCode, RagcliError


def main(args: Sequence[str] | None = None, environment: Environment | None = None) -> int:
    """Runs one command line and returns its exit code."""
    env = environment or Environment()
    arguments = list(sys.argv[1:] if args is None else args)
    try:
        return _run(arguments, env)
    except (OutputClosed, BrokenPipeError):
        # The reader has had enough (`| head`): that is no failure. Nothing may be flushed to it at exit.
        if env.is_of_process:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK


def _run(args: list[str], env: Environment) -> int:
    try:
        code = program(args, env)
        if code == ExitCode.INTERRUPTED:
            _show(env, "interrupted")
        return code
    except RagcliError as error:
        _show(env, error.message, error.hint)
        _show_traceback(args, env)
        return error.exit_code
    except typer.TyperException as error:
        # Without a message: a group was called without a command, and its help is on the screen already.
        if error.format_message().strip():
            _show(env, error.format_message(), f"{_command_path(error)} --help")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _show(env, "interrupted")
        return ExitCode.INTERRUPTED
    except (OutputClosed, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place that catches everything
        _show(
            env,
            f"internal error: {type(error).__name__}: {error} (this is a bug)",
            "RAGCLI_DEBUG=1 shows more.",
        )
        _show_traceback(args, env)
        return ExitCode.FAILED


def _show(env: Environment, message: str, hint: str = "") -> None:
    """One line for what is wrong, one for what mends it; never wrapped, so that a script can read them."""
    from rich.text import Text

    from ragcli.reporting.text import one_line

    console = env.diagnostics()
    label = "" if message == "interrupted" or message.startswith("internal error") else "error: "
    console.print(Text.assemble((label, "error"), one_line(message)), soft_wrap=True)
    if hint:
        console.print(Text.assemble(("hint: ", "hint"), one_line(hint)), soft_wrap=True)


def _show_traceback(args: Sequence[str], env: Environment) -> None:
    if "--debug" in args or env.environ.get("RAGCLI_DEBUG"):
        import traceback

        traceback.print_exc(file=env.stderr)


def _command_path(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context is not None else "ragcli"


if __name__ == "__main__":
    sys.exit(main())
