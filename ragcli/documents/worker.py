"""The process that parses files: if a parser hangs, fills the memory or crashes, ragcli does not.

For each file it reads a line of JSON from stdin and writes a line of JSON: the document, or why there is
none. A file that takes too long ends the process; so does the end of ragcli, since stdin ends then.
"""

from __future__ import annotations

import faulthandler
import json
import math
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

from ragcli.documents.converting import ConverterTimeout
from ragcli.documents.reading import read
from ragcli.documents.unreadable import UnreadableFile
from ragcli.types import Document

# On a busy machine a file may take this many times longer than its processor time.
PATIENCE = 10


def main() -> None:
    # Ctrl-C reaches every process of the terminal: ragcli decides what happens to this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(os.dup(1), "wb") as answers, open(os.devnull, "r+b") as nowhere:
        # Output of libraries must not get between the answers.
        os.dup2(nowhere.fileno(), 1)
        for line in sys.stdin.buffer:
            _serve(json.loads(line), answers, nowhere)


def _serve(request: dict[str, Any], answers: BinaryIO, nowhere: BinaryIO) -> None:
    _limit(request["max_seconds"], request["max_memory_mb"])
    # For waiting without work; a thread that does not need the interpreter, which a parser may block.
    patience = PATIENCE * request["max_seconds"]
    faulthandler.dump_traceback_later(patience, exit=True, file=nowhere)
    try:
        document = read(
            Path(request["path"]),
            max_mb=request["max_mb"],
            converters=request["converters"],
            converter_seconds=request["max_seconds"],
        )
    except ConverterTimeout as problem:
        _answer(answers, {"unreadable": problem.reason, "is_last": True})
    except UnreadableFile as problem:
        _answer(answers, {"unreadable": problem.reason})
    except MemoryError:
        reason = f"takes more than {request['max_memory_mb']:,} MB of memory to read"
        _answer(answers, {"unreadable": reason, "is_last": True})
        raise
    except Exception as problem:
        reason = f"cannot be parsed: {type(problem).__name__}"
        _answer(answers, {"unreadable": reason, "is_last": True})
        raise
    else:
        _answer(answers, {"document": packed(document)})
    finally:
        faulthandler.cancel_dump_traceback_later()


def packed(document: Document) -> list[Any]:
    """As JSON has it, in the order of the fields; repeated names would be most of the text."""
    blocks = [[b.start, b.end, b.headings, b.line_start, b.line_end, b.page, b.code] for b in document.blocks]
    return [
        document.source,
        document.title,
        document.text,
        document.format,
        document.sha256,
        blocks,
        document.pages,
        document.notes,
        document.metadata,
    ]


def _answer(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode("ascii") + b"\n")
    answers.flush()


def _limit(seconds: float, megabytes: int) -> None:
    """If the system can: processor time from now on, after which it ends the process, and memory."""
    try:
        import resource
    except ImportError:
        return
    # No core files of processes that are ended on purpose.
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: math.ceil(time.process_time() + seconds),
        resource.RLIMIT_AS: megabytes * 1_000_000,
    }
    for kind, limit in wanted.items():
        _, most = resource.getrlimit(kind)
        if most == resource.RLIM_INFINITY or limit <= most:
            resource.setrlimit(kind, (limit, most))


if __name__ == "__main__":
    main()
