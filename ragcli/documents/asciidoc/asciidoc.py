"""AsciiDoc: headings, blocks and tables, without what a reader of the page would not see."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragcli.documents.asciidoc.asciidoc_inline import displayed
from ragcli.documents.asciidoc.asciidoc_table import table_rows
from ragcli.documents.decoding import decode
from ragcli.documents.name_lists import names
from ragcli.documents.outline import LINE, PARAGRAPH, Outline
from ragcli.documents.tables import table_lines
from ragcli.documents.text import Line, add_lines

_HEADING = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$")
_UNDERLINES = "=-~^+"
_ATTRIBUTE = re.compile(r":(!?[\w-]+!?):(?:[ \t]+(.*))?$")
_BLOCK_ATTRIBUTES = re.compile(r"\[(?!\[)([^\]]*)\][ \t]*$")
_ANCHOR = re.compile(r"\[\[(?:|(?:[^\W\d]|:)[\w:.-]*(?:,[^\]]*)?)\]\][ \t]*$")
# With a space in its name it is not an anchor, and a page shows it.
_NO_ANCHOR = re.compile(r"\[\[[^\[\]]+\]\][ \t]*$")
# "[arabic, start=2]" between the items of a list.
_LIST_STYLE = re.compile(
    r"\[(?:arabic|decimal|(?:lower|upper)(?:alpha|roman|greek)|square|circle|disc|horizontal|qanda"
    r"|%?reversed|%?interactive|start=\d+)(?:,[^\]]*)?\][ \t]*$"
)
_BLOCK_TITLE = re.compile(r"\.([^\s.].*)$")
_DELIMITER = re.compile(r"(-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|--|`{3,}\w*|[|!,:]={3,})[ \t]*$")
_DIRECTIVE = re.compile(r"(?:ifn?def|ifeval|endif)::.*$")
_INCLUDE = re.compile(r"include::([^\[]+)\[.*\][ \t]*$")
_COMMENT = re.compile(r"//(?!/)")
_LITERAL = ("-", ".", "+", "`")
_LABELS = ("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION")
# What a document says about itself; its other attributes are settings of the converter.
_FACTS = names("author authors email description keywords revdate revnumber revremark lang")
_ITEM = re.compile(r"[ \t]*(?:[*.-]+|\d+\.|<\d+>)[ \t]+\S|[^\s:].*?:{2,4}(?:[ \t]|$)")


def read_asciidoc(data: bytes, name: str) -> Outline:
    """Lines are those of the file. Included files are not read; a note says so."""
    outline = Outline("asciidoc")
    _Reader(outline, [*enumerate(decode(data, outline.notes).split("\n"), start=1)]).read()
    return outline


class _Reader:
    """One pass over the lines."""

    def __init__(self, outline: Outline, lines: list[Line]) -> None:
        self.outline = outline
        self.lines = lines
        self.place = 0
        self.attributes: dict[str, str] = {}
        self.paragraph: list[Line] = []
        # The [...] line above a block.
        self.options = ""
        self.included = 0

    def read(self) -> None:
        while self.place < len(self.lines):
            self._line()
        self._end_paragraph()
        if self.included:
            files = "1 included file is" if self.included == 1 else f"{self.included} included files are"
            self.outline.notes.append(f"{files} not read here")

    def _line(self) -> None:
        number, line = self.lines[self.place]
        self.place += 1
        if not line.strip() or line.strip() == "+":
            self._end_paragraph()
            return
        if _COMMENT.match(line) or _DIRECTIVE.match(line):
            return
        if _INCLUDE.match(line):
            self.included += 1
            return
        if (delimiter := _DELIMITER.match(line)) and not self._is_underline(line):
            self._end_paragraph()
            self._block(delimiter[1])
            return
        if self.paragraph and _LIST_STYLE.match(line):
            return
        if not self.paragraph and self._is_about_a_block(number, line):
            return
        if not self.paragraph and self._heading(number, line):
            return
        self.paragraph.append((number, line))

    def _is_underline(self, line: str) -> bool:
        """Whether this is the rule under a heading of two lines rather than the edge of a block."""
        if len(self.paragraph) != 1 or line[0] not in _UNDERLINES or len(set(line.strip())) > 1:
            return False
        title = self.paragraph[0][1].strip()
        return abs(len(title) - len(line.strip())) <= 2

    def _heading(self, number: int, line: str) -> bool:
        if match := _HEADING.match(line):
            self.outline.heading(len(match[1]), self._shown(match[2]), line=number)
            if len(match[1]) == 1:
                self._header()
            return True
        following = self.lines[self.place][1] if self.place < len(self.lines) else ""
        rule = following.strip()
        is_rule = len(rule) >= 3 and rule[0] in _UNDERLINES and len(set(rule)) == 1
        if not is_rule or abs(len(line.strip()) - len(rule)) > 2 or line.strip()[0] in "|=.*-+[":
            return False
        self.place += 1
        level = _UNDERLINES.index(rule[0]) + 1
        self.outline.heading(level, self._shown(line), line=number)
        if level == 1:
            self._header()
        return True

    def _header(self) -> None:
        """The lines directly below the title: authors and revision are text, attributes are not."""
        while self.place < len(self.lines) and self.lines[self.place][1].strip():
            number, line = self.lines[self.place]
            if _DELIMITER.match(line) or _HEADING.match(line):
                return
            if not (self._is_about_a_block(number, line) or _COMMENT.match(line)):
                if not self.paragraph:
                    self._author(line)
                self.paragraph.append((number, line))
            self.place += 1
        self._end_paragraph()

    def _author(self, line: str) -> None:
        """For {author}: the name without the address, of the first if there are several."""
        name = line.partition(";")[0].partition("<")[0].replace("_", " ").strip()
        self.attributes.setdefault("author", name)

    def _is_about_a_block(self, number: int, line: str) -> bool:
        if match := _ATTRIBUTE.match(line):
            self._attribute(match[1], match[2] or "")
        elif match := _BLOCK_ATTRIBUTES.match(line):
            self._block_attributes(number, match[1])
        elif match := _BLOCK_TITLE.match(line):
            self.outline.add(self._shown(match[1]), lines=(number, number))
        elif _NO_ANCHOR.match(line) and not _ANCHOR.match(line):
            self.outline.add(line, lines=(number, number))
        else:
            return bool(_ANCHOR.match(line))
        return True

    def _attribute(self, name: str, value: str) -> None:
        while value.endswith(" \\") and self.place < len(self.lines):
            value = f"{value[:-2]} {self.lines[self.place][1].strip()}"
            self.place += 1
        self.attributes[name.strip("!").lower()] = value.strip()
        if name in _FACTS and value.strip():
            self.outline.metadata[name] = value.strip()

    def _block_attributes(self, number: int, options: str) -> None:
        self.options = options
        style, *others = (part.strip().strip("\"'") for part in options.split(","))
        if style in _LABELS:
            self.outline.add(f"{style.capitalize()}:", lines=(number, number))
        elif style in ("quote", "verse") and others:
            self.outline.add(", ".join(filter(None, others)), lines=(number, number))

    def _block(self, delimiter: str) -> None:
        kind = delimiter[0]
        if "===" in delimiter and kind in "|!,:":
            self._table(self._until(delimiter), kind)
        elif kind == "/":
            self._until(delimiter)
        elif kind in _LITERAL and delimiter != "--":
            lines = self._until("```" if kind == "`" else delimiter)
            code = [line for line in lines if not _INCLUDE.match(line[1])]
            self.included += len(lines) - len(code)
            add_lines(self.outline, code, code=True)
        # Only the edges of blocks that enclose other blocks are left out.
        self.options = ""

    def _until(self, delimiter: str) -> list[Line]:
        """The lines up to the block's other edge, or up to the end of the text."""
        start = self.place
        while self.place < len(self.lines) and self.lines[self.place][1].rstrip() != delimiter:
            self.place += 1
        inside = self.lines[start : self.place]
        self.place += 1
        return inside

    def _table(self, lines: list[Line], kind: str) -> None:
        if not lines:
            return
        rows, has_header = table_rows([line for _, line in lines], kind, self.options)
        shown = [[self._shown(cell) for cell in row] for row in rows]
        span = (lines[0][0], lines[-1][0])
        for number, line in enumerate(table_lines(shown, has_header=has_header)):
            self.outline.add(line, lines=span, separator=LINE if number else PARAGRAPH)

    def _end_paragraph(self) -> None:
        if not self.paragraph:
            return
        indented = self.paragraph[0][1][0].isspace() and not _ITEM.match(self.paragraph[0][1])
        if indented:
            add_lines(self.outline, self.paragraph, code=True)
        else:
            add_lines(self.outline, [*self._shown_lines()])
        self.paragraph = []
        self.options = ""

    def _shown_lines(self) -> Iterator[Line]:
        """Formatting may span lines, so the paragraph is shown as a whole; its lines stay."""
        text = self._shown("\n".join(line for _, line in self.paragraph))
        for (number, _), line in zip(self.paragraph, text.split("\n"), strict=False):
            yield number, line

    def _shown(self, text: str) -> str:
        return displayed(text, self.attributes)
