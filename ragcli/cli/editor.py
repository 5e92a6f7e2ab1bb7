"""The user's editor, opened at a line of a file."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ragcli.errors import UsageError

LOOKED_AT = 4096
# Most editors take +LINE FILE; these want FILE:LINE, some of them after a flag.
_GOTO_FLAG = ("code", "code-insiders", "codium", "cursor")
_COLON = (*_GOTO_FLAG, "hx", "helix", "subl", "zed")


def editor_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """$EDITOR as a command with its arguments; empty where it is not set.

    Raises UsageError where its quotes do not match.
    """
    try:
        return tuple(shlex.split(environ.get("EDITOR", "")))
    except ValueError as error:
        raise UsageError(f"EDITOR is not a command: {error}.", hint="Correct it, or unset it.") from None


def is_text(file: Path) -> bool:
    """Whether a text editor can show it; False if there is no such file."""
    try:
        with file.open("rb") as opened:
            return b"\0" not in opened.read(LOOKED_AT)
    except OSError:
        return False


def arguments(editor: Sequence[str], file: Path, line: int) -> list[str]:
    """The command that opens `file` at `line`. The path is absolute: it cannot pass for an option."""
    path = str(file.resolve())
    name = Path(editor[0]).name
    if name in _COLON:
        flag = ["-g"] if name in _GOTO_FLAG else []
        return [*editor, *flag, f"{path}:{line}"]
    return [*editor, f"+{line}", path]


def edit(editor: Sequence[str], file: Path, line: int) -> None:
    """Waits for the editor to end. Raises UsageError where it cannot be started."""
    try:
        subprocess.run(arguments(editor, file, line), check=False)
    except OSError as error:
        raise UsageError(
            f"The editor {editor[0]} cannot be started: {error.strerror}.", hint="Mend or unset EDITOR."
        ) from None
