"""Documents to chunks: structure first, then sentences, lines and words; pure, the tokenizer is passed in."""

from __future__ import annotations

import hashlib
import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ragcli.config import ChunkingConfig
from ragcli.documents.code_lines import BETWEEN_LINES, cut_costs
from ragcli.text.sentences import split_sentences
from ragcli.types import Block, Chunk, Document

TokenSpans = Callable[[str], Sequence[tuple[int, int]]]
"""A text -> the character span of each of its bi-encoder tokens, special tokens left out."""

# A tokenizer may call a word of any length one unknown token, and white space none: bound the text as well.
_MOST_CHARACTERS_PER_TOKEN = 20
# Texts are measured in slices of this many characters, so that a huge block doesn't fill the memory.
_MEASURED_CHARACTERS = 50_000
# Cutting a paragraph costs as much as missing the chunk's fair share of its section by this part of it.
_CUT_PARAGRAPH_COST = 0.3
# This is the cost of a cut between a line that ends in a colon and the code, list or table after it.
_CUT_LEAD_COST = 0.5
# Title and headings may take at most this share of a chunk.
_LOCATION_SHARE = 0.5

_NEWLINE = re.compile("\n")
# Finer and finer: lines, then words.
_SPLITTERS = (re.compile(r"[^\n]*\S[^\n]*"), re.compile(r"\S+"))


@dataclass(frozen=True, slots=True)
class _Atom:
    """A part that is not cut again: a sentence, a whole code block, or a part of one that is too long.

    `whole` marks sentences, which may be repeated as overlap. `cut_cost`: the cost of ending a chunk after
    it.
    """

    start: int
    end: int
    tokens: int
    whole: bool
    cut_cost: float


def chunk(document: Document, config: ChunkingConfig, tokenize: TokenSpans) -> tuple[Chunk, ...]:
    """Cut a document into passages of at most `config.size` tokens, including title and headings.

    A chunk holds consecutive text under one heading path. Within a section, at most `config.overlap` tokens
    are repeated from the previous chunk, in whole sentences. Every character except white space is in a
    chunk; the same input gives the same chunks and ids.
    """
    chunks: list[Chunk] = []
    for blocks in _sections(document.blocks):
        for part in _Cutter(document, blocks, config, tokenize).chunks():
            index = len(chunks)
            key = f"{part.source}\0{index}\0{part.passage}"
            identity = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
            chunks.append(replace(part, id=identity, index=index))
    return tuple(chunks)


def _sections(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    section: list[Block] = []
    for block in blocks:
        if section and block.headings != section[-1].headings:
            yield section
            section = []
        section.append(block)
    if section:
        yield section


class _Cutter:
    """One section: from blocks to atoms to chunks."""

    def __init__(
        self, document: Document, blocks: list[Block], config: ChunkingConfig, tokenize: TokenSpans
    ) -> None:
        self.document = document
        self.text = document.text
        self.blocks = blocks
        self.starts = [block.start for block in blocks]
        # Found once: counted again for each chunk, a paragraph of megabytes would take quadratic time.
        self.newlines = [
            match.start() for match in _NEWLINE.finditer(document.text, blocks[0].start, blocks[-1].end)
        ]
        self.size = config.size
        self.overlap = config.overlap
        self.tokenize = tokenize
        self.longest = config.size * _MOST_CHARACTERS_PER_TOKEN
        self.title, self.headings = self._fitting_location(document.title, blocks[0].headings)
        self.room = config.size - self._location_tokens(self.title, self.headings)

    def chunks(self) -> Iterator[Chunk]:
        """The section's chunks in order, without their `id` and `index`, which are set later."""
        atoms = [atom for run in _runs(self.blocks, self.text) for atom in self._atoms(run)]
        left = sum(atom.tokens for atom in atoms)
        begin, first = -1, 0
        while first < len(atoms):
            begin = self._overlap_begin(atoms, begin + 1, first)
            end = self._end(atoms, begin, first, left)
            draft = self._draft(atoms[begin].start, atoms[end - 1].end)
            while draft.tokens > self.size:
                # Rare: a tokenizer that needs more for the whole than for its parts.
                if end - first > 1:
                    end -= 1
                elif begin < first:
                    begin += 1
                elif not self._halve(atoms, first):
                    break
                draft = self._draft(atoms[begin].start, atoms[end - 1].end)
            yield draft
            left -= sum(atom.tokens for atom in atoms[first:end])
            first = end

    def _overlap_begin(self, atoms: list[_Atom], lowest: int, first: int) -> int:
        """The first atom that is repeated from the previous chunk; `first`, the first new one, if none is."""
        begin, tokens = first, 0
        while begin > lowest and atoms[begin - 1].whole and tokens + atoms[begin - 1].tokens <= self.overlap:
            begin -= 1
            tokens += atoms[begin].tokens
        new = atoms[first]
        while begin < first and not self._fits(tokens + new.tokens, new.end - atoms[begin].start):
            tokens -= atoms[begin].tokens
            begin += 1
        return begin

    def _end(self, atoms: list[_Atom], begin: int, first: int, left: int) -> int:
        """Where the chunk ends: full, or at its fair share of the section, so that no tiny rest remains."""
        repeated = sum(atom.tokens for atom in atoms[begin:first])
        fair = float(left)
        if repeated + left > self.room:
            fair = left / math.ceil(
                left / max(1, self.room - max(repeated, min(self.overlap, self.room // 2)))
            )
        best, best_cost, tokens = first + 1, math.inf, 0
        for end in range(first + 1, len(atoms) + 1):
            last = atoms[end - 1]
            tokens += last.tokens
            if end > first + 1 and not self._fits(repeated + tokens, last.end - atoms[begin].start):
                break
            cut_cost = last.cut_cost if end < len(atoms) else 0.0
            cost = abs(tokens - fair) / max(1.0, fair) + cut_cost
            if cost <= best_cost:
                best, best_cost = end, cost
        return best

    def _fits(self, tokens: int, characters: int) -> bool:
        return tokens <= self.room and characters <= self.longest

    def _halve(self, atoms: list[_Atom], index: int) -> bool:
        atom = atoms[index]
        if atom.end - atom.start < 2:
            return False
        middle = (atom.start + atom.end) // 2
        atoms[index : index + 1] = [
            _Atom(
                start,
                end,
                max(1, atom.tokens // 2),
                whole=False,
                cut_cost=atom.cut_cost if end == atom.end else _CUT_PARAGRAPH_COST,
            )
            for start, end in ((atom.start, middle), (middle, atom.end))
        ]
        return True

    def _atoms(self, run: list[Block]) -> Iterator[_Atom]:
        start, end = run[0].start, run[-1].end
        measure = self._measure(start, end)
        if run[0].code:
            yield from self._code_atoms(start, end, measure)
            return
        wholes = [(start + a, start + b) for a, b in split_sentences(self.text[start:end])]
        for span in wholes:
            parts = list(self._cut(*span, measure, 0))
            for part in parts:
                ends = part[1] == wholes[-1][1]
                cost = 0.0 if ends else _CUT_PARAGRAPH_COST
                if ends and self.text.endswith(":", part[0], part[1]):
                    cost = _CUT_LEAD_COST
                yield _Atom(*part, measure(*part), len(parts) == 1, cost)

    def _code_atoms(self, start: int, end: int, measure: Callable[[int, int], int]) -> Iterator[_Atom]:
        parts = list(self._cut(start, end, measure, 0))
        if len(parts) == 1:
            yield _Atom(start, end, measure(start, end), whole=True, cut_cost=0.0)
            return
        lines = [match.span() for match in _SPLITTERS[0].finditer(self.text, start, end)]
        cost_after = dict(zip((line[1] for line in lines), cut_costs(self.text, lines), strict=True))
        for part in parts:
            cost = cost_after.get(part[1], BETWEEN_LINES)
            yield _Atom(*part, measure(*part), whole=False, cut_cost=cost)

    def _cut(
        self, start: int, end: int, measure: Callable[[int, int], int], level: int
    ) -> Iterator[tuple[int, int]]:
        """The span itself if it fits into a chunk; else its lines, else its words, else halves."""
        if self._fits(measure(start, end), end - start) or end - start < 2:
            yield start, end
            return
        if level < len(_SPLITTERS):
            parts = [match.span() for match in _SPLITTERS[level].finditer(self.text, start, end)]
        else:
            middle = (start + end) // 2
            parts = [(start, middle), (middle, end)]
        for part in parts:
            yield from self._cut(*part, measure, level + 1)

    def _measure(self, start: int, end: int) -> Callable[[int, int], int]:
        """How many tokens a span within start..end has, from one tokenization of the whole."""
        token_starts: list[int] = []
        for offset in range(start, end, _MEASURED_CHARACTERS):
            part = self.text[offset : min(offset + _MEASURED_CHARACTERS, end)]
            token_starts.extend(offset + first for first, _ in self.tokenize(part))

        def measure(first: int, last: int) -> int:
            return bisect_left(token_starts, last) - bisect_left(token_starts, first)

        return measure

    def _draft(self, start: int, end: int) -> Chunk:
        first = self.blocks[bisect_right(self.starts, start) - 1]
        last = self.blocks[bisect_left(self.starts, end) - 1]
        draft = Chunk(
            id="",
            source=self.document.source,
            index=0,
            title=self.title,
            headings=self.headings,
            text=self.text[start:end],
            start=start,
            end=end,
            line_start=self._line(first, start),
            # A paragraph of one line of text may be on several lines of the file.
            line_end=last.line_end if end >= last.end else self._line(last, end),
            page_start=first.page,
            page_end=last.page,
            tokens=0,
            format=self.document.format,
            metadata=self.document.metadata,
        )
        return replace(draft, tokens=len(self.tokenize(draft.passage)))

    def _line(self, block: Block, position: int) -> int | None:
        if block.line_start is None or block.line_end is None:
            return None
        passed = bisect_left(self.newlines, position) - bisect_left(self.newlines, block.start)
        return min(block.line_start + passed, block.line_end)

    def _fitting_location(self, title: str, headings: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """Title and headings, shortened until they leave half of the chunk to the text.

        The outer headings go first, then the title, then the last words of the last heading.
        """
        most = int(self.size * _LOCATION_SHARE)

        def fits(title: str, headings: tuple[str, ...]) -> bool:
            length = len(title) + sum(map(len, headings))
            return length <= self.longest // 2 and self._location_tokens(title, headings) <= most

        while len(headings) > 1 and not fits(title, headings):
            headings = headings[1:]
        if headings and not fits(title, headings):
            title = ""
        name = headings[-1] if headings else title
        while name and not fits(title, headings):
            name = _shortened(name)
            title, headings = ("", (name,)) if headings else (name, ())
        return (title, tuple(filter(None, headings)))

    def _location_tokens(self, title: str, headings: tuple[str, ...]) -> int:
        location = Chunk("", "", 0, title, headings, "", 0, 0, 0, 0, None, None, 0).passage
        return len(self.tokenize(location))


def _shortened(name: str) -> str:
    """Without its last word; a single word loses its second half."""
    return name.rsplit(None, 1)[0] if " " in name else name[: len(name) // 2]


def _runs(blocks: Sequence[Block], text: str) -> Iterator[list[Block]]:
    """Blocks of one paragraph together: separated by a page break, without a line end between them."""
    run: list[Block] = []
    for block in blocks:
        if run and (block.code or run[-1].code or "\n" in text[run[-1].end : block.start]):
            yield run
            run = []
        run.append(block)
    if run:
        yield run
