"""The parts of an HTML page that only lead elsewhere: menus, page headers and footers, link signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ragcli.documents.html_pages.names import HEADINGS
from ragcli.documents.left_out import word_count

if TYPE_CHECKING:
    from lxml.etree import _Element

_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "menu", "menubar"})
# Part of the page if they are outside the text, and part of the text if they are in it.
_EDGES = frozenset({"header", "footer", "aside"})
_TEXT_PARTS = frozenset({"main", "article", "section", "blockquote", "figure", "dialog", "details"})
_MAIN = "//main | //*[@role='main'] | //article"
# What well-known programs write around the text of a page: DocBook, Sphinx, javadoc, Doxygen.
_GENERATED_NAMES = (
    "navheader navfooter sphinxsidebar topnav bottomnav subnav skipnav nav-path navpath skip-link "
    "skip_link skiplink mw-editsection mw-jump-link"
)
_GENERATED = frozenset(_GENERATED_NAMES.split())
_CONTAINERS = frozenset(
    {"div", "ul", "ol", "dl", "table", "td", "tr", "p", "center", "section", "form", "span"}
)
_PERHAPS = re.compile(
    r"(?:^|[\s_-])(?:nav(?:bar|bars|igation|links?|-?panel)?|breadcrumbs?|sidebar|side-?nav|menu\w*|mainmenu"
    r"|pag(?:er|ination)|prev-?next|related|toplinks|footer|header)(?:$|[\s_-])",
    re.IGNORECASE,
)
_MOSTLY_LINKS = 0.5
_SIGNS = frozenset("#\N{PILCROW SIGN}\N{SECTION SIGN}\N{LINK SYMBOL}\N{ANCHOR}\N{INFINITY}\u204b")
# Of the private use area: a drawing in a font of icons, as the themes of Sphinx have it.
_ICON = re.compile("[\ue000-\uf8ff]+")
_SIGN_NAMES = frozenset({"link", "permalink", "permanent link", "anchor", "link to this heading", "[link]"})
_SIGN_CLASS = re.compile(r"headerlink|permalink|anchor|hash-link|self-?link|heading-?link", re.IGNORECASE)
_TITLED = frozenset({*HEADINGS, "dt", "caption", "figcaption", "summary"})


def navigation_elements(root: _Element, hidden: frozenset[_Element]) -> tuple[frozenset[_Element], int]:
    """The outermost elements that are navigation, and how many words they show; none if they are all."""
    is_page = bool(root.xpath(_MAIN))
    found = tuple(_outermost(root, hidden, is_page=is_page))
    within = sum(_words(element, hidden) for element in found)
    if within and within == _words(root, hidden):
        return frozenset(), 0
    return frozenset(found), within


def is_sign(link: _Element) -> bool:
    """Whether this is the mark next to a heading that links to the heading itself."""
    target = link.get("href", "")
    if "#" not in target:
        return False
    text = "".join(link.itertext()).strip().strip("\ufe0e\ufe0f").lower()
    parent = link.getparent()
    is_titled = parent is not None and parent.tag in _TITLED
    if (text in _SIGNS and text != "#") or _ICON.fullmatch(text):
        return True
    is_marked = is_titled or bool(_SIGN_CLASS.search(link.get("class", "")))
    return is_marked and (text == "#" or text in _SIGN_NAMES)


def _words(element: _Element, hidden: frozenset[_Element]) -> int:
    return sum(map(word_count, _texts(element, hidden)))


def _texts(element: _Element, hidden: frozenset[_Element]) -> Iterator[str]:
    if element.tag == "img":
        yield element.get("alt", "")
    if element.text and isinstance(element.tag, str):
        yield element.text
    for child in element:
        if isinstance(child.tag, str) and child not in hidden:
            yield from _texts(child, hidden)
        if child.tail:
            yield child.tail


def _outermost(element: _Element, hidden: frozenset[_Element], *, is_page: bool) -> Iterator[_Element]:
    for child in element:
        if not isinstance(child.tag, str) or child in hidden:
            continue
        if _is_navigation(child, hidden, is_page=is_page):
            yield child
        elif child.tag != "blockquote":
            yield from _outermost(child, hidden, is_page=is_page)


def _is_navigation(element: _Element, hidden: frozenset[_Element], *, is_page: bool) -> bool:
    if element.tag == "nav" or element.get("role") in _ROLES:
        return True
    if element.tag in _EDGES and not _is_in_text(element):
        if element.tag == "header" and _holds_the_heading(element):
            return False
        return element.tag == "footer" or is_page or _is_mostly_links(element, hidden)
    names = f"{element.get('class', '')} {element.get('id', '')}".strip()
    if names:
        if not _GENERATED.isdisjoint(names.lower().split()):
            return True
        if element.tag in _CONTAINERS and _PERHAPS.search(names) and _is_mostly_links(element, hidden):
            return True
    if element.tag == "button":
        # "Copy", drawn over code.
        return next(element.iterancestors("pre"), None) is not None
    if element.tag == "a" and element.get("href", "").startswith("#"):
        return "".join(element.itertext()).strip().lower().startswith("skip to ")
    return element.tag == "menu" and _is_mostly_links(element, hidden)


def _is_in_text(element: _Element) -> bool:
    return any(
        ancestor.tag in _TEXT_PARTS or ancestor.get("role") == "main" for ancestor in element.iterancestors()
    )


def _holds_the_heading(header: _Element) -> bool:
    inside = sum(1 for _ in header.iter("h1"))
    return inside > 0 and inside == sum(1 for _ in header.getroottree().iter("h1"))


def _is_mostly_links(element: _Element, hidden: frozenset[_Element]) -> bool:
    if element.tag in ("a", "body", "html"):
        return False
    linked = sum(_words(link, hidden) for link in element.iter("a") if link.get("href"))
    return linked > _MOSTLY_LINKS * _words(element, hidden)
