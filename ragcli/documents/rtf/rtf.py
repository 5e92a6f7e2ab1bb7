"""RTF, word by word: no library keeps headings, tables and notes but leaves out hidden text."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace

from ragcli.documents.left_out import words_of
from ragcli.documents.outline import LINE, PARAGRAPH, Outline
from ragcli.documents.rtf.control_words import CHARACTERS, CHARSETS, INFO, LEFT_OUT, NOT_SHOWN, SHOWN, SIGNS
from ragcli.documents.tables import table_lines
from ragcli.documents.unreadable import UnreadableFile

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,9})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_CREATED = re.compile(rb"\{\\creatim\\yr(\d{4})\\mo(\d{1,2})\\dy(\d{1,2})")
_STYLE = re.compile(rb"\{\\s(\d{1,4}) ?((?:\\[a-zA-Z]+-?\d* ?|[\r\n]+)*)((?:[^\\{};\r\n]|\\'..)*);\}")
_OUTLINE_LEVEL = re.compile(rb"\\outlinelevel(\d)(?!\d)")
_HEADING_NAME = re.compile(r"heading (\d)", re.IGNORECASE)
_BULLET = re.compile("([\u2022\u25e6\u25aa\u25cf\u25cb\u25a0\u00b7\u2013\u2043o-])\\t")
_NUMBER = re.compile("(\\(?\\w{1,4}[.)])\\t")
_DEEPEST = 2000
# The level of a paragraph that is not a heading.
_BODY = 9
_TITLE = -1


@dataclass(frozen=True, slots=True)
class _Group:
    """What the innermost brace says; `sink` is where its text goes: "" is the body."""

    is_shown: bool = True
    is_hidden: bool = False
    sink: str = ""
    font: str = ""
    skipped: int = 1
    starts_optional: bool = False
    left_out: str = ""


def read_rtf(data: bytes, name: str) -> Outline:
    """Headings by their outline level. Raises UnreadableFile if it is not RTF."""
    if not data.lstrip().startswith(b"{\\rtf"):
        raise UnreadableFile("damaged: not RTF")
    outline = Outline("rtf")
    reader = _Reader(outline, _styles(data))
    reader.read(data)
    outline.title = reader.info.pop("title", "") or outline.title
    outline.metadata.update(reader.info)
    created = _CREATED.search(data)
    if created:
        year, month, day = (int(part) for part in created.groups())
        outline.metadata["created"] = f"{year}-{month:02}-{day:02}"
    return outline


def _styles(data: bytes) -> dict[int, int]:
    """The number of each style that is a heading's -> its level from 0; -1 for the title's."""
    found: dict[int, int] = {}
    for number, words, name in _STYLE.findall(data):
        level = _OUTLINE_LEVEL.search(words)
        named = _HEADING_NAME.match(name.decode("latin-1").strip())
        if named:
            found[int(number)] = int(named[1]) - 1
        elif level:
            found[int(number)] = int(level[1])
        elif name.strip().lower() == b"title":
            found[int(number)] = _TITLE
    return found


class _Reader:
    def __init__(self, outline: Outline, styles: dict[int, int]) -> None:
        self.outline = outline
        self.styles = styles
        self.info: dict[str, str] = {}
        self.group = _Group()
        self.stack: list[_Group] = []
        self.fonts: dict[str, str] = {}
        self.encoding = "cp1252"
        self.texts: dict[str, list[str]] = {}
        self.bytes = b""
        self.to_skip = 0
        self.level = _BODY
        self.depth = 0
        self.in_list = False
        self.in_table = False
        self.cells: list[str] = []
        self.rows: list[list[str]] = []
        self.left_out: dict[str, bytes] = {}

    def read(self, data: bytes) -> None:
        place = 0
        while match := _TOKEN.match(data, place):
            place = match.end()
            word, number, code, sign, brace, text = match.groups()
            if code or text:
                self._add_bytes(bytes.fromhex(code.decode()) if code else text, is_code=bool(code))
                continue
            self._flush()
            if word:
                place += self._word(word.decode(), None if number is None else int(number))
            elif brace == b"{":
                self._open()
            elif brace:
                if len(self.stack) <= 1:
                    break
                self._close()
            elif sign:
                self._sign(sign.decode("latin-1"))
        self._flush()
        self._end_paragraph()
        self._end_table()
        for what, said in self.left_out.items():
            if said.strip():
                self.outline.notes.append(f"{what} left out ({words_of(said.decode('latin-1'))})")

    def _open(self) -> None:
        if len(self.stack) >= _DEEPEST:
            raise UnreadableFile("nested too deeply")
        self.stack.append(self.group)
        self.group = replace(self.group, starts_optional=False)

    def _close(self) -> None:
        ended, self.group = self.group, self.stack.pop()
        if ended.sink != self.group.sink and ended.is_shown:
            said = self._taken(ended.sink)
            if ended.sink in INFO:
                self.info[INFO[ended.sink]] = said
            elif ended.sink in ("fonttbl", "info") or not said:
                pass
            elif ended.sink == "marker":
                self._add(f"{said}\t")
            elif ended.sink == "footnote":
                self.texts.setdefault("notes", []).append(f"Note: {said}\n")
            else:
                self.texts.setdefault("boxes", []).append(f"{said}\n")

    def _sign(self, sign: str) -> None:
        if sign == "*":
            self.group = replace(self.group, starts_optional=True)
        elif sign in "\r\n":
            self._word("par", None)
        else:
            self._add(SIGNS.get(sign, ""))

    def _word(self, word: str, number: int | None) -> int:
        """Returns how many bytes after it are not text."""
        if word == "bin":
            return max(0, number or 0)
        self.to_skip = 0
        is_optional, self.group = self.group.starts_optional, replace(self.group, starts_optional=False)
        if word in NOT_SHOWN or (is_optional and word not in SHOWN):
            self.group = replace(self.group, is_shown=False, left_out=LEFT_OUT.get(word, ""))
            self._leave_out(b" ")
        elif word == "info":
            self.group = replace(self.group, sink=word)
        elif word in ("footnote", "shptxt", "fonttbl") or word in INFO:
            self.group = replace(self.group, sink=word, is_hidden=False)
        elif word in ("listtext", "pntext"):
            self.group = replace(self.group, sink="marker", is_hidden=False)
        elif word in CHARACTERS:
            self._add(CHARACTERS[word])
        else:
            self._format(word, number)
        return 0

    def _format(self, word: str, number: int | None) -> None:
        match word:
            case "u" if number is not None:
                self._add(chr(number % 0x10000))
                self.to_skip = self.group.skipped
            case "uc":
                self.group = replace(self.group, skipped=max(0, number or 0))
            case "f":
                self.group = replace(self.group, font=str(number))
            case "fcharset" if number in CHARSETS:
                self.fonts[self.group.font] = CHARSETS[number]
            case "ansicpg":
                self.encoding = _known(f"cp{number}")
            case "mac":
                self.encoding = "mac_roman"
            case "v" | "deleted":
                self.group = replace(self.group, is_hidden=number != 0)
            case "plain":
                self.group = replace(self.group, is_hidden=False)
            case _:
                self._structure(word, number)

    def _structure(self, word: str, number: int | None) -> None:
        if word in ("par", "cell"):
            self._leave_out(b" ")
        if word in ("par", "sect", "page") and self.group.sink:
            self._add("\n")
        elif not self.group.is_shown:
            return
        elif word in ("par", "sect", "page"):
            self._end_paragraph()
        elif word == "pard" and not self.group.sink:
            self.level, self.depth, self.in_table = _BODY, 0, False
        elif word == "intbl":
            self.in_table = True
        elif word == "outlinelevel" and number is not None:
            self.level = number
        elif word == "s":
            self.level = self.styles.get(number or 0, self.level)
        elif word == "ilvl":
            self.depth = min(max(number or 0, 0), _BODY)
        elif word == "cell":
            self.cells.append(" ".join(self._taken("").split()))
        elif word == "row":
            self.rows.append(self.cells)
            self.cells = []

    def _add_bytes(self, text: bytes, *, is_code: bool) -> None:
        """Characters of a code page; a Unicode character is followed by some for programs without Unicode."""
        if self.to_skip:
            skipped = min(self.to_skip, 1 if is_code else len(text))
            self.to_skip -= skipped
            text = text[skipped:]
        self._leave_out(text)
        if self.group.is_shown and not self.group.is_hidden:
            self.bytes += text

    def _leave_out(self, text: bytes) -> None:
        if what := self.group.left_out:
            self.left_out[what] = self.left_out.get(what, b"") + text

    def _flush(self) -> None:
        if self.bytes:
            encoding = self.fonts.get(self.group.font, self.encoding)
            text, self.bytes = self.bytes.decode(encoding, "replace"), b""
            self._add(text)

    def _add(self, text: str) -> None:
        if self.group.is_shown and not self.group.is_hidden:
            self.texts.setdefault(self.group.sink, []).append(text)

    def _taken(self, sink: str) -> str:
        """Characters beyond U+FFFF come as two halves."""
        text = "".join(self.texts.pop(sink, []))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()

    def _end_paragraph(self) -> None:
        if self.in_table:
            self._add("\n")
            return
        text = self._taken("")
        if text or self.texts.get("boxes"):
            self._end_table()
        if self.level == _TITLE and not self.outline.title:
            self.outline.heading(1, text)
        elif 0 <= self.level < _BODY:
            self.outline.heading(self.level + 1, text)
        else:
            self._add_text(text)
        for sink in ("boxes", "notes"):
            self.outline.add(self._taken(sink))

    def _add_text(self, text: str) -> None:
        """A list's items are lines below each other, with their signs as in other formats."""
        item, found = _BULLET.subn("- ", text, count=1) if _BULLET.match(text) else (text, 0)
        if not found and _NUMBER.match(text):
            item, found = _NUMBER.subn(r"\1 ", text, count=1)
        separator = LINE if found and self.in_list else PARAGRAPH
        self.outline.add(f"{'  ' * self.depth}{item}" if found else text, separator=separator)
        self.in_list = bool(found)

    def _end_table(self) -> None:
        if self.cells:
            self.rows.append(self.cells)
        rows = [row for row in self.rows if any(row)]
        self.rows, self.cells = [], []
        has_header = len(rows) > 1 and len(rows[0]) > 1 and all(rows[0])
        for number, line in enumerate(table_lines(rows, has_header=has_header)):
            self.outline.add(line, separator=LINE if number else PARAGRAPH)


def _known(encoding: str) -> str:
    try:
        return codecs.lookup({"cp10000": "mac_roman", "cp65001": "utf-8"}.get(encoding, encoding)).name
    except LookupError:
        return "cp1252"
