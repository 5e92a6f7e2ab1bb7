"""The records that flow between the stages: frozen, plain, free of heavy imports.

    paths -> Document -> Chunk -> (vector) -> store
    question -> Candidate ... -> Context -> Answer -> Comparison

Offsets are character offsets into `Document.text`; lines and pages count from 1; ranks count from 1.
Lines are those of the file, or a sheet's rows; None if the format has none. What a page is (a slide, a
notebook's cell, a message), `reporting.text` knows by the format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ragcli.encoders.prior import NO_PRIOR, Prior

MetadataValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Block:
    """One structural piece of a document (a paragraph, a list, a table, a code block).

    `start` and `end` delimit it in `Document.text`. `page` is None if the format has no pages. A `code`
    block stays whole if it fits into a chunk; otherwise it is cut between lines, never at sentences.
    """

    start: int
    end: int
    headings: tuple[str, ...]
    line_start: int | None
    line_end: int | None
    page: int | None = None
    code: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A file as text. `source` is the path as citations show it; `sha256` is of the file's bytes.

    `notes` are lines for the report: what was left out or guessed. `metadata` is what the file says of
    itself, for filters.
    """

    source: str
    title: str
    text: str
    format: str
    sha256: str
    blocks: tuple[Block, ...]
    pages: int | None = None
    notes: tuple[str, ...] = ()
    metadata: tuple[tuple[str, MetadataValue], ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage, as it is embedded, scored and cited. `text` is `Document.text[start:end]`.

    `tokens` counts `passage` in the bi-encoder's tokens, its special tokens left out.
    """

    id: str
    source: str
    index: int
    title: str
    headings: tuple[str, ...]
    text: str
    start: int
    end: int
    line_start: int | None
    line_end: int | None
    page_start: int | None
    page_end: int | None
    tokens: int
    format: str = ""
    metadata: tuple[tuple[str, MetadataValue], ...] = ()

    @property
    def location(self) -> str:
        """Title and heading path on one line: "Mercury (planet) > Orbit"."""
        trail = [self.title, *self.headings] if self.title else list(self.headings)
        return " > ".join(part for i, part in enumerate(trail) if i == 0 or part != trail[i - 1])

    @property
    def passage(self) -> str:
        """What the bi-encoder and the cross-encoder read: the location, then the text."""
        return f"{self.location}: {self.text}" if self.location else self.text


@dataclass(frozen=True, slots=True)
class Candidate:
    """A retrieved chunk with its score trace.

    `similarity` is the bi-encoder's cosine, `base_rank` the rank in the order that reranking starts from.
    `logit` is the cross-encoder's raw output (float32), `score` what the reranked order is sorted by (logit +
    prior x similarity), `probability` its calibrated chance of being relevant: these and `rank` are
    None until a reranker has run. `heading_similarity` is the cosine of the question and the chunk's
    location; None if there is no location, or no use for it.

    `fused` is what the base order of hybrid retrieval is sorted by; None if only the bi-encoder
    retrieves. `dense_rank` and `lexical_rank` (with its score, `bm25`) are None if that side did not find the
    chunk.
    """

    chunk: Chunk
    similarity: float
    base_rank: int
    logit: float | None = None
    score: float | None = None
    probability: float | None = None
    rank: int | None = None
    dense_rank: int | None = None
    lexical_rank: int | None = None
    bm25: float | None = None
    fused: float | None = None
    heading_similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A numbered entry of the context. `text` is what the LLM reads: the chunk's text, or chosen sentences of
    it.
    """

    number: int
    candidate: Candidate
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Context:
    """The packed prompt. `left_out` counts passages of the top k that did not fit into the budget."""

    passages: tuple[Passage, ...]
    messages: tuple[Message, ...]
    tokens: int
    budget: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in the user's documents that supports a part of the answer.

    `attributed` is True if ragcli found the supporting passage, False if the LLM named it.
    """

    number: int
    source: str
    location: str
    line_start: int | None
    line_end: int | None
    page_start: int | None
    page_end: int | None
    chunk_id: str
    quote: str
    attributed: bool
    format: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """`cold` names what was loaded in this stage: it takes no time if the same process does it again."""

    stage: str
    seconds: float
    cold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class MissedThreshold:
    """Why ragcli declined to answer: `value` is below what the `setting` asks for, `least`."""

    setting: str
    value: float
    least: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the LLM said, and what it rests on.

    `abstained` is True if the passages have no answer and the text says so; then `declined_by` is the
    threshold that decided it, or None if the LLM did. `unknown_citations` are numbers that the LLM cited but
    that are not in the context: they are dropped from the text and reported. `cut_off` is True if the LLM was
    stopped by its limit, `answer_tokens`, before it was done. `truncated` counts the texts that the encoders
    could not read in full. `reasoning` is what the LLM thought before it answered, if it showed that: it is
    not part of the answer. `not_sent` names fields of the request that its server refused, so they were left
    out.
    """

    question: str
    text: str
    abstained: bool
    citations: tuple[Citation, ...]
    unknown_citations: tuple[int, ...]
    context: Context
    candidates: tuple[Candidate, ...]
    reranked: bool
    model: str
    usage: Usage
    timings: tuple[Timing, ...] = field(default=())
    cut_off: bool = False
    truncated: int = 0
    reasoning: str = ""
    not_sent: tuple[str, ...] = ()
    declined_by: MissedThreshold | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Candidates in the final order of the arm: reranked by logit + prior, or the bi-encoder's own."""

    question: str
    candidates: tuple[Candidate, ...]
    reranked: bool
    timings: tuple[Timing, ...] = field(default=())
    truncated: int = 0
    prior: Prior = NO_PRIOR


@dataclass(frozen=True, slots=True)
class Movement:
    """How one passage moves from the base order to the reranked one."""

    candidate: Candidate
    before: int
    after: int
    in_prompt_before: bool
    in_prompt_after: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two arms over the same candidates. `base` and `reranked` are None for a search without an LLM.

    `movements` is in reranked order and covers every candidate. `summary` is the one sentence on what
    reranking changed. `timings` has the stages that both arms share (embed, retrieve, rerank). `truncated`
    counts the texts that the encoders could not read in full.
    """

    question: str
    base_order: tuple[Candidate, ...]
    reranked_order: tuple[Candidate, ...]
    movements: tuple[Movement, ...]
    base: Answer | None
    reranked: Answer | None
    summary: str
    timings: tuple[Timing, ...] = field(default=())
    truncated: int = 0


FileStatus = Literal["added", "replaced", "unchanged", "removed", "skipped"]


@dataclass(frozen=True, slots=True)
class FileReport:
    """What ingest did, or would do, with one file. `reason` is empty unless the file was skipped.

    `notes` says what was left out of a file that was read, or what was guessed about it.
    """

    source: str
    status: FileStatus
    chunks: int
    reason: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IngestReport:
    files: tuple[FileReport, ...]
    chunks_written: int
    chunks_removed: int
    seconds: float
    dry_run: bool
    timings: tuple[Timing, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """One ingested file, as `ragcli list` shows it.

    `base` is the absolute path of the folder that a relative `source` starts from: the working folder of the
    ingest. It is empty if `source` is absolute, or if an older index does not say.
    """

    source: str
    title: str
    format: str
    chunks: int
    sha256: str
    ingested_at: str
    base: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """`sources`: globs that a chunk's source must match (any of them). `where`: metadata equalities (all of
    them).
    """

    sources: tuple[str, ...] = ()
    where: tuple[tuple[str, MetadataValue], ...] = ()
