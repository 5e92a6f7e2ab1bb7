"""Passage after passage is drafted from, until the file holds as many questions as are wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from ragcli import store
from ragcli.config import Config
from ragcli.drafting.draft_file import DraftFile, Written, read_drafts
from ragcli.drafting.drafter import Tools, draft
from ragcli.drafting.opening import open_tools
from ragcli.drafting.passages import Queue, most_wanted, near_rivals, spread, usable
from ragcli.drafting.records import KINDS, Draft, Kind, Rejection
from ragcli.errors import LLMError, NothingFoundError, UsageError
from ragcli.llm import client
from ragcli.models.embedded_llms import LARGE, SMALL
from ragcli.store.metadata import matching
from ragcli.types import Chunk

IN_A_ROW = 12
"""After as many failures without a success a kind is given up: this LLM cannot do it, or the documents do not
lend themselves to it."""

LOOKED_AT = 3
"""Passages whose rivals are looked for, for each question that is wanted; LEAST_LOOKED_AT at least."""
LEAST_LOOKED_AT = 30

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`number` of questions, those that the file holds included. `sources` are globs of documents; all, where
    there is none.
    """

    number: int
    shares: Mapping[Kind, float]
    seed: int = 7
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """`written` is all that the files hold, of earlier runs too; `drafted` counts what this run has added.
    `given_up` are the kinds that found no passage any more, or failed too often.
    """

    written: Written
    drafted: int
    seconds: float
    given_up: tuple[Kind, ...]


def check(config: Config) -> None:
    """Raises UsageError for an LLM that is too small, and what stands against it or the index."""
    if config.llm.embedded and config.llm.model == SMALL.name:
        raise UsageError(
            f"{SMALL.name} is too small to draft questions.",
            hint=f"Run: {LARGE.prepare}; then add --profile local-large. Or name an endpoint: --base-url.",
        )
    client.check(config.llm)
    store.check(config)


def draft_questions(
    path: Path, config: Config, wanted: Wanted, *, progress: Progress | None = None
) -> Report:
    """Adds drafts to the file until it holds as many as are wanted, or no passage is left.

    Raises what `check` raises, UsageError for a file of other questions, and the LLM's errors: what was
    drafted until then is in the file.
    """
    check(config)
    began = read_drafts(path)
    missing = wanted.number - len(began.rows)
    if missing <= 0:
        return Report(began, 0, 0.0, ())
    start = perf_counter()
    with open_tools(config) as tools:
        chosen = usable(_of_sources(tools.chunks(), wanted.sources))
        if not chosen:
            raise NothingFoundError(
                "No passage of the index is long enough to draft from.", hint="See what there is: ragcli list"
            )
        looked_at = spread(chosen, str(wanted.seed))[: max(LEAST_LOOKED_AT, LOOKED_AT * missing)]
        near = (
            near_rivals(tools.nearest_rivals(looked_at)) if wanted.shares.get("confusable") else frozenset()
        )
        queue = Queue(chosen, near, wanted.seed, began.tried)
        file = DraftFile(path, config.llm.model)
        given_up = _until(wanted, began, queue, tools, file, progress)
    written = read_drafts(path)
    return Report(written, len(written.rows) - len(began.rows), perf_counter() - start, given_up)


def _until(
    wanted: Wanted,
    began: Written,
    queue: Queue,
    tools: Tools,
    file: DraftFile,
    progress: Progress | None,
) -> tuple[Kind, ...]:
    """Returns the kinds that were given up."""
    kept: Counter[Kind] = Counter({kind: began.kept()[kind] for kind in KINDS})
    questions = list(began.questions)
    failures: Counter[Kind] = Counter()
    given_up: list[Kind] = []
    while len(questions) < wanted.number:
        if progress is not None:
            progress("drafting", len(questions), wanted.number)
        kind = most_wanted((one for one in KINDS if one not in given_up), kept, wanted.shares)
        if kind is None:
            break
        chunk = queue.take(kind) if failures[kind] < IN_A_ROW else None
        if chunk is None:
            given_up.append(kind)
            continue
        start = perf_counter()
        made = _drafted(chunk, kind, tools, questions)
        file.write(chunk, kind, made, perf_counter() - start)
        if isinstance(made, Draft):
            questions.append(made.question)
            kept[kind] += 1
        failures[kind] = 0 if isinstance(made, Draft) else failures[kind] + 1
    return tuple(given_up)


def _drafted(chunk: Chunk, kind: Kind, tools: Tools, earlier: Sequence[str]) -> Draft | Rejection:
    """An unusable answer is one draft lost; a server that fails every question ends the work."""
    try:
        return draft(chunk, kind, tools, earlier)
    except LLMError as error:
        if error.hopeless or error.transient:
            raise
        return Rejection("unreadable")


def _of_sources(chunks: Sequence[Chunk], globs: Sequence[str]) -> Sequence[Chunk]:
    if not globs:
        return chunks
    sources = frozenset(matching([chunk.source for chunk in chunks], globs))
    return [chunk for chunk in chunks if chunk.source in sources]
