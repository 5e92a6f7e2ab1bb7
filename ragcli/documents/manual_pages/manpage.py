"""Manual pages: the man and mdoc macros of roff, whose lines are not text. Other files are read as text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragcli.documents.decoding import decode
from ragcli.documents.manual_pages.mdoc import displayed_line as displayed_mdoc
from ragcli.documents.manual_pages.roff import arguments, displayed
from ragcli.documents.name_lists import names
from ragcli.documents.outline import LINE, PARAGRAPH, Outline, one_line
from ragcli.documents.tables import table_lines
from ragcli.documents.text import add_text
from ragcli.documents.unreadable import UnreadableFile

Lines = list[tuple[int, str]]

_TITLE = re.compile(r"^[.'][ \t]*(?:TH|Dt)[ \t]+\S", re.MULTILINE)
_REFERENCE = re.compile(r"\s*\.so[ \t]+(\S+)\s*")
_REQUEST = re.compile(r"[.'][ \t]*(\\\"|[A-Za-z0-9@#\[\]^]{1,12}|\\\})?[ \t]*(.*)$")
_STRING = re.compile(r"\\\*(?:\[([^\]]*)\]|\((..)|([^\[(]))")
_FONTS = names("B I R BI BR IB IR RB RI SM SB CW")
_NO_TEXT = frozenset(["IX", "XX", "TQ", "LINKSTYLE", "ti", "Vb", "Ve"])
_BREAKS = names("PP P LP sp Sp br Pp HP TQ RS RE YS Bd Ed Rs Re PD El")
_UNFILLED = frozenset(["nf", "EX", "Vb"])
_FILLED = frozenset(["fi", "EE", "Ve"])
_PRINTING = frozenset(["UR", "MT"])
# As Asciidoctor's pages have them: an address, its text, the punctuation after it.
_LINKS = frozenset(["URL", "MTO"])


def read_manpage(data: bytes, name: str) -> Outline:
    """Sections as headings; the title is the page's name. Lines are those of the file."""
    outline = Outline("man")
    text = decode(data, outline.notes)
    if reference := _REFERENCE.fullmatch(text):
        raise UnreadableFile(f"only refers to {reference[1]}")
    if not _TITLE.search(text):
        outline.format = "text"
        add_text(outline, text, name)
        return outline
    _Page(outline, text).read()
    return outline


class _Page:
    """One pass over the lines."""

    def __init__(self, outline: Outline, text: str) -> None:
        self.outline = outline
        self.lines = [*enumerate(text.split("\n"), start=1)]
        self.place = 0
        self.paragraph: Lines = []
        self.unfilled = False
        self.marker = ""
        # The next line of text is the term of an item.
        self.expects_term = False
        self.name = ""
        self.is_mdoc = False
        # The macros that the page defines.
        self.own: set[str] = set()
        self.strings = {"Aq": "'"}

    def read(self) -> None:
        while self.place < len(self.lines):
            number, line = self._next()
            if line.startswith((".", "'")):
                self._request(number, line)
            elif not line.strip() and not self.unfilled:
                self._flush()
            else:
                self._say(number, displayed(line))
        self._flush()

    def _next(self) -> tuple[int, str]:
        number, line = self.lines[self.place]
        self.place += 1
        while line.endswith("\\") and not line.endswith("\\\\") and self.place < len(self.lines):
            line = line[:-1] + self.lines[self.place][1]
            self.place += 1
        expanded = _STRING.sub(self._defined, line)
        begins_request = expanded[:1] in (".", "'") and not line.startswith((".", "'"))
        return number, f"\\&{expanded}" if begins_request else expanded

    def _defined(self, match: re.Match[str]) -> str:
        return self.strings.get(match[1] or match[2] or match[3], match[0])

    def _request(self, number: int, line: str) -> None:
        match = _REQUEST.match(line)
        macro, rest = (match[1] or "", match[2]) if match else ("", "")
        if macro in ("TH", "Dt"):
            self.is_mdoc = macro == "Dt"
            self._page_title(arguments(rest))
        elif macro in ("SH", "Sh", "SS", "Ss"):
            self._flush()
            title = rest or (self._next()[1] if self.place < len(self.lines) else "")
            shown = (
                displayed_mdoc(title, self.name)
                if macro in ("Sh", "Ss")
                else " ".join(map(displayed, arguments(title)))
            )
            self.outline.heading(1 if macro in ("SH", "Sh") else 2, shown, line=number)
        elif macro in ("de", "de1", "am", "ig"):
            self.own.update(rest.split()[:1])
            self._skip_definition(rest)
        elif macro in ("if", "ie", "el", "while"):
            self._condition(number, macro, rest)
        elif macro == "TS":
            self._table()
        elif macro in _UNFILLED or (macro == "Bd" and re.search(r"-(?:literal|unfilled)", rest)):
            self._flush()
            self.unfilled = True
        elif macro in _FILLED or macro == "Ed":
            self._flush()
            self.unfilled = False
        elif macro in ("TP", "TQ"):
            self._flush()
            self.expects_term = True
        elif macro in ("IP", "HP"):
            self._flush()
            self._term(number, displayed(" ".join(arguments(rest)[:1])))
        elif macro == "It":
            self._flush()
            self._term(number, displayed_mdoc(rest, self.name))
        elif macro in _BREAKS:
            self._flush()
        elif macro in _FONTS or macro in _PRINTING:
            self._fonts(number, macro, rest)
        elif macro in _LINKS:
            address, shown, after = (*arguments(rest), "", "", "")[:3]
            self._say(number, displayed(f"{shown} <{address}>{after}" if shown else f"{address}{after}"))
        elif macro == "SY":
            self._flush()
            self._say(number, displayed(" ".join(arguments(rest))))
        elif macro in ("OP", "OR"):
            self._say(number, f"[{displayed(' '.join(arguments(rest)))}]")
        elif macro == "ds":
            name, _, value = rest.partition(" ")
            self.strings[name] = value.lstrip().removeprefix('"')
        elif macro in self.own and macro not in _NO_TEXT:
            self._say(number, displayed(" ".join(arguments(rest))))
        elif self.is_mdoc and macro:
            self._mdoc(number, macro, rest)

    def _page_title(self, parts: list[str]) -> None:
        name = displayed(parts[0]) if parts else ""
        section = displayed(parts[1]) if len(parts) > 1 else ""
        name = name.lower() if name.isupper() else name
        self.outline.title = f"{name}({section})" if section else name

    def _mdoc(self, number: int, macro: str, rest: str) -> None:
        if macro == "Nm" and rest.strip() and not self.name:
            self.name = displayed(arguments(rest)[0])
        if macro in ("Dd", "Os", "Bl", "El", "Bk", "Ek", "Sm", "Bf", "Ef"):
            self._flush() if macro in ("Bl", "El") else None
            return
        if macro == "Nd":
            rest = f"– {rest}"
        self._say(number, displayed_mdoc(f"{macro} {rest}" if macro != "Nd" else rest, self.name))

    def _fonts(self, number: int, macro: str, rest: str) -> None:
        if not rest.strip() and self.place < len(self.lines):
            return
        parts = [displayed(part) for part in arguments(rest)]
        # Two letters: fonts in turn, so the arguments are parts of one word.
        self._say(
            number,
            ("" if len(macro) == 2 and macro not in ("SM", "SB", "CW", "UR", "MT") else " ").join(parts),
        )

    def _condition(self, number: int, macro: str, rest: str) -> None:
        """Text for terminals (n) is shown; text for other output, or with another condition, is not."""
        match = re.match(r"(!?\S+)[ \t]*(.*)$", rest) if macro != "el" else re.match(r"()(.*)$", rest)
        asked, what = (match[1], match[2]) if match else ("", "")
        if what.startswith("\\{") or (macro == "el" and rest.startswith("\\{")):
            if asked != "n":
                self._skip_block(what)
            elif what[2:].strip():
                self.lines.insert(self.place, (number, what[2:]))
        elif asked == "n" and what:
            self.lines.insert(self.place, (number, what))

    def _skip_block(self, rest: str) -> None:
        depth = rest.count("\\{") - rest.count("\\}")
        while depth > 0 and self.place < len(self.lines):
            line = self.lines[self.place][1]
            depth += line.count("\\{") - line.count("\\}")
            self.place += 1

    def _skip_definition(self, rest: str) -> None:
        end = (rest.split() or [""])[1:2]
        ends = {"..", f".{end[0]}"} if end else {".."}
        while self.place < len(self.lines):
            line = self.lines[self.place][1].replace(" ", "")
            self.place += 1
            if line in ends:
                return

    def _table(self) -> None:
        """tbl: options, formats up to a full stop, rows with tabs between the cells."""
        self._flush()
        body: Lines = []
        while self.place < len(self.lines) and not self.lines[self.place][1].startswith(".TE"):
            body.append(self.lines[self.place])
            self.place += 1
        self.place += 1
        if not body:
            return
        first = body[0][0]
        tab = re.search(r"tab\s*\((.)\)", body[0][1])
        start = next(
            (place + 1 for place, (_, line) in enumerate(body) if line.rstrip().endswith(".")), len(body)
        )
        text = "\n".join(line for _, line in body[start:])
        text = re.sub(
            r"T\{\n(.*?)\nT\}",
            lambda match: " ".join(_unmarked(match[1].split("\n"))),
            text,
            flags=re.DOTALL,
        )
        rows = [
            [displayed(cell) for cell in line.split(tab[1] if tab else "\t")]
            for line in text.split("\n")
            if line.strip() not in ("", "_", "=", "T}") and not line.startswith((".", "'"))
        ]
        for number, line in enumerate(table_lines(rows, has_header=_bold_first(body[:start]))):
            separator = LINE if number else PARAGRAPH
            self.outline.add(line, lines=(first, body[-1][0]), separator=separator)

    def _term(self, number: int, text: str) -> None:
        self.marker = "- "
        if text.strip():
            self.paragraph.append((number, text.strip()))
            self._end_term()

    def _end_term(self) -> None:
        """The term is a separate line; its meaning follows on the next."""
        self.expects_term = False
        number, term = self.paragraph.pop()
        self.outline.add(f"{self.marker or '- '}{one_line(term)}", lines=(number, number))
        self.marker = "\n"

    def _say(self, number: int, text: str) -> None:
        if self.expects_term and text.strip():
            self.paragraph.append((number, text))
            self._end_term()
        elif text.strip() or self.unfilled:
            self.paragraph.append((number, text))

    def _flush(self) -> None:
        if not any(text.strip() for _, text in self.paragraph):
            self.paragraph = []
            return
        lines = (self.paragraph[0][0], self.paragraph[-1][0])
        if self.unfilled:
            self.outline.add("\n".join(text for _, text in self.paragraph), lines=lines, code=True)
        else:
            # roff fills lines: where one ends in the file is not seen.
            text = one_line(" ".join(text for _, text in self.paragraph))
            separator = LINE if self.marker == "\n" else PARAGRAPH
            marker = "  " if self.marker == "\n" else self.marker
            self.outline.add(marker + text, lines=lines, separator=separator)
        self.marker = ""
        self.paragraph = []


def _unmarked(lines: list[str]) -> Iterator[str]:
    """The text of a cell's lines: that of fonts without their macros."""
    for line in lines:
        match = _REQUEST.match(line) if line.startswith((".", "'")) else None
        if match is None:
            yield line
        elif match[1] in _FONTS:
            yield ("" if len(match[1]) == 2 else " ").join(arguments(match[2]))


def _bold_first(formats: Lines) -> bool:
    """Whether the first row's format is bold, or another one follows it: then it names the columns."""
    rows = [line for _, line in formats if not line.rstrip().endswith(";")]
    return len(rows) > 1 or bool(rows and re.match(r"\s*[lcrn]\s*b", rows[0], re.IGNORECASE))
