"""Formats that a program of the user turns into text."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ragcli.documents.opening import BYTES_PER_MB
from ragcli.documents.outline import one_line
from ragcli.documents.unreadable import UnreadableFile
from ragcli.errors import ConfigError

PLACE = "{}"
_OUTPUT = re.compile(r"(md|txt|html|csv):\s*(.*)", re.DOTALL)
_LONGEST_REASON = 200


class ConverterTimeout(UnreadableFile):
    """Processes of the converter may still run: the reading process must be ended together with them."""


def checked(converters: Mapping[str, str]) -> dict[str, str]:
    """By suffix in lower case. Raises ConfigError for a setting that is not a suffix and a command."""
    for suffix, setting in converters.items():
        hint = 'For instance: converters = { ".doc" = "catdoc {}" }'
        if not re.fullmatch(r"\.[^./\\\s]+", suffix):
            raise ConfigError(f"ingest.converters: {suffix!r} is not a suffix such as .doc.", hint=hint)
        try:
            parted(setting)
        except ValueError as problem:
            raise ConfigError(f"ingest.converters: the command of {suffix} {problem}.", hint=hint) from None
    return {suffix.lower(): setting for suffix, setting in converters.items()}


def parted(setting: str) -> tuple[str, list[str]]:
    """A converter's setting as the suffix of what it writes and its command. Raises ValueError.

    "catdoc {}" and "md: catdoc {}" write Markdown; txt, html and csv are the others.
    """
    match = _OUTPUT.fullmatch(setting.strip())
    suffix, command = (match[1], match[2]) if match else ("md", setting)
    arguments = shlex.split(command)
    if not arguments:
        raise ValueError("is empty")
    if not any(PLACE in argument for argument in arguments[1:]):
        raise ValueError(f"does not say where the file name goes: {PLACE}")
    return f".{suffix}", arguments


def converted(path: Path, command: Sequence[str], *, seconds: float, max_mb: float | None) -> bytes:
    """What the command writes to stdout. It runs without a shell and gets the file's absolute path.

    Raises UnreadableFile if it is missing, fails, or takes longer than `seconds` of wall-clock time.
    """
    arguments = [argument.replace(PLACE, str(path.absolute())) for argument in command]
    name = one_line(Path(command[0]).name)
    try:
        done = subprocess.run(
            arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as problem:
        limit = f"{seconds:g} s (ingest.max_seconds_per_file)"
        raise ConverterTimeout(f"the converter {name} takes longer than {limit}") from problem
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise UnreadableFile(f"the converter {name} cannot be started: {reason}") from problem
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        reason = one_line(said)[:_LONGEST_REASON] or f"exit status {done.returncode}"
        raise UnreadableFile(f"the converter {name} failed: {reason}")
    if max_mb is not None and len(done.stdout) > max_mb * BYTES_PER_MB:
        raise UnreadableFile(f"the converter {name} writes more than {max_mb:g} MB")
    return done.stdout
