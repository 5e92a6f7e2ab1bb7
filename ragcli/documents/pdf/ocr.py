"""Pages that are pictures, read by the program tesseract if it is installed."""

from __future__ import annotations

import csv
import ctypes
import io
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from statistics import median
from typing import TYPE_CHECKING

from ragcli.documents.pdf.lines import Word

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

HINT = "to read scanned pages, install tesseract (tesseract-ocr.github.io) and ingest again"

_DOTS_PER_POINT = 300 / 72
# Limits the size that tesseract accepts, and the memory for a poster.
_MOST_DOTS = 4500
# Tesseract's own confidence in a word, of 100: below this it is mostly a speck.
_LEAST_CONFIDENCE = 30.0
# If the system does not say how long a file may take; and the least time of a page.
_SECONDS = 60.0
_LEAST_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1
_SIGKILL = 9


class Ocr:
    """Reads pages until the time of the file is nearly spent."""

    def __init__(self) -> None:
        self._program = shutil.which("tesseract")
        self._deadline = time.monotonic() + _time_left()

    @property
    def is_there(self) -> bool:
        return self._program is not None

    @property
    def name(self) -> str:
        return _version(self._program) if self._program else ""

    def words(self, page: PdfPage) -> list[Word] | None:
        """The words of a page's picture; None if there is no program, no time left, or it failed."""
        left = self._deadline - time.monotonic()
        if self._program is None or left < _LEAST_SECONDS:
            return None
        width, height = page.get_size()
        scale = min(_DOTS_PER_POINT, _MOST_DOTS / max(width, height, 1.0))
        dots = str(round(72 * scale))
        command = [
            self._program,
            "stdin",
            "stdout",
            "-l",
            _languages(self._program),
            "--dpi",
            dots,
            "tsv",
        ]
        try:
            done = subprocess.run(
                command,
                input=_picture(page, scale),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=left,
                check=True,
                env=os.environ | {"OMP_THREAD_LIMIT": "1"},
                preexec_fn=_end_with_parent(),
            )
        except (subprocess.SubprocessError, OSError):
            return None
        return _words(done.stdout.decode("utf-8", "replace"), scale, height)


def _time_left() -> float:
    """Of the processor time that the file may take; the system does not count that of a child."""
    try:
        import resource
    except ImportError:
        return _SECONDS
    limit, _ = resource.getrlimit(resource.RLIMIT_CPU)
    return _SECONDS if limit == resource.RLIM_INFINITY else limit - time.process_time()


def _end_with_parent() -> Callable[[], None] | None:
    """Makes the child end when this process is ended, which Linux can do."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def _picture(page: PdfPage, scale: float) -> bytes:
    """As portable graymap, which needs no library to write."""
    bitmap = page.render(scale=scale, grayscale=True)
    rows = memoryview(bitmap.buffer).cast("B")
    pixels = b"".join(
        rows[start : start + bitmap.width] for start in range(0, bitmap.stride * bitmap.height, bitmap.stride)
    )
    return b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + pixels


def _words(table: str, scale: float, height: float) -> list[Word]:
    """From tesseract's table of words, in dots from the top, to points from the bottom."""
    lines: defaultdict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] == "5" and (row["text"] or "").strip() and float(row["conf"]) >= _LEAST_CONFIDENCE:
            lines[row["block_num"], row["par_num"], row["line_num"]].append(row)
    heights = [float(row["height"]) for line in lines.values() for row in line]
    return list(_placed(lines.values(), scale, height, median(heights) if heights else 1.0))


def _placed(
    lines: Iterable[list[dict[str, str]]], scale: float, height: float, usual: float
) -> Iterator[Word]:
    """All words of a line on one baseline, in the usual size if the line is not clearly larger."""
    for line in lines:
        tall = median(float(row["height"]) for row in line)
        size = round((tall if tall > 1.5 * usual else usual) / scale, 1)
        y = height - median(float(row["top"]) + float(row["height"]) for row in line) / scale
        for row in line:
            left = float(row["left"]) / scale
            yield Word(row["text"].strip(), left, left + float(row["width"]) / scale, y, size)


@cache
def _version(program: str) -> str:
    """ "tesseract 5.3.0", as the program says it."""
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return next(iter((shown.stdout or shown.stderr).splitlines()), "tesseract").strip()


@cache
def _languages(program: str) -> str:
    """All that are installed: for another language than English, add its file."""
    shown = subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=False)
    names = [name.strip() for name in shown.stdout.splitlines()[1:] if name.strip() not in ("osd", "equ", "")]
    return "+".join(sorted(names, key=lambda name: (name != "eng", name))) or "eng"
