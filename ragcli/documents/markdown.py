"""Markdown through markdown-it: the text as displayed, at the lines where it stands in the file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragcli.documents.cleaning import decode
from ragcli.documents.html import read_html
from ragcli.documents.html_visibility import HiddenTags
from ragcli.documents.outline import LINE, PARAGRAPH, Outline, Piece
from ragcli.documents.tables import row_line
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"title[ \t]*:[ \t]*(.*)", re.IGNORECASE)
_DEEPEST = 100
_SPACES = re.compile(" {2,}")
_LINE_BREAKS = {"softbreak": "\n", "hardbreak": "\n"}


def read_markdown(data: bytes, name: str) -> Outline:
    """CommonMark with tables. Front matter gives the title; its other lines are the first piece."""
    outline = Outline("markdown")
    text = decode(data)
    front = _FRONT_MATTER.match(text)
    if front:
        _read_front_matter(outline, front[1] or "")
        text = "\n" * front[0].count("\n") + text[front.end() :]
    add_markdown(outline, text)
    _move_front_matter(outline, bool(front))
    return outline


def add_markdown(outline: Outline, text: str) -> None:
    """Markdown without front matter, below the section that is open."""
    try:
        tokens = _parser().parse(text)
    except RecursionError as problem:
        raise UnreadableFile("nested too deeply") from problem
    _Walk(outline).walk(tokens)


def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # What is nested deeper is dropped without a word; the preset's 20 is ten levels of a list.
    return MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable(["table", "strikethrough"])


def _read_front_matter(outline: Outline, text: str) -> None:
    kept = []
    for line in text.rstrip("\n").split("\n"):
        match = _TITLE.match(line)
        if match and not outline.title:
            outline.title = match[1].strip().strip("\"'")
            line = ""
        kept.append("" if line.lstrip().startswith("#") else line)
    outline.add("\n".join(kept), lines=(2, 1 + len(kept)))


def _move_front_matter(outline: Outline, has_front_matter: bool) -> None:
    """Put the front matter under the heading that follows it, so that it doesn't make a tiny chunk."""
    if has_front_matter and len(outline.pieces) > 1 and not outline.pieces[0].headings:
        first, following = outline.pieces[:2]
        outline.pieces[0] = Piece(first.text, following.headings, first.lines, None, PARAGRAPH, code=False)


class _Walk:
    """One pass over markdown-it's flat token list."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.hidden = HiddenTags()
        self.markers: list[str] = []
        self.fresh_item = False
        self.list_items = 0
        self.header: list[str] = []
        self.row: list[str] = []
        self.rows = 0
        self.row_lines = (1, 1)
        self.in_header = False

    def walk(self, tokens: Sequence[Token]) -> None:
        kind = ""
        for token in tokens:
            if token.type == "html_block":
                self._html(token)
            elif self.hidden.active:
                continue
            elif token.type == "inline":
                self._inline(token, kind)
            elif token.type in ("fence", "code_block"):
                self._code(token)
            else:
                kind = token.tag if token.nesting == 1 else ""
                self._structure(token)

    def _structure(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                if not self.markers:
                    self.list_items = 0
                self.markers.append("")
            case "bullet_list_close" | "ordered_list_close":
                self.markers.pop()
            case "list_item_open":
                self.markers[-1] = f"{token.info}{token.markup} " if token.info else "- "
                self.fresh_item = True
            case "table_open":
                self.header, self.rows = [], 0
            case "tr_open":
                self.row = []
            case "tr_close":
                self._end_row()
            case "table_close":
                if not self.rows:
                    self.outline.add(row_line(self.header), lines=self.row_lines)
            case _:
                pass

    def _inline(self, token: Token, kind: str) -> None:
        text = self._displayed(token.children or [])
        first, last = _lines(token)
        if kind in ("th", "td"):
            self.row.append(text)
            self.row_lines = (first, last)
            self.in_header = kind == "th"
        elif re.fullmatch("h[1-6]", kind):
            self.outline.heading(int(kind[1]), text, line=first)
        elif self.markers:
            self._list_text(text, (first, last))
        else:
            self.outline.add(text, lines=(first, last))

    def _list_text(self, text: str, lines: tuple[int, int]) -> None:
        marker = self.markers[-1] if self.fresh_item else " " * len(self.markers[-1])
        indent = "  " * (len(self.markers) - 1)
        hanging = "\n" + indent + " " * len(self.markers[-1])
        separator = LINE if self.list_items else PARAGRAPH
        body = text.replace("\n", hanging)
        self.outline.add(f"{indent}{marker}{body}", lines=lines, separator=separator)
        self.fresh_item = False
        self.list_items += 1

    def _end_row(self) -> None:
        if self.in_header:
            self.header = self.row
            return
        separator = LINE if self.rows else PARAGRAPH
        self.outline.add(row_line(self.row, self.header), lines=self.row_lines, separator=separator)
        self.rows += 1

    def _code(self, token: Token) -> None:
        first, last = _lines(token)
        text = token.content.rstrip("\n")
        if token.type == "fence":
            first = min(first + 1, last)
        self.outline.add(text, lines=(first, min(last, first + text.count("\n"))), code=True)

    def _html(self, token: Token) -> None:
        """The block's visible text. A tag that it leaves open and hidden hides what follows as well."""
        was_hidden = self.hidden.active
        self.hidden.feed(token.content)
        if was_hidden:
            return
        first, last = _lines(token)
        for piece in read_html(token.content.encode("utf-8", "ignore"), "").pieces:
            self.outline.add(piece.text, lines=(first, last), separator=piece.separator, code=piece.code)

    def _displayed(self, children: Sequence[Token]) -> str:
        parts: list[str] = []
        hidden = HiddenTags()
        for child in children:
            if child.type == "html_inline":
                hidden.feed(child.content)
                parts.append(" " if child.content.lower().startswith("<br") else "")
            elif child.type in _LINE_BREAKS:
                parts.append(_LINE_BREAKS[child.type])
            elif not hidden.active:
                parts.append(child.content)
        return _SPACES.sub(" ", "".join(parts))


def _lines(token: Token) -> tuple[int, int]:
    """First and last line of the file, from 1 (markdown-it counts from 0, the end left out)."""
    first, end = token.map or [0, 1]
    return first + 1, max(first + 1, end)
