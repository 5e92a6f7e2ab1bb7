"""HTML through lxml: what a reader of the page sees, without its navigation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragcli.documents.html_pages.navigation import navigation_elements
from ragcli.documents.html_pages.parsing import parse
from ragcli.documents.html_pages.visibility import hidden_elements
from ragcli.documents.html_pages.walk import Walk
from ragcli.documents.left_out import words
from ragcli.documents.outline import Outline, one_line
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from lxml.etree import _Element


def read_html(data: bytes, name: str, *, is_chapter: bool = False) -> Outline:
    """What the page shows, with the lines of the file; the notes say what was left out as navigation.

    A chapter of a book has no navigation: everything is text. Raises UnreadableFile for binary data and for a
    page nested absurdly deep.
    """
    outline = Outline("html")
    root = parse(data, name, outline.notes)
    if root is None:
        return outline
    try:
        hidden = hidden_elements(root)
        navigation, left_out = (frozenset(), 0) if is_chapter else navigation_elements(root, hidden)
        walk = Walk(outline, hidden | navigation)
        walk.walk(root)
    except RecursionError as problem:
        raise UnreadableFile("nested too deeply") from problem
    if left_out:
        outline.notes.append(f"navigation of {words(left_out)} left out")
    outline.title = _page_title(_title(root), walk.titles) or walk.first_heading
    return outline


def _title(root: _Element) -> str:
    """The page's own <title>; drawings in it may also have one."""
    for title in root.iter("title"):
        if next(title.iterancestors("svg"), None) is None:
            return one_line("".join(title.itertext()))
    return ""


def _page_title(title: str, headings: list[str]) -> str:
    """The <title> without the site's name: "Holidays | Acme" is "Holidays" if an h1 says so."""
    within = [heading for heading in headings if heading in title]
    return min(within, key=title.index) if within else title or "".join(headings[:1])
