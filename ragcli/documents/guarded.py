"""Reading files in a separate process (`worker`): no file can hang ragcli, fill its memory or crash it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, Any, cast

import ragcli
from ragcli.config import IngestConfig
from ragcli.documents.converting import checked
from ragcli.documents.unreadable import UnreadableFile
from ragcli.documents.worker import PATIENCE
from ragcli.types import Block, Document

# Modules come from the same places as ragcli's, never from the working folder: -P, and no empty entry.
_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1])\n"
    "from ragcli.documents.worker import main; main()"
)


# Processes that it starts belong to its group; Windows has no groups.
_OWN_GROUP: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
_TOO_LONG = getattr(signal, "SIGXCPU", signal.SIGTERM)


class GuardedReader(AbstractContextManager["GuardedReader"]):
    """`documents.read` within the limits of the settings. The process starts at once and serves all files."""

    def __init__(self, config: IngestConfig) -> None:
        self._config = config
        self._converters = checked(config.converters)
        self._worker: subprocess.Popen[bytes] | None = None
        self._start()

    def __exit__(self, *_: object) -> None:
        self._stop()

    def read(self, path: Path) -> Document:
        """Raises UnreadableFile; also if the file takes too long or too much memory, or crashes a parser."""
        request = {
            "path": str(path),
            "max_mb": self._config.max_file_mb,
            "max_seconds": self._config.max_seconds_per_file,
            "max_memory_mb": self._config.max_memory_mb,
            "converters": self._converters,
        }
        started = time.monotonic()
        answer = self._ask(request)
        if answer is None:
            raise UnreadableFile(self._cause_of_death(time.monotonic() - started))
        if "is_last" in answer:
            self._stop()
        if "unreadable" in answer:
            raise UnreadableFile(answer["unreadable"])
        return _unpacked(answer["document"])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The worker's answer; None if the file made it die."""
        if self._worker is None or self._worker.poll() is not None:
            self._start()
        assert self._worker is not None
        requests, answers = cast(IO[bytes], self._worker.stdin), cast(IO[bytes], self._worker.stdout)
        try:
            requests.write(json.dumps(request).encode("ascii") + b"\n")
            requests.flush()
            line = answers.readline()
        except BrokenPipeError:
            return None
        return cast(dict[str, Any], json.loads(line)) if line.endswith(b"\n") else None

    def _cause_of_death(self, seconds: float) -> str:
        assert self._worker is not None
        if hasattr(os, "waitid"):
            # Not reaped yet, so that the number still belongs to its group.
            os.waitid(os.P_PID, self._worker.pid, os.WEXITED | os.WNOWAIT)
            _end(self._worker)
        code = self._worker.wait()
        limit = self._config.max_seconds_per_file
        if code == -_TOO_LONG or seconds >= PATIENCE * limit:
            return f"takes longer than {limit:g} s to read (ingest.max_seconds_per_file)"
        if code < 0:
            return f"cannot be parsed: the parser was killed by {signal.Signals(-code).name}"
        return f"cannot be parsed: the parser exited with status {code}"

    def _start(self) -> None:
        self._stop()
        origins = [*filter(None, sys.path), str(Path(ragcli.__file__).parent.parent)]
        self._worker = subprocess.Popen(
            [sys.executable, "-P", "-c", _CODE, json.dumps(origins)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            **_OWN_GROUP,
        )

    def _stop(self) -> None:
        if self._worker is not None:
            _end(self._worker)
            # Waits, and closes the pipes; data for a dead process stays unsent.
            with suppress(BrokenPipeError):
                self._worker.__exit__(None, None, None)
            self._worker = None


def _end(worker: subprocess.Popen[bytes]) -> None:
    """With the converters that it started, if any."""
    if _OWN_GROUP and worker.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.pid, signal.SIGKILL)
    worker.kill()


def _unpacked(fields: list[Any]) -> Document:
    source, title, text, format, sha256, blocks, pages, notes, metadata = fields
    return Document(
        source,
        title,
        text,
        format,
        sha256,
        tuple(
            Block(start, end, tuple(headings), first, last, page, code)
            for start, end, headings, first, last, page, code in blocks
        ),
        pages,
        tuple(notes),
        tuple((key, value) for key, value in metadata),
    )
