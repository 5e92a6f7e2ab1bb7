"""The one error of the readers."""

from __future__ import annotations

from ragcli.errors import IngestError


class UnreadableFile(IngestError):
    """A file that gives no text. `reason` is one line, for the table of skipped files."""

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(reason, hint=hint)
        self.reason = reason
