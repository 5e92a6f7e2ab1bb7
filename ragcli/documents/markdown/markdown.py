"""Markdown through markdown-it: the text as displayed, with its lines in the file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragcli.documents.decoding import decode
from ragcli.documents.html_pages.page import read_html
from ragcli.documents.html_pages.visibility import HiddenTags
from ragcli.documents.markdown.front_matter import front_matter
from ragcli.documents.markdown.markdown_html import (
    alternative,
    last_ends,
    with_words,
    without_end,
    words_among,
)
from ragcli.documents.outline import LINE, PARAGRAPH, Outline, Piece
from ragcli.documents.tables import row_line
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

_DEEPEST = 100
_SPACES = re.compile(" {2,}")
_LINE_BREAKS = ("softbreak", "hardbreak")
_HEADING = re.compile("h[1-6]")
# "## Booking {#booking .unnumbered}": for links and styles, as in Pandoc, kramdown and Docusaurus.
_ATTRIBUTES = re.compile(r"\s*\{[#.:][^{}]*\}\s*$")
_HEADING_TAG = re.compile(r"<(/?)h([1-6])(?:\s[^<>]*)?>", re.IGNORECASE)
_BRACES = re.compile(r"\{[^{}]*\}")
_MDX_IMPORT = re.compile(
    r"(?:import\s[^;]*?from\s+['\"][^'\"\n]+['\"];?\s*|import\s+['\"][^'\"\n]+['\"];?\s*)+"
)


def read_markdown(data: bytes, name: str) -> Outline:
    """CommonMark with tables, footnotes, definition lists, formulas and admonitions.

    Front matter gives title and fields; its lines, without the title, are the first piece.
    """
    outline = Outline("markdown")
    text = decode(data, outline.notes)
    front = front_matter(text)
    if front:
        outline.title = front.title
        outline.metadata.update(front.fields)
        outline.add(front.text, lines=(2, 2 + front.text.count("\n")))
        text = "\n" * text.count("\n", 0, front.end) + text[front.end :]
    add_markdown(outline, text, components=name.lower().endswith(".mdx"))
    if front:
        _move_front_matter(outline)
    return outline


def add_markdown(outline: Outline, text: str, *, components: bool = False) -> None:
    """Markdown without front matter, below the section that is open.

    `components`: a tag such as <Tabs> is not a word, as in MDX.
    """
    try:
        _Walk(outline, text, components=components).walk(_parser(text).parse(text))
    except RecursionError as problem:
        raise UnreadableFile("nested too deeply") from problem


def _parser(text: str) -> MarkdownIt:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import html_block
    from mdit_py_plugins.admon import admon_plugin
    from mdit_py_plugins.container import container_plugin
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    ends = last_ends(text)

    def html_with_an_end(state: StateBlock, first: int, last: int, silent: bool) -> bool:
        start = state.bMarks[first] + state.tShift[first]
        line = state.src[start : state.eMarks[first]]
        return not without_end(line, start, ends) and html_block(state, first, last, silent)

    # Deeper nesting is silently dropped; the preset's 20 is ten levels of a list.
    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable(["table", "strikethrough"])
    # Footnotes stay where they are written, with the lines that they have there.
    parser.use(footnote_plugin, inline=False, move_to_end=False, always_match_refs=True)
    parser.use(deflist_plugin).use(admon_plugin)
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
    parser.use(container_plugin, name="box", validate=lambda *_: True)
    parser.block.ruler.at("html_block", html_with_an_end, {"alt": ["paragraph", "reference", "blockquote"]})
    return parser


def _move_front_matter(outline: Outline) -> None:
    """Put the front matter under the heading that follows it, so that it doesn't make a tiny chunk."""
    if len(outline.pieces) > 1 and not outline.pieces[0].headings:
        first, following = outline.pieces[:2]
        outline.pieces[0] = Piece(first.text, following.headings, first.lines, None, PARAGRAPH, code=False)


class _Walk:
    """One pass over markdown-it's flat token list."""

    def __init__(self, outline: Outline, text: str, *, components: bool) -> None:
        self.outline = outline
        self.components = components
        self.ends = last_ends(text)
        self.line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.hidden = HiddenTags()
        # The level of an <h1> whose end comes in a later block.
        self.html_heading = 0
        # The beginning of a footnote or a definition, until its first text.
        self.lead = ""
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
            elif token.type.startswith("math_block"):
                self.outline.add(f"$${token.content}$$ {token.info}", lines=_lines(token))
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
            case "footnote_reference_open":
                self.lead = f"[^{token.meta['label']}]: "
            case "dd_open":
                self.lead = ": "
            case "footnote_reference_close" | "dd_close":
                self.lead = ""
            case "container_box_open":
                self.outline.add(_BRACES.sub("", token.info).strip(), lines=(_lines(token)[0],) * 2)
            case _:
                pass

    def _inline(self, token: Token, kind: str) -> None:
        text = self._displayed(token.children or [])
        first, last = _lines(token)
        if kind in ("th", "td"):
            self.row.append(text)
            self.row_lines = (first, last)
            self.in_header = kind == "th"
        elif _HEADING.fullmatch(kind):
            self.outline.heading(int(kind[1]), _ATTRIBUTES.sub("", text), line=first)
        elif self.html_heading:
            self.outline.heading(self.html_heading, text, line=first)
            self.html_heading = 0
        elif self.markers:
            self._list_text(text, (first, last))
        elif not (self.components and _MDX_IMPORT.fullmatch(text)):
            separator = LINE if self.lead == ": " else PARAGRAPH
            self.outline.add(self.lead + text, lines=(first, last), separator=separator)
            self.lead = ""

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
        """The block's visible text. A tag that it leaves open and hidden hides what follows until its end."""
        first, last = _lines(token)
        was_hidden = self.hidden.active
        self.hidden.feed(token.content)
        if self.hidden.active and self.ends.get(self.hidden.name, -1) < self.line_starts[first - 1]:
            self.hidden = HiddenTags()
        if was_hidden:
            return
        html = with_words(token.content, components=self.components)
        self.outline.replay(read_html(html.encode("utf-8", "ignore"), ""), lines=(first, last))
        opened = [*_HEADING_TAG.finditer(html)][-1:]
        self.html_heading = int(opened[0][2]) if opened and not opened[0][1] else 0

    def _displayed(self, children: Sequence[Token]) -> str:
        parts: list[str] = []
        hidden = HiddenTags()
        tags = [child.content for child in children if child.type == "html_inline"]
        words = iter(words_among(tags, components=self.components))
        for child in children:
            if child.type == "html_inline" and not next(words):
                hidden.feed(child.content)
                parts.append(_shown(child.content))
            elif hidden.active:
                continue
            elif child.type in _LINE_BREAKS:
                parts.append("\n")
            elif child.type == "footnote_ref":
                parts.append(f"[^{child.meta['label']}]")
            elif child.type.startswith("math_inline"):
                parts.append(f"{child.markup}{child.content}{child.markup}")
            elif child.type == "image" and child.children:
                parts.append(self._displayed(child.children))
            else:
                parts.append(child.content)
        return _SPACES.sub(" ", "".join(parts))


def _shown(tag: str) -> str:
    """What a tag within a paragraph shows: a line break as a space, a picture as its text."""
    return " " if tag.lower().startswith("<br") else alternative(tag)


def _lines(token: Token) -> tuple[int, int]:
    """First and last line of the file, from 1 (markdown-it counts from 0, the end left out)."""
    first, end = token.map or [0, 1]
    return first + 1, max(first + 1, end)
