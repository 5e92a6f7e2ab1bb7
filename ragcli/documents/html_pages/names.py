"""The elements of HTML that begin a new line, and which of them are lists, code and headings."""

from __future__ import annotations

_BLOCK_NAMES = (
    "html body main article section header div p h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table pre blockquote "
    "figure figcaption details summary address fieldset legend form hr center dialog footer nav aside tbody "
    "thead tfoot tr td th caption menu dir search hgroup xmp listing plaintext frameset noframes"
)
BLOCKS = frozenset(_BLOCK_NAMES.split())
LISTS = frozenset({"ul", "ol", "menu", "dir"})
CODE = frozenset({"pre", "xmp", "listing", "plaintext"})
ARIA_LEVELS = frozenset("123456789")
HEADINGS = {f"h{level}": level for level in range(1, 7)}
