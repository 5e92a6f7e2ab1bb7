"""What of an HTML page is not shown, and what is shown but only leads elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_NEVER_TEXT = (
    "script style noscript template svg iframe object embed canvas audio video map head "
    "select button input textarea datalist progress meter"
)
_NAVIGATION = (
    "nav, footer, aside, menu, [role=navigation], [role=banner], [role=contentinfo], [role=search], "
    "[role=complementary], [role=menu], [role=menubar]"
)
_HIDDEN = "[hidden], [aria-hidden=true], dialog:not([open]), [style]"
_HIDING_STYLE = re.compile(
    r"(?:^|[;{\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)"
    r"|font-size\s*:\s*0(?:px|em|rem|pt|%)?\s*(?:;|!|$))",
    re.IGNORECASE,
)
_AT_RULE = re.compile(r"@[^{};@]*(?:;|\{(?:[^{}]|\{[^{}]*\})*\})")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_VOID_NAMES = "area base br col embed hr img input link meta source track wbr"


def drop_invisible(soup: BeautifulSoup) -> None:
    """Remove comments, scripts, form fields and what attributes or the page's own styles hide."""
    from bs4.element import PreformattedString

    rules = "\n".join(style.get_text() for style in soup.find_all("style"))
    for node in soup.find_all(string=lambda text: isinstance(text, PreformattedString)):
        node.extract()
    for tag in soup.find_all(_NEVER_TEXT.split()):
        tag.decompose()
    for tag in soup.select(_HIDDEN):
        style = str(tag.get("style") or "")
        only_styled = not (tag.has_attr("hidden") or tag.get("aria-hidden") == "true" or tag.name == "dialog")
        if not tag.decomposed and (not only_styled or _HIDING_STYLE.search(style)):
            tag.decompose()
    _drop_hidden_by_rule(soup, rules)


def _drop_hidden_by_rule(soup: BeautifulSoup, css: str) -> None:
    """Elements that the page's own style sheet hides; rules for print and narrow screens are left out."""
    from soupsieve import SelectorSyntaxError

    for rule in _AT_RULE.sub("", _COMMENT.sub("", css)).split("}"):
        selector, brace, body = rule.rpartition("{")
        if not brace or not _HIDING_STYLE.search(body) or ":" in selector:
            continue
        try:
            hidden = soup.select(selector.strip())
        except SelectorSyntaxError:
            continue
        for tag in hidden:
            if not tag.decomposed and tag.name not in ("html", "body"):
                tag.decompose()


def drop_navigation(soup: BeautifulSoup) -> None:
    """Drop navigation, unless the page is nothing else."""
    found = [tag for tag in soup.select(_NAVIGATION) if not tag.find_parent("blockquote")]
    outer = [tag for tag in found if not any(parent in found for parent in tag.parents)]
    within = sum(len(tag.get_text(strip=True)) for tag in outer)
    if within < len(soup.get_text(strip=True)):
        for tag in outer:
            tag.decompose()


class HiddenTags:
    """Follows HTML tags that come one by one between other text, as in Markdown: is the place hidden?"""

    _TAG = re.compile(
        r"<!--.*?(?:-->|\Z)|<(/?)([a-zA-Z][\w-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>", re.DOTALL
    )
    _VOID = frozenset(_VOID_NAMES.split())
    _HIDING_ATTRIBUTE = re.compile(r"\shidden(?:[\s=/]|$)|aria-hidden\s*=\s*[\"']?true", re.IGNORECASE)
    _STYLE = re.compile(r"style\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)

    def __init__(self) -> None:
        self._name = ""
        self._depth = 0

    @property
    def active(self) -> bool:
        return self._depth > 0

    @property
    def name(self) -> str:
        """Of the element that hides the place, or that hid one last."""
        return self._name

    def feed(self, html: str) -> None:
        for match in self._TAG.finditer(html):
            closing, name, attributes = match[1], (match[2] or "").lower(), match[3] or ""
            if not name or name in self._VOID or attributes.endswith("/"):
                continue
            if self._depth:
                if name == self._name:
                    self._depth += -1 if closing else 1
            elif not closing and (name in ("script", "style", "template") or self._hides(attributes)):
                self._name, self._depth = name, 1

    def _hides(self, attributes: str) -> bool:
        style = self._STYLE.search(attributes)
        plain = self._STYLE.sub("", attributes)
        hiding = bool(style and _HIDING_STYLE.search(style[1] or style[2] or ""))
        return hiding or bool(self._HIDING_ATTRIBUTE.search(plain))
