"""Plain strings for a screen: cleaned of everything that a terminal would interpret, and shortened.

Whatever comes from a document, a file's name or an LLM goes through `clean` or `one_line` before it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ragcli.text.printable import CONTROLS as CONTROLS
from ragcli.text.printable import one_line as one_line
from ragcli.text.printable import printable

if TYPE_CHECKING:
    from ragcli.types import Candidate, Chunk, Citation, Timing

clean = printable
NOT_PRINTED = re.compile(f"\t|{CONTROLS.pattern}")
WORD = re.compile(r"\w{3,}")
# The names of a format's pages and lines, if it has others.
_PAGES = {"pptx": "slide", "odp": "slide", "ipynb": "cell", "mbox": "message"}
_LINES = dict.fromkeys(("xlsx", "xls", "xlsb", "ods"), "row")


def markdown_literal(text: str) -> str:
    """`one_line`, without anything that Markdown or HTML would interpret."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", one_line(text))


def place(record: Chunk | Citation) -> str:
    """ "lines 12-18", "page 3", "slides 3-4"; empty if the format counts nothing: then headings show the
    place.
    """
    if record.page_start is not None:
        kind, first, last = _PAGES.get(record.format, "page"), record.page_start, record.page_end
    elif record.line_start is not None:
        kind, first, last = _LINES.get(record.format, "line"), record.line_start, record.line_end
    else:
        return ""
    return f"{kind} {first}" if last is None or first == last else f"{kind}s {first}-{last}"


def citation_place(citation: Citation) -> str:
    """ "notes.md > Orbit, lines 12-18"."""
    location = " > ".join(filter(None, map(one_line, (citation.source, citation.location))))
    return ", ".join(filter(None, [location, place(citation)]))


def chunk_place(chunk: Chunk, room: int = 0) -> str:
    """ "docs/notes.md, lines 12-18"; "…/notes.md, lines 12-18" if `room` (if not 0) is less than that."""
    source, span = one_line(chunk.source), place(chunk)
    if room and len(source) + len(span) + 2 > room and "/" in source:
        source = f"…/{source.rpartition('/')[2]}"
    return f"{source}, {span}" if span else source


def chunk_title(chunk: Chunk) -> str:
    """Title and headings, or the file if there are none."""
    return one_line(chunk.location) or one_line(chunk.source)


def snippet(text: str, question: str, length: int) -> str:
    """The part of `text` with most words of the question, about `length` characters, on one line."""
    line = one_line(text)
    if len(line) <= length:
        return line
    wanted = {word.lower() for word in WORD.findall(question)}
    hits = [match.start() for match in WORD.finditer(line) if match.group().lower() in wanted]
    best = max(hits, key=lambda hit: (sum(hit <= other < hit + length for other in hits), -hit), default=0)
    start = 0 if best < length // 2 else _word_start(line, best - length // 6)
    start = max(0, min(start, _word_start(line, len(line) - length)))
    piece = line[start : start + length]
    if start + length < len(line):
        piece = piece.rsplit(" ", 1)[0] + " …"
    return ("… " if start else "") + piece


def _word_start(line: str, position: int) -> int:
    return line.rfind(" ", 0, max(position, 0)) + 1


def seconds(value: float) -> str:
    """ "31 ms", "0.42 s", "12.5 s"."""
    if value < 0.1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s"


def percent(value: float | None) -> str:
    """A probability; never "100 %" or "0 %" for what is merely close to it."""
    if value is None:
        return "–"
    if 0.995 <= value < 1:
        return ">99 %"
    if 0 < value < 0.005:
        return "<1 %"
    return f"{value * 100:.0f} %"


def decimal(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 2) -> str:
    """ "+1.06", "−0.40"."""
    return f"{'+' if value > 0 else ''}{decimal(value, digits)}"


def ranks(candidate: Candidate, of: int) -> str:
    """What reranking did to one of `of` candidates; without a rank it was not among them."""
    if candidate.rank is None:
        return "Not among the candidates."
    if candidate.rank == candidate.base_rank:
        return f"Rank {candidate.rank} of {of} before and after reranking."
    return f"Rank {candidate.base_rank} of {of} before reranking, {candidate.rank} after."


def count(number: int, noun: str) -> str:
    """ "1 file", "1,204 files"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    """ "91.6 MB": bytes, in units of a thousand."""
    value = float(number)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def timings_line(timings: Sequence[Timing]) -> str:
    """ "load 1.90 s (cold: index) · embed 31 ms · total 1.93 s"; stages of the same name are summed."""
    stages = summed(timings)
    parts = []
    for name, value in stages.items():
        cold = loaded_in(timings, name)
        parts.append(f"{name} {seconds(value)}" + (f" (cold: {', '.join(cold)})" if cold else ""))
    return " · ".join([*parts, f"total {seconds(sum(stages.values()))}"])


def loaded_in(timings: Iterable[Timing], stage: str) -> tuple[str, ...]:
    """What was loaded in a stage."""
    names = [name for timing in timings if one_line(timing.stage) == stage for name in timing.cold]
    return tuple(dict.fromkeys(names))


def summed(timings: Iterable[Timing]) -> dict[str, float]:
    """Seconds by stage, in order of first appearance."""
    stages: dict[str, float] = {}
    for timing in timings:
        stages[one_line(timing.stage)] = stages.get(one_line(timing.stage), 0.0) + timing.seconds
    return stages
