"""Keep what Chroma's compiled core writes to stderr when it panics away from the user.

A panic of Rust reaches Python as an exception that is not an Exception, after its message and perhaps a stack
trace were written to file descriptor 2. Python cannot turn that off, so the descriptor points to a file while
the core works, and what others wrote to it in the meantime is passed on afterwards.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_STDERR = 2


def is_panic(error: BaseException) -> bool:
    return type(error).__module__ == "pyo3_runtime"


@contextmanager
def without_panic_messages() -> Iterator[None]:
    """Raises what the block raises. Several threads may be in it at the same time."""
    if not _aside.begin():
        yield
        return
    panicked = False
    try:
        yield
    except BaseException as error:
        panicked = is_panic(error)
        raise
    finally:
        _aside.end(drop=panicked)


class _Aside:
    """File descriptor 2 while it points to a file: from the first block that begins to the last that ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._drop = False
        self._real = -1
        self._file: IO[bytes] | None = None

    def begin(self) -> bool:
        """False if there is no stderr or no place for the file: then nothing is redirected."""
        with self._lock:
            if self._users == 0:
                try:
                    self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
                    self._real = os.dup(_STDERR)
                except OSError:
                    return False
                _flush()
                os.dup2(self._file.fileno(), _STDERR)
                self._drop = False
            self._users += 1
            return True

    def end(self, *, drop: bool) -> None:
        with self._lock:
            self._drop = self._drop or drop
            self._users -= 1
            if self._users or self._file is None:
                return
            _flush()
            os.dup2(self._real, _STDERR)
            with self._file:
                self._file.seek(0)
                written = b"" if self._drop else self._file.read()
            self._file = None
            try:
                while written:
                    written = written[os.write(self._real, written) :]
            except OSError:
                pass  # As with anything else that is written to a stderr that nobody reads.
            finally:
                os.close(self._real)


def _flush() -> None:
    if sys.stderr is not None and not sys.stderr.closed:
        sys.stderr.flush()


_aside = _Aside()
