"""The entry point: runs the program and turns every failure into lines on stderr and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import TextIO

import typer

from ragcli.cli.app import OutputClosed, program
from ragcli.cli.environment import Environment
from ragcli.cli.stdout import OutputError, told_apart
from ragcli.errors import ExitCode, RagcliError
from ragcli.servers.redaction import redact
from ragcli.text.printable import one_line, printable

# What a disk says that takes no more, or a quota.
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def main(args: Sequence[str] | None = None, environment: Environment | None = None) -> int:
    """Runs one command line and returns its exit code."""
    env = environment or _of_process()
    arguments = list(sys.argv[1:] if args is None else args)
    try:
        return _run(arguments, env)
    except (OutputClosed, BrokenPipeError):
        # The reader has closed its end (`| head`): that is not a failure.
        _let_go_of_stdout(env)
        return ExitCode.OK
    except OutputError as error:
        _let_go_of_stdout(env)
        reason = (error.strerror or str(error)).lower()
        _show(env, f"standard output cannot be written: {reason}", "Make room there, or send it elsewhere.")
        return ExitCode.FAILED


def _of_process() -> Environment:
    """A stream that was closed for the program (`>&-`) is None: stdout is then one that takes nothing."""
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the end
    sys.stdout = told_apart(sys.stdout or _closed())
    return Environment()


def _closed() -> TextIO:
    """Each write fails as it would on the closed descriptor."""
    return open(os.devnull, encoding="utf-8")


def _let_go_of_stdout(env: Environment) -> None:
    """Python would flush what is left at exit, and fail again."""
    if env.is_of_process:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
    except (OutputClosed, BrokenPipeError, OutputError):
        raise
    except OSError as error:
        if error.errno not in _NO_ROOM:
            return _bug(args, env, error)
        place = f"{error.filename} cannot be written" if error.filename else "a file could not be written"
        _fail(
            args,
            env,
            f"{place}: {(error.strerror or str(error)).lower()}.",
            "Make room on the disk.",
            ExitCode.FAILED,
        )
        _show_traceback(args, env)
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the one place that catches everything
        return _bug(args, env, error)


def _bug(args: list[str], env: Environment, error: Exception) -> int:
    message = f"internal error: {type(error).__name__}: {error} (this is a bug)"
    _fail(args, env, message, "RAGCLI_DEBUG=1 shows more.", ExitCode.FAILED)
    _show_traceback(args, env)
    return ExitCode.FAILED


def _fail(args: list[str], env: Environment, message: str, hint: str, code: int, partial: str = "") -> None:
    """Two lines on stderr and, for a script that asked for JSON, one document that says that it failed."""
    message, hint = redact(message, env.environ), redact(hint, env.environ)
    if _wants_json(args):
        from ragcli.reporting import as_json

        fields = {
            "message": message,
            "hint": hint,
            "exit_code": code,
            "partial": redact(partial, env.environ),
        }
        env.stdout.write(as_json.document("error", {"error": fields}) + "\n")
        env.stdout.flush()
    _show(env, message, hint)


def _wants_json(args: list[str]) -> bool:
    """Nothing after -- is an option."""
    return "--json" in (args[: args.index("--")] if "--" in args else args)


def _show(env: Environment, message: str, hint: str = "") -> None:
    """One line for what is wrong, one for how to fix it; never wrapped, so that a script can read them."""
    from rich.text import Text

    console = env.diagnostics()
    label = "" if message == "interrupted" or message.startswith("internal error") else "error: "
    console.print(Text.assemble((label, "error"), one_line(message)), soft_wrap=True)
    if hint:
        console.print(Text.assemble(("hint: ", "hint"), one_line(hint)), soft_wrap=True)


def _show_traceback(args: Sequence[str], env: Environment) -> None:
    """Exceptions of libraries hold what a server sent, and what it was sent: keys and escape sequences go."""
    if "--debug" in args or env.environ.get("RAGCLI_DEBUG"):
        import traceback

        env.stderr.write(printable(redact(traceback.format_exc(), env.environ)))


def _command_path(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context is not None else "ragcli"


if __name__ == "__main__":
    sys.exit(main())
