"""The parts of an HTML page that are not shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

# Scripts and styles; fallbacks for other elements; parts of forms without their own text.
_NEVER_TEXT_NAMES = (
    "script style noscript template head iframe object embed canvas audio video map datalist progress meter "
    "param source track rp annotation annotation-xml"
)
_NEVER_TEXT = frozenset(_NEVER_TEXT_NAMES.split())
_HIDING_STYLE = re.compile(
    r"(?:^|[;{\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)"
    r"|font-size\s*:\s*0(?:px|em|rem|pt|%)?\s*(?:;|!|$))",
    re.IGNORECASE,
)
_SHOWING_STYLE = re.compile(
    r"(?:^|[;{\s])(?:display\s*:\s*(?!none)\w|visibility\s*:\s*visible|opacity\s*:\s*(?:1|0?\.\d*[1-9])"
    r"|font-size\s*:\s*(?:0?\.)?[1-9])",
    re.IGNORECASE,
)
# Icons that are drawn by a font: their letters are the icon's name, which nobody sees. And Doxygen's
# tooltips, which its own style sheet hides.
_UNSEEN_CLASSES = re.compile(r"(?:^|\s)(?:material-(?:icons|symbols)[\w-]*|katex-html|ttc)(?:\s|$)")
_WIDE_SCREEN = re.compile(r"@media\s+(?:only\s+)?(?:screen|all)\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_AT_RULE = re.compile(r"@[^{};@]*(?:;|\{(?:[^{}]|\{[^{}]*\})*\})")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_VOID_NAMES = "area base br col embed hr img input link meta source track wbr"


def hidden_elements(root: _Element) -> frozenset[_Element]:
    """The outermost elements that attributes or the page's own styles hide, or that never show as text."""
    hidden = {element for element in root.iter("*") if _is_hidden(element)}
    rules = "\n".join(style.text or "" for style in root.iter("style"))
    by_rule = hidden.union(_hidden_by_rule(root, rules))
    # A page of slides hides all of them until its script shows one.
    return frozenset(by_rule if _shows_words(root, by_rule) else hidden)


def _shows_words(element: _Element, hidden: set[_Element]) -> bool:
    if element in hidden or not isinstance(element.tag, str):
        return False
    texts = [element.text, *(child.tail for child in element)]
    return any(text and not text.isspace() for text in texts) or any(
        _shows_words(child, hidden) for child in element
    )


def _is_hidden(element: _Element) -> bool:
    if element.tag in _NEVER_TEXT:
        return True
    if not element.attrib:
        return bool(element.tag == "dialog")
    if element.tag == "dialog" and element.get("open") is None:
        return True
    if element.get("hidden", "until-found") != "until-found":
        return True
    if _HIDING_STYLE.search(element.get("style", "")):
        return True
    return bool(_UNSEEN_CLASSES.search(element.get("class", "")))


def _hidden_by_rule(root: _Element, css: str) -> Iterator[_Element]:
    """Elements that the page's own style sheet hides and does not show again in a later or stronger rule.

    Rules for print and narrow screens, and those that depend on what the reader does, are left out.
    """
    verdicts: dict[_Element, tuple[tuple[int, int, int], bool]] = {}
    for selector, body in _rules(css):
        hides = bool(_HIDING_STYLE.search(body))
        if hides or (verdicts and _SHOWING_STYLE.search(body)):
            for element, strength in _selected(root, selector):
                if element not in verdicts or strength >= verdicts[element][0]:
                    verdicts[element] = strength, hides
    for element, (_, is_hidden) in verdicts.items():
        if is_hidden and element.tag not in ("html", "body"):
            yield element


def _rules(css: str) -> Iterator[tuple[str, str]]:
    on_screens = _WIDE_SCREEN.sub(r"\1", _COMMENT.sub("", css))
    for rule in _AT_RULE.sub("", on_screens).split("}"):
        selectors, brace, body = rule.rpartition("{")
        if brace:
            for selector in selectors.split(","):
                if ":" not in selector:
                    yield selector.strip(), body


def _selected(root: _Element, selector: str) -> Iterator[tuple[_Element, tuple[int, int, int]]]:
    from cssselect import HTMLTranslator, SelectorError, parse

    try:
        for parsed in parse(selector):
            for element in root.xpath(HTMLTranslator().selector_to_xpath(parsed)):
                yield element, parsed.specificity()
    except SelectorError:
        return


class HiddenTags:
    """Follows HTML tags that come one by one between other text, as in Markdown, and says whether the place
    is hidden.
    """

    _TAG = re.compile(
        r"<!--.*?(?:-->|\Z)|<(/?)([a-zA-Z][\w-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>", re.DOTALL
    )
    _VOID = frozenset(_VOID_NAMES.split())
    _HIDING_ATTRIBUTE = re.compile(r"\shidden(?:[\s=/]|$)", re.IGNORECASE)
    _STYLE = re.compile(r"style\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)

    def __init__(self) -> None:
        self._name = ""
        self._depth = 0

    @property
    def active(self) -> bool:
        return self._depth > 0

    @property
    def name(self) -> str:
        """The name of the element that hides the place, or that last hid one."""
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
