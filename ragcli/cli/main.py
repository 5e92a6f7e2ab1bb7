"""The entry point: runs the program and turns every failure into lines on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from ragcli.cli.app import OutputClosed, program
from ragcli.cli.environment import Environment
from ragcli.errors import ExitCode, RagcliError
from ragcli.redaction import redact


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
        _fail(args, env, error.message, error.hint, error.exit_code, getattr(error, "partial", ""))
        _show_traceback(args, env)
        return error.exit_code
    except typer.TyperException as error:
        # Without a message: a group was called without a command, and its help is on the screen already.
        if error.format_message().strip():
            _fail(args, env, error.format_message(), f"{_command_path(error)} --help", error.exit_code)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _show(env, "interrupted")
        return ExitCode.INTERRUPTED
    except (OutputClosed, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place that catches everything
        message = f"internal error: {type(error).__name__}: {error} (this is a bug)"
        _fail(args, env, message, "RAGCLI_DEBUG=1 shows more.", ExitCode.FAILED)
        _show_traceback(args, env)
        return ExitCode.FAILED


def _fail(args: list[str], env: Environment, message: str, hint: str, code: int, partial: str = "") -> None:
    """Two lines on stderr and, for a script that asked for JSON, one document that says that it failed."""
    message, hint = redact(message, env.environ), redact(hint, env.environ)
    if _wants_json(args):
        from ragcli.reporting import json

        fields = {
            "message": message,
            "hint": hint,
            "exit_code": code,
            "partial": redact(partial, env.environ),
        }
        env.stdout.write(json.document("error", {"error": fields}) + "\n")
        env.stdout.flush()
    _show(env, message, hint)


def _wants_json(args: list[str]) -> bool:
    """What stands behind -- is no option."""
    return "--json" in (args[: args.index("--")] if "--" in args else args)


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
    """Exceptions of libraries hold what a server sent, and what it was sent: keys and escape sequences go."""
    if "--debug" in args or env.environ.get("RAGCLI_DEBUG"):
        import traceback

        from ragcli.reporting.text import clean

        env.stderr.write(clean(redact(traceback.format_exc(), env.environ)))


def _command_path(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context is not None else "ragcli"


if __name__ == "__main__":
    sys.exit(main())
