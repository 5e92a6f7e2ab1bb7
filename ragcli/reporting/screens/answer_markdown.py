"""An LLM's Markdown on a terminal: laid out, without anything active or hidden.

Links, images, HTML and character references stay plain text: a link's text could name another place than its
address, and a renderer would drop what it does not know. Text between underscores also stays: `__init__.py`
is a name.
"""

from __future__ import annotations

from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, emphasis
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.padding import Padding
from rich.text import Text

from ragcli.reporting import plain_text as words

LITERAL = ["link", "image", "autolink", "reference", "html_inline", "html_block", "entity"]


class _PlainCode(CodeBlock):
    """Indented and in one colour: the themes of highlighters suit only light or dark backgrounds."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Padding(Text(str(self.text).rstrip(), "markdown.code_block", overflow="fold"), (0, 0, 0, 2))


class _LeftHeading(Heading):
    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class AnswerMarkdown(Markdown):
    """Cleaned of control characters; [1] stays a citation even if the text defines it otherwise."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "fence": _PlainCode,
        "code_block": _PlainCode,
        "heading_open": _LeftHeading,
    }

    def __init__(self, text: str) -> None:
        super().__init__("")
        self.markup = words.clean(text).strip()
        self.parsed = _parser().parse(self.markup)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table").disable(LITERAL)
    parser.inline.ruler.at("emphasis", _stars_alone)
    return parser


def _stars_alone(state: StateInline, silent: bool) -> bool:
    return state.src[state.pos] != "_" and emphasis.tokenize(state, silent)
