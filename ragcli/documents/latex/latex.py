"""LaTeX through pylatexenc: the text that is printed, sections as headings, tables as rows; no preamble."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from ragcli.documents.decoding import decode
from ragcli.documents.latex.latex_code import with_verbatim
from ragcli.documents.latex.latex_formulas import with_known_commands
from ragcli.documents.latex.latex_table import TABLES, table
from ragcli.documents.latex.latex_words import SILENT, Node, arguments, context, last_argument, words
from ragcli.documents.name_lists import names
from ragcli.documents.outline import LINE, PARAGRAPH, Outline, one_line
from ragcli.documents.tables import table_lines
from ragcli.documents.unreadable import UnreadableFile

_BODY = re.compile(r"(?<!\\)\\begin\{document\}(.*?)(?:\\end\{document\}|\Z)", re.DOTALL)
_BRACES = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
_DEFINED = re.compile(
    r"\\(?:re)?newcommand\*?\s*\{?\\([A-Za-z]+)\}?\s*" + _BRACES + r"|\\def\\([A-Za-z]+)" + _BRACES
)
_STATED = re.compile(r"\\(title|author|date)\s*(?:\[[^\]]*\])?\s*" + _BRACES)
_LEVELS = {
    "part": 1, "chapter": 2, "section": 3, "frametitle": 4, "subsection": 4, "subsubsection": 5,
    "paragraph": 6, "subparagraph": 7,
}  # fmt: skip
_LISTS = {"itemize": "- ", "enumerate": "", "description": "- ", "compactitem": "- ", "compactenum": ""}
_NOT_PRINTED = re.compile(r"\\begin\{comment\}.*?\\end\{comment\}|\\iffalse\b.{0,5000}?\\fi\b", re.DOTALL)
_FORMULAS = names(
    "equation equation* align align* gather gather* multline multline* eqnarray eqnarray* displaymath math "
    "alignat "
    "alignat* flalign flalign*"
)
_LEFT_OUT = {"tikzpicture": "drawing", "pgfpicture": "drawing", "picture": "drawing"}
_INCLUDES = frozenset(["input", "include", "subfile", "includepdf"])
_SHOWN_WORD = re.compile(r"(?<![\\\w])[^\W\d_]{3,}")
_BLANK = re.compile(r"\n[ \t]*\n\s*")
_LABEL = re.compile(r"\\label\{[^{}]*\}")
_VERBATIM_OPTIONS = re.compile(r"[ \t]*(?:\[[^\]\n]*\])?(?:\{[^}\n]*\})?[ \t]*\n")


def read_latex(data: bytes, name: str) -> Outline:
    """Lines are those of the file. Files that it includes are not read; notes say so, also for drawings."""
    from pylatexenc.latexwalker import LatexWalker, LatexWalkerError

    outline = Outline("latex")
    text = decode(data, outline.notes)
    known = _definitions(text)
    text = with_verbatim(with_known_commands(_NOT_PRINTED.sub(_emptied, text)))
    body = _BODY.search(text)
    preamble = text[: body.start()] if body else ""
    start, content = (body.start(1), body[1]) if body else (0, text)
    try:
        walker = LatexWalker(_DEFINED.sub(_emptied, content), latex_context=context(), tolerant_parsing=True)
        nodes = walker.get_latex_nodes()[0]
        reader = _Reader(outline, text, start, known)
        reader.preamble(preamble)
        reader.nodes(nodes)
        reader.end()
    except RecursionError as problem:
        raise UnreadableFile("nested too deeply") from problem
    except LatexWalkerError as problem:
        raise UnreadableFile("cannot be parsed as LaTeX") from problem
    return outline


def _emptied(match: re.Match[str]) -> str:
    """As long, and with as many lines."""
    return re.sub(r"[^\n]", " ", match[0])


def _definitions(text: str) -> dict[str, str]:
    """The commands without arguments that stand for a text."""
    found = {}
    for match in _DEFINED.finditer(text):
        name, value = (match[1], match[2]) if match[1] else (match[3], match[4])
        if "#" not in value and "@" not in value:
            found[name] = _printed(value, {})
    return found


def _printed(text: str, known: dict[str, str]) -> str:
    from pylatexenc.latexwalker import LatexWalker

    nodes = LatexWalker(text, latex_context=context(), tolerant_parsing=True).get_latex_nodes()[0]
    return words(nodes, known)


def _enclosed_blocks(node: Node) -> Sequence[Node]:
    """What a command prints if it contains sections, lists or tables: \\hypertarget, \\resizebox."""
    if node.macroname in SILENT or node.macroname.startswith("footnote"):
        return ()
    group = next(iter(arguments(node)[-1:]), None)
    nodes = getattr(group, "nodelist", None) or ()
    has_blocks = any(
        type(inner).__name__ == "LatexEnvironmentNode" or getattr(inner, "macroname", "") in _LEVELS
        for inner in nodes
    )
    return nodes if has_blocks else ()


class _Reader:
    """One pass over the tree; inline text is collected until a block begins or ends."""

    def __init__(self, outline: Outline, text: str, offset: int, known: dict[str, str]) -> None:
        self.outline = outline
        self.offset = offset
        self.known = known
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.inline: list[str] = []
        self.first: int | None = None
        self.last = 0
        # For each open list: how an item begins, and how many there were.
        self.lists: list[tuple[str, int]] = []
        self.marker = ""
        # Parts that are left out -> how often, and how many of their words are known.
        self.omitted: dict[str, tuple[int, int]] = {}

    def preamble(self, text: str) -> None:
        for match in _STATED.finditer(text):
            value = one_line(_printed(match[2], self.known)).replace(" ,", ",")
            line = bisect_right(self.starts, match.start())
            if match[1] == "title":
                self.outline.title = value
            elif value:
                self.outline.add(value, lines=(line, line))
                if match[1] == "author":
                    self.outline.metadata["author"] = value

    def nodes(self, nodes: Sequence[Node]) -> None:
        was_group = False
        for node in nodes:
            is_group = type(node).__name__ == "LatexGroupNode"
            # The arguments of an unknown command are placed side by side.
            self.inline.append(" " if is_group and was_group else "")
            if node is not None:
                self._node(node)
            was_group = is_group

    def end(self) -> None:
        self._flush()
        for what, (count, lost) in self.omitted.items():
            note = f"1 {what} is left out" if count == 1 else f"{count} {what}s are left out"
            self.outline.notes.append(f"{note} ({lost} words)" if lost else note)

    def _node(self, node: Node) -> None:
        kind = type(node).__name__
        if kind == "LatexEnvironmentNode":
            self._flush()
            self._environment(node)
            self._flush()
        elif kind == "LatexMacroNode" and self._block_command(node):
            pass
        elif kind == "LatexGroupNode":
            self.nodes(node.nodelist)
        elif kind == "LatexCharsNode":
            position = node.pos
            parts = _BLANK.split(node.chars)
            for number, part in enumerate(parts):
                if number:
                    self._flush()
                position = node.chars.find(part, position - node.pos) + node.pos
                self._say(part, position, position + len(part))
        else:
            self._say(words([node], self.known), node.pos, node.pos + node.len)

    def _block_command(self, node: Node) -> bool:
        """Whether it begins something: a section, an item, a paragraph."""
        name = node.macroname
        if name in _LEVELS:
            self._flush()
            self.outline.heading(_LEVELS[name], last_argument(node, self.known), line=self._line(node.pos))
        elif name == "item":
            self._flush()
            self._item(node)
        elif name == "par":
            self._flush()
        elif name in ("title", "frametitle"):
            self._flush()
            self.outline.title = self.outline.title or one_line(last_argument(node, self.known))
        elif name == "caption":
            self._flush()
            self._say(last_argument(node, self.known), node.pos, node.pos + node.len)
            self._flush()
        elif name in _INCLUDES:
            self._omit("included file", "")
        elif enclosed := _enclosed_blocks(node):
            self.nodes(enclosed)
        else:
            return False
        return True

    def _item(self, node: Node) -> None:
        marker, number = self.lists.pop() if self.lists else ("- ", 0)
        self.lists.append((marker, number + 1))
        label = one_line(words(arguments(node)[-1:], self.known))
        self.marker = "  " * (len(self.lists) - 1) + (marker or f"{number + 1}. ")
        if label:
            self._say(f"{label} ", node.pos, node.pos + node.len)

    def _environment(self, node: Node) -> None:
        name = node.environmentname
        if name in _LISTS:
            self.lists.append((_LISTS[name], 0))
            self.nodes(node.nodelist)
            self._flush()
            self.lists.pop()
        elif name.rstrip("*") in TABLES:
            self._table(node)
        elif name == "verbatim":
            self._code(node)
        elif name in _FORMULAS:
            self._say(_LABEL.sub("", node.latex_verbatim()), node.pos, node.pos + node.len)
        elif name in _LEFT_OUT:
            self._omit(_LEFT_OUT[name], node.latex_verbatim())
        else:
            if name == "abstract":
                self.outline.heading(_LEVELS["section"], "Abstract", line=self._line(node.pos))
            self.nodes(node.nodelist)

    def _omit(self, what: str, text: str) -> None:
        """The words that a drawing may show: those that are not commands."""
        count, lost = self.omitted.get(what, (0, 0))
        self.omitted[what] = (count + 1, lost + len(_SHOWN_WORD.findall(text)))

    def _table(self, node: Node) -> None:
        rows, has_header = table(node, self.known)
        lines = (self._line(node.pos), self._line(node.pos + node.len))
        for number, line in enumerate(table_lines(rows, has_header=has_header)):
            self.outline.add(line, lines=lines, separator=LINE if number else PARAGRAPH)

    def _code(self, node: Node) -> None:
        text = str(node.nodeargd.verbatim_text)
        first = self._line(node.pos)
        options = _VERBATIM_OPTIONS.match(text)
        if options:
            text = text[options.end() :]
            first += 1
        text = text.rstrip()
        self.outline.add(text, lines=(first, first + text.count("\n")), code=True)

    def _say(self, text: str, start: int, end: int) -> None:
        if text.strip():
            leading = len(text) - len(text.lstrip())
            self.first = start + leading if self.first is None else self.first
            self.last = max(self.first, end - (len(text) - len(text.rstrip())))
        self.inline.append(text)

    def _flush(self) -> None:
        lines = [one_line(line) for line in "".join(self.inline).split("\n")]
        text = "\n".join(filter(None, lines))
        self.inline.clear()
        if text and self.first is not None:
            span = (self._line(self.first), self._line(self.last))
            separator = LINE if self.lists and self.lists[-1][1] > 1 else PARAGRAPH
            self.outline.add(self.marker + text, lines=span, separator=separator)
            self.marker = ""
        self.first = None

    def _line(self, position: int) -> int:
        return bisect_right(self.starts, position + self.offset)
