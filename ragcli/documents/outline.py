"""What every reader fills: headings and pieces of text in reading order, which become one Document."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from ragcli.documents.unreadable import UnreadableFile
from ragcli.text.clean import clean
from ragcli.types import Block, Document, MetadataValue

PARAGRAPH = "\n\n"
LINE = "\n"
RUN_ON = " "

# A longer "heading" is a paragraph in a heading style.
LONGEST_HEADING = 200
# Limits of a document's metadata, for filters: entries, characters of a name, characters of a value.
MOST_METADATA = 20
LONGEST_KEY = 40
LONGEST_VALUE = 200


@dataclass(frozen=True, slots=True)
class Piece:
    """A block before it has offsets. `lines` are those of the file; None if the format has none."""

    text: str
    headings: tuple[str, ...]
    lines: tuple[int, int] | None
    page: int | None
    separator: str
    code: bool
    is_heading: bool = False


class Outline:
    """Collects a document from top to bottom.

    A heading is not text by itself: it is the path of the text under it, and becomes a piece only if there is
    nothing under it, so that no part of a document is lost.
    """

    def __init__(self, format: str) -> None:
        self.format = format
        self.title = ""
        self.pages: int | None = None
        # The current slide, cell or message: the page of added text, which then has no lines.
        self.part: int | None = None
        self.pieces: list[Piece] = []
        # What was left out or guessed, one line each, for the report of the ingest.
        self.notes: list[str] = []
        # What the document says about itself (author, date, tags), for `--where`.
        self.metadata: dict[str, MetadataValue] = {}
        self._path: list[tuple[int, str]] = []
        # Every heading in order, and every section that was left (""): the pieces before it, its level, its
        # text.
        self._opened: list[tuple[int, int, str]] = []
        self._first_heading = ""
        self._bare: Piece | None = None

    @property
    def headings(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._path)

    def heading(
        self,
        level: int,
        text: str,
        *,
        line: int | None = None,
        page: int | None = None,
        may_be_title: bool = True,
    ) -> None:
        """Open a section; the first heading of level 1, else the first, is the title if none is set."""
        text = one_line(text)
        if not text:
            return
        if len(text) > LONGEST_HEADING:
            self.add(text, lines=None if line is None else (line, line), page=page)
            return
        if self._bare and not (self._path and level > self._path[-1][0]):
            self.pieces.append(self._bare)
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        lines = None if line is None else (line, line)
        self._bare = self._piece(text, lines, page, PARAGRAPH, code=False, is_heading=True)
        self._opened.append((len(self.pieces), level, text))
        if may_be_title and not self._first_heading:
            self._first_heading = text
        self._path.append((level, text))
        if level == 1 and not self.title:
            self.title = text

    def close(self, level: int) -> None:
        """Leave the sections of this level and below it, as at the end of a definition."""
        if self._path and self._path[-1][0] >= level:
            self._settle()
            self._opened.append((len(self.pieces), level, ""))
        while self._path and self._path[-1][0] >= level:
            self._path.pop()

    def set_path(self, names: tuple[str, ...]) -> None:
        """Go to the section with these names, whatever was open; () is the document itself."""
        self._settle()
        self._path = list(enumerate(names, start=1))

    def add(
        self,
        text: str,
        *,
        lines: tuple[int, int] | None = None,
        page: int | None = None,
        separator: str = PARAGRAPH,
        code: bool = False,
    ) -> None:
        """Append a piece; `lines` are its first and last line in the file, one for each line of `text`."""
        if not text.strip():
            return
        self._bare = None
        self.pieces.append(self._piece(text, lines, page, separator, code=code))

    def include(self, other: Outline) -> None:
        """Append a document that is inside this one, below the open section. Its lines are not those of this
        file.
        """
        other._settle()
        if other.pieces:
            self._bare = None
        path = self.headings
        for piece in other.pieces:
            own = piece.headings[1:] if piece.headings[:1] == path[-1:] else piece.headings
            page = piece.page if self.part is None else self.part
            self.pieces.append(replace(piece, headings=(*path, *own), lines=None, page=page))
        self.notes += other.notes

    def replay(self, other: Outline, *, lines: tuple[int, int]) -> None:
        """Add the result of another reader for these lines of the file, headings as headings."""
        opened = iter([*other._opened, (len(other.pieces) + 1, 0, "")])
        place, level, heading = next(opened)
        for index, piece in enumerate([*other.pieces, None]):
            while place <= index:
                if heading:
                    self.heading(level, heading, line=lines[0])
                elif level:
                    self.close(level)
                place, level, heading = next(opened)
            if piece and not piece.is_heading:
                self.add(piece.text, lines=lines, separator=piece.separator, code=piece.code)

    def document(self, *, source: str, fallback_title: str, sha256: str) -> Document:
        """Clean, join and measure the pieces. Raises UnreadableFile if no text is left."""
        self._settle()
        title = one_line(self.title) or self._first_heading or fallback_title
        pieces = [piece for piece in map(_cleaned, self.pieces) if piece.text]
        pieces = [piece for piece in pieces if piece.headings or piece.text != title] or pieces[:1]
        if not pieces:
            raise UnreadableFile("holds no text")
        text, blocks = _joined(pieces)
        return Document(
            source,
            title,
            text,
            self.format,
            sha256,
            blocks,
            self.pages,
            notes=tuple(dict.fromkeys(filter(None, map(one_line, self.notes)))),
            metadata=tuple(_described(self.metadata)),
        )

    def _piece(
        self,
        text: str,
        lines: tuple[int, int] | None,
        page: int | None,
        separator: str,
        *,
        code: bool,
        is_heading: bool = False,
    ) -> Piece:
        if self.part is not None:
            lines, page = None, self.part
        return Piece(text, self.headings, lines, page, separator, code, is_heading)

    def _settle(self) -> None:
        if self._bare:
            self.pieces.append(self._bare)
            self._bare = None


def one_line(text: str) -> str:
    """Cleaned, with every run of white space as one space."""
    return " ".join(clean(text).split())


def _cleaned(piece: Piece) -> Piece:
    text = "\n".join(line.rstrip() for line in clean(piece.text).split("\n"))
    body = text.lstrip("\n")
    dropped = len(text) - len(body)
    body = body.rstrip()
    lines = piece.lines
    if not (piece.code or lines) and piece.separator == PARAGRAPH:
        body = body.lstrip()
    if lines:
        lines = (min(lines[0] + dropped, lines[1]), lines[1])
    headings = tuple(filter(None, map(one_line, piece.headings)))
    return replace(piece, text=body, headings=headings, lines=lines)


def _joined(pieces: list[Piece]) -> tuple[str, tuple[Block, ...]]:
    parts: list[str] = []
    blocks: list[Block] = []
    position = 0
    for piece in pieces:
        if blocks:
            separator = piece.separator if piece.headings == blocks[-1].headings else PARAGRAPH
            parts.append(separator)
            position += len(separator)
        start = position
        parts.append(piece.text)
        position += len(piece.text)
        lines = piece.lines or (None, None)
        blocks.append(Block(start, position, piece.headings, lines[0], lines[1], piece.page, piece.code))
    return "".join(parts), tuple(blocks)


def _described(metadata: Mapping[str, MetadataValue]) -> Iterator[tuple[str, MetadataValue]]:
    """Names as --where takes them; lists of values are not for filters, and an essay is not metadata."""
    for name, value in islice(metadata.items(), MOST_METADATA):
        key = "_".join(re.findall(r"\w+", one_line(name).lower()))[:LONGEST_KEY]
        if isinstance(value, str):
            value = one_line(value)[:LONGEST_VALUE].strip()
        if key and value != "" and not (isinstance(value, float) and not math.isfinite(value)):
            yield key, value


_COMMON_NAME = re.compile(r"[_\-\s]+")


def title_from_name(stem: str) -> str:
    """The file's name as words: "travel-policy" becomes "travel policy"."""
    return _COMMON_NAME.sub(" ", stem).strip() or stem
