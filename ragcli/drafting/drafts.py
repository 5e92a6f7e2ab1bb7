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
from ragcli.drafting.opening import OpenTools, open_tools
from ragcli.drafting.passages import Queue, most_wanted, near_rivals, spread, usable
from ragcli.drafting.records import KINDS, Draft, Kind, Rejection
from ragcli.drafting.vagueness import Vocabulary
from ragcli.errors import LLMError, NothingFoundError
from ragcli.llm import asking
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
    asking.check(config.llm, "draft questions")
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
    if len(began.rows) >= wanted.number:
        return Report(began, 0, 0.0, ())
    start = perf_counter()
    with open_tools(config) as tools:
        chunks = store.all_chunks(tools.index)
        kinds = _Kinds(wanted.shares, began.kept(), _queue(wanted, began, chunks, tools))
        drafting = _Drafting(tools, Vocabulary.of(chunk.text for chunk in chunks), [*began.questions])
        file = DraftFile(path, config.llm.model)
        _until(wanted.number, len(began.rows), kinds, drafting, file, progress or _silent)
    written = read_drafts(path)
    added = len(written.rows) - len(began.rows)
    return Report(written, added, perf_counter() - start, tuple(kinds.given_up))


def _queue(wanted: Wanted, began: Written, chunks: Sequence[Chunk], tools: OpenTools) -> Queue:
    chosen = usable(_of_sources(chunks, wanted.sources))
    if not chosen:
        raise NothingFoundError(
            "No passage of the index is long enough to draft from.", hint="See what there is: ragcli list"
        )
    near: frozenset[str] = frozenset()
    if wanted.shares.get("confusable"):
        # By what is wanted in all: a run that continues finds the same ones.
        looked_at = spread(chosen, str(wanted.seed))[: max(LEAST_LOOKED_AT, LOOKED_AT * wanted.number)]
        near = near_rivals(tools.nearest_rivals(looked_at))
    return Queue(chosen, near, wanted.seed, began.tried)


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Nobody wants to know."""


class _Kinds:
    """Which kind comes next, and from which passage: the kind that is furthest behind its share."""

    def __init__(self, shares: Mapping[Kind, float], kept: Mapping[str, int], queue: Queue) -> None:
        self.given_up: list[Kind] = []
        self._shares, self._queue = shares, queue
        self._kept: Counter[Kind] = Counter({kind: kept.get(kind, 0) for kind in KINDS})
        self._failures: Counter[Kind] = Counter()

    def next(self) -> tuple[Kind, Chunk] | None:
        """None if every kind was given up."""
        while kind := most_wanted((k for k in KINDS if k not in self.given_up), self._kept, self._shares):
            chunk = self._queue.take(kind) if self._failures[kind] < IN_A_ROW else None
            if chunk is not None:
                return kind, chunk
            self.given_up.append(kind)
        return None

    def count(self, kind: Kind, *, kept: bool) -> None:
        self._kept[kind] += kept
        self._failures[kind] = 0 if kept else self._failures[kind] + 1


@dataclass(frozen=True, slots=True)
class _Drafting:
    """`questions` are those that there are already, dropped ones too; it grows."""

    tools: Tools
    vocabulary: Vocabulary
    questions: list[str]

    def made(self, chunk: Chunk, kind: Kind) -> Draft | Rejection:
        """An unusable answer is one draft lost; a server that fails every question ends the work."""
        try:
            made = draft(chunk, kind, self.tools, self.questions, self.vocabulary)
        except LLMError as error:
            if error.hopeless or error.transient:
                raise
            return Rejection("unreadable")
        if isinstance(made, Draft):
            self.questions.append(made.question)
        return made


def _until(
    number: int, drafts: int, kinds: _Kinds, drafting: _Drafting, file: DraftFile, progress: Progress
) -> None:
    """Drafts until there are as many questions, or no kind is left. `drafts` is how many there are."""
    progress("drafting", drafts, number)
    while drafts < number and (found := kinds.next()):
        kind, chunk = found
        start = perf_counter()
        made = drafting.made(chunk, kind)
        file.write(chunk, kind, made, perf_counter() - start)
        kept = isinstance(made, Draft)
        kinds.count(kind, kept=kept)
        drafts += kept
        progress("drafting", drafts, number)


def _of_sources(chunks: Sequence[Chunk], globs: Sequence[str]) -> Sequence[Chunk]:
    if not globs:
        return chunks
    sources = frozenset(matching([chunk.source for chunk in chunks], globs))
    return [chunk for chunk in chunks if chunk.source in sources]
