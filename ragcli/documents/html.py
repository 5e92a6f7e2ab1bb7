"""HTML through Beautiful Soup: what a reader of the page sees, without its navigation."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from ragcli.documents.cleaning import looks_binary
from ragcli.documents.html_visibility import drop_invisible, drop_navigation
from ragcli.documents.outline import LINE, PARAGRAPH, Outline, one_line
from ragcli.documents.tables import table_lines
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from bs4.element import Tag

_BLOCK_NAMES = (
    "html body main article section header div p h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table pre blockquote "
    "figure figcaption details summary address fieldset form hr center dialog footer nav aside tbody thead "
    "tfoot tr td th caption"
)
_BLOCK_TAGS = frozenset(_BLOCK_NAMES.split())
_HEADING = re.compile("h[1-6]")
# A <main> that holds less than this share of the page's text is not what the page is about.
_MAIN_SHARE = 0.5


def read_html(data: bytes, name: str) -> Outline:
    """What the page shows. Raises UnreadableFile for binary data and for a page nested absurdly deep."""
    from bs4 import BeautifulSoup

    outline = Outline("html")
    if looks_binary(data):
        raise UnreadableFile("binary")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            soup = BeautifulSoup(data, "lxml", from_encoding=_utf8(data))
        title = soup.title.get_text() if soup.title else ""
        drop_invisible(soup)
        drop_navigation(soup)
        for element in _content(soup):
            _Walk(outline).walk(element)
    except RecursionError as problem:
        raise UnreadableFile("nested too deeply") from problem
    outline.title = _page_title(one_line(title), outline.title)
    return outline


def _utf8(data: bytes) -> str | None:
    """UTF-8 where the bytes are valid in it, whatever the page declares; else Beautiful Soup finds out."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _page_title(title: str, heading: str) -> str:
    """The <title>, but without the site's name: "Holidays | Acme" is "Holidays" where the h1 says so."""
    return heading if heading and heading in title else title or heading


def _content(soup: BeautifulSoup) -> list[Tag]:
    mains = soup.select("main, [role=main]")[:1]
    inside = sum(len(tag.get_text(strip=True)) for tag in mains)
    if mains and inside > _MAIN_SHARE * len(soup.get_text(strip=True)):
        return list(mains)
    return [soup]


class _Walk:
    """Reading order, depth first; inline text gathers until a block begins or ends."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.inline: list[str] = []
        self.marker = ""
        self.depth = 0
        self.items = 0

    def walk(self, element: Tag) -> None:
        self._children(element)
        self._flush()

    def _children(self, element: Tag) -> None:
        from bs4.element import NavigableString, Tag

        for child in element.children:
            if isinstance(child, Tag):
                self._tag(child)
            elif isinstance(child, NavigableString):
                self.inline.append(str(child))

    def _tag(self, tag: Tag) -> None:
        name = tag.name
        if name == "br":
            self.inline.append("\0")
        elif name == "img":
            self.inline.append(f" {tag.get('alt') or ''} ")
        elif name not in _BLOCK_TAGS:
            self._children(tag)
        else:
            self._flush()
            self._block(tag)
            self._flush()

    def _block(self, tag: Tag) -> None:
        name = tag.name
        if _HEADING.fullmatch(name):
            self.outline.heading(int(name[1]), tag.get_text(" ") if tag.find("br") else tag.get_text())
        elif name in ("ul", "ol"):
            self._list(tag)
        elif name == "dl":
            self._definitions(tag)
        elif name == "table" and not _is_layout(tag):
            self._table(tag)
        elif name == "pre":
            self.outline.add(_preformatted(tag), code=True)
        else:
            self._children(tag)

    def _list(self, tag: Tag) -> None:
        if not self.depth:
            self.items = 0
        self.depth += 1
        start = str(tag.get("start") or "1")
        number = int(start) if start.isdigit() else 1
        for item in tag.find_all("li", recursive=False):
            self.marker = f"{number}. " if tag.name == "ol" else "- "
            number += 1
            self._children(item)
            self._flush()
        self.depth -= 1
        self.marker = ""

    def _definitions(self, tag: Tag) -> None:
        term = ""
        lines = []
        for part in tag.find_all(["dt", "dd"]):
            text = one_line(part.get_text(" "))
            if part.name == "dt":
                term = text
            elif text:
                lines.append(f"{term}: {text}" if term else text)
        self.outline.add("\n".join(f"- {line}" for line in lines))

    def _table(self, tag: Tag) -> None:
        caption = tag.find("caption")
        if caption:
            self.outline.add(one_line(caption.get_text(" ")))
            caption.decompose()
        rows, has_header = _rows(tag)
        for number, line in enumerate(table_lines(rows, has_header=has_header)):
            self.outline.add(line, separator=LINE if number else PARAGRAPH)

    def _flush(self) -> None:
        lines = [one_line(part) for part in "".join(self.inline).split("\0")]
        self.inline.clear()
        text = "\n".join(line for line in lines if line)
        if not text:
            return
        if not self.depth:
            self.outline.add(text)
            return
        indent = "  " * (self.depth - 1) + ("" if self.marker else "  ")
        separator = LINE if self.items else PARAGRAPH
        self.outline.add(f"{indent}{self.marker}{text}", separator=separator)
        self.items += 1
        self.marker = ""


def _is_layout(table: Tag) -> bool:
    if table.get("role") in ("presentation", "none"):
        return True
    return table.find("th") is None and table.find(["table", *(f"h{n}" for n in range(1, 7))]) is not None


def _preformatted(tag: Tag) -> str:
    for line_break in tag.find_all("br"):
        line_break.replace_with("\n")
    return str(tag.get_text())


def _rows(table: Tag) -> tuple[list[list[str]], bool]:
    """The cells, one that spans rows repeated in each of them; and whether the first row is a header."""
    rows: list[list[str]] = []
    below: dict[int, tuple[int, str]] = {}
    has_header = False
    for tr in (row for row in table.find_all("tr") if row.find_parent("table") is table):
        cells = tr.find_all(["td", "th"], recursive=False)
        if not rows:
            has_header = bool(cells) and all(cell.name == "th" for cell in cells) and len(cells) > 1
            has_header = has_header or tr.find_parent("thead") is not None
        row: list[str] = []
        for cell in cells:
            _fill_spanned(row, below)
            text = one_line(cell.get_text(" "))
            for copy in range(_span(cell, "colspan")):
                if _span(cell, "rowspan") > 1:
                    below[len(row)] = (_span(cell, "rowspan") - 1, text)
                row.append("" if copy and rows else text)
        _fill_spanned(row, below)
        rows.append(row)
    return rows, has_header


def _fill_spanned(row: list[str], below: dict[int, tuple[int, str]]) -> None:
    while len(row) in below:
        left, text = below.pop(len(row))
        if left > 1:
            below[len(row)] = (left - 1, text)
        row.append(text)


def _span(cell: Tag, attribute: str) -> int:
    value = str(cell.get(attribute) or "1")
    return min(max(int(value), 1), 100) if value.isdigit() else 1
