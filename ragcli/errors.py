"""Everything that can go wrong, in one tree.

    RagcliError                 exit 1   the work failed
    |- UsageError               exit 2   wrong arguments
    |- ConfigError              exit 2   unreadable config, unknown key, bad value
    |- IngestError              exit 1   a path that does not exist; with --strict, a file that was skipped
    |- StoreError               exit 1   the index cannot be read or written
    |  |- IndexBusyError        exit 1   another process is writing to it
    |  |- IndexMismatchError    exit 2   the index was built with another model or other settings
    |  |- StoreServerError      exit 4   the index's server is unreachable, too slow, or refuses the key
    |- NothingFoundError        exit 3   no index, an empty one, no match, or --strict and no answer
    |- ModelError               exit 4   a model's files are missing, damaged or unusable
    |- ServerError              exit 4   a model's server is unreachable, refused, or sent an invalid answer
    |  |- LLMError              exit 4   the same for the LLM, which may stop in the middle of an answer
    |- TrainingError            exit 1   training could not run, or did not improve the model

Every error carries a message (what is wrong) and a hint (the command or change that fixes it).
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script can rely on; the README documents the same numbers."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOTHING_FOUND = 3
    UNAVAILABLE = 4
    INTERRUPTED = 130


class RagcliError(Exception):
    """The root. Shown as two lines, the message and the hint; never as a traceback."""

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RagcliError):
    exit_code = ExitCode.USAGE


class ConfigError(RagcliError):
    exit_code = ExitCode.USAGE


class IngestError(RagcliError):
    pass


class StoreError(RagcliError):
    pass


class IndexBusyError(StoreError):
    pass


class IndexMismatchError(StoreError):
    exit_code = ExitCode.USAGE


class StoreServerError(StoreError):
    exit_code = ExitCode.UNAVAILABLE


class NothingFoundError(RagcliError):
    exit_code = ExitCode.NOTHING_FOUND


class ModelError(RagcliError):
    exit_code = ExitCode.UNAVAILABLE


class ServerError(RagcliError):
    """`transient`: the same request may succeed later, after `retry_after` seconds if the server says so.
    `hopeless`: every other question would fail in the same way.
    """

    exit_code = ExitCode.UNAVAILABLE

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        transient: bool = False,
        retry_after: float | None = None,
        hopeless: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient
        self.retry_after = retry_after
        self.hopeless = hopeless


class LLMError(ServerError):
    """`partial` is the text that had arrived before the failure: shown as partial, never as the answer."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        partial: str = "",
        transient: bool = False,
        retry_after: float | None = None,
        hopeless: bool = False,
    ) -> None:
        super().__init__(message, hint=hint, transient=transient, retry_after=retry_after, hopeless=hopeless)
        self.partial = partial


class TrainingError(RagcliError):
    pass


def first_line(error: BaseException) -> str:
    """Of what another library says of its failure; the name of its type where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
