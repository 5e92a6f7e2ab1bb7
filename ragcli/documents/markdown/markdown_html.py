"""HTML within Markdown: which tags are markup, and which are words such as <user> or List<Order>."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragcli.documents.name_lists import names

TAG = re.compile(r"<(/?)([A-Za-z][\w.:-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_COMMENT_OR_TAG = re.compile(r"<!--.*?(?:-->|\Z)|" + TAG.pattern, re.DOTALL)
_CLOSING = re.compile(r"</([A-Za-z][\w-]*)|(-->)|(\?>)")
_ALT = re.compile(r"\salt\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)

_NAMES = (
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote "
    "body br "
    "button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div "
    "dl dt em "
    "embed fieldset figcaption figure font footer form frame frameset g-emoji h1 h2 h3 h4 h5 h6 head "
    "header hgroup "
    "hr html i iframe img input ins kbd label legend li link main map mark marquee math menu meta meter "
    "nav nobr "
    "noembed noframes noscript object ol optgroup option output p param picture plaintext pre progress q "
    "rp rt "
    "ruby s samp script search section select small source span strike strong style sub summary sup svg "
    "table "
    "tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr xmp"
)
_KNOWN = frozenset(_NAMES.split())
_VOID = names("area base br col embed frame hr img input link meta param source track wbr")
_NEED_NO_END = names("p li dt dd td th tr thead tbody tfoot option optgroup colgroup caption rt rp")
# In a paragraph, the text is about them.
_OF_A_PAGE = names("html head body title meta base link noframes noembed plaintext xmp textarea")
# Their content is not text of the page; without an end they would swallow everything after them.
_SWALLOWING = names(
    "script style template title textarea xmp iframe noembed noframes plaintext svg math object applet "
    "select "
    "button datalist audio video canvas noscript map head dialog"
)

Ends = dict[str, int]
"""The name of an element, or "-->" and the like, -> where in the text its last end stands."""


def last_ends(text: str) -> Ends:
    return {match[match.lastindex or 0].lower(): match.start() for match in _CLOSING.finditer(text)}


def without_end(line: str, place: int, ends: Ends) -> bool:
    """Whether an HTML block with this beginning has no end and would continue to the end of the text."""
    for mark, end in (("<!--", "-->"), ("<?", "?>")):
        if line.startswith(mark):
            return ends.get(end, -1) < place
    match = re.match(r"<(script|pre|style|textarea)(?=[\s>]|$)", line, re.IGNORECASE)
    return match is not None and ends.get(match[1].lower(), -1) < place


def with_words(html: str, *, components: bool) -> str:
    """An HTML block in which tags that are not markup are text."""
    ends = last_ends(html)

    def replaced(match: re.Match[str]) -> str:
        name = (match[2] or "").lower()
        unclosed = name in _SWALLOWING and not match[1] and ends.get(name, -1) < match.start()
        if not name or (_is_markup(match[2], components) and not unclosed):
            return match[0]
        return match[0].replace("<", "&lt;")

    return _COMMENT_OR_TAG.sub(replaced, html)


def words_among(tags: Sequence[str], *, components: bool) -> list[bool]:
    """For each tag within a paragraph: whether it is a word that somebody wrote in angle brackets."""
    matches = [TAG.fullmatch(tag) for tag in tags]
    found: list[str] = [match[1] + match[2].lower() if match else "" for match in matches]
    last = {name: place for place, name in enumerate(found)}
    first = {name: place for place, name in reversed([*enumerate(found)])}

    def is_paired(place: int) -> bool:
        name = found[place]
        if name.startswith("/"):
            return first.get(name[1:], place) < place
        return last.get(f"/{name}", place) > place

    return [
        match is not None and _is_word(match, is_paired(place), components)
        for place, match in enumerate(matches)
    ]


def alternative(tag: str) -> str:
    """The text that stands for a picture."""
    match = _ALT.search(tag) if re.match(r"<img\b", tag, re.IGNORECASE) else None
    return next(filter(None, match.groups()), "") if match else ""


def _is_word(tag: re.Match[str], is_paired: bool, components: bool) -> bool:
    closing, name, attributes = tag[1], tag[2].lower(), tag[3]
    if not _is_markup(tag[2], components) or name in _OF_A_PAGE:
        return True
    if is_paired or name in _VOID or name in _NEED_NO_END:
        return False
    # An end often belongs to a beginning in an earlier block.
    return name in _SWALLOWING or not (closing or attributes.strip())


def _is_markup(name: str, components: bool) -> bool:
    return name.lower() in _KNOWN or (components and (name[0].isupper() or "." in name))
