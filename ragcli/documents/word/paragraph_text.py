"""The text that a Word paragraph shows, with floating text next to it, and the notes that it refers to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragcli.documents.outline import one_line
from ragcli.documents.word.formulas import MATH, formula_text
from ragcli.documents.word.package import RELATION, WORD, Package, is_on, number
from ragcli.documents.word.styles import Styles
from ragcli.documents.word.symbols import plain_text, symbol_text

if TYPE_CHECKING:
    from lxml.etree import _Element

COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_OFFICE = "{urn:schemas-microsoft-com:office:office}"
_VML = "{urn:schemas-microsoft-com:vml}"
# Deleted and moved text, field codes, properties: not on the page.
_NOT_SHOWN_NAMES = "del moveFrom instrText delText delInstrText pPr rPr sdtPr sdtEndPr rt commentReference"
_NOT_SHOWN = frozenset(f"{WORD}{name}" for name in _NOT_SHOWN_NAMES.split())
_TEXT_TAGS = (f"{WORD}t", f"{WORD}sym", f"{MATH}t", f"{_DRAWING}t", f"{_CHART}chart", f"{_DIAGRAM}relIds")
_ENDINGS = (".", "!", "?", ":", ";")
_PLAIN = {"tab": " ", "ptab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


@dataclass(slots=True)
class ParagraphText:
    """`apart` are the contents of text boxes, to be read as paragraphs; `beside` texts of drawings."""

    parts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    apart: list[_Element] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)


class TextReader:
    """`left_out` counts what is in the document and not in its text."""

    def __init__(self, package: Package, styles: Styles) -> None:
        self._package = package
        self._styles = styles
        self._notes = {f"{WORD}{kind}Reference": self._found(kind) for kind in ("footnote", "endnote")}
        self.left_out: Counter[str] = Counter()

    def paragraph(self, element: _Element) -> ParagraphText:
        found = ParagraphText()
        self._children(element, found, [])
        return found

    def _found(self, kind: str) -> dict[str, _Element]:
        return {
            note.get(f"{WORD}id", ""): note
            for root in self._package.related(f"{kind}s")
            for note in root.iter(f"{WORD}{kind}")
        }

    def _children(self, element: _Element, found: ParagraphText, fields: list[str]) -> None:
        for child in element:
            if isinstance(child.tag, str) and child.tag not in _NOT_SHOWN:
                self._element(child, found, fields)

    def _element(self, element: _Element, found: ParagraphText, fields: list[str]) -> None:
        """`fields` are the fields that are open here: "code" before their separator, then "result"."""
        tag = element.tag
        if tag == f"{WORD}fldChar":
            _follow(element, found, fields)
        elif tag == f"{WORD}txbxContent":
            found.apart.append(element)
            # Where it is anchored, a sentence may end without a space.
            found.parts.append(" " if found.text.endswith(_ENDINGS) else "")
        elif tag == f"{COMPATIBILITY}AlternateContent":
            for chosen in alternatives(element):
                self._children(chosen, found, fields)
        elif tag == f"{WORD}r":
            if not self._styles.is_hidden(element.find(f"{WORD}rPr")):
                self._children(element, found, fields)
        elif tag in (f"{MATH}oMath", f"{MATH}oMathPara"):
            found.parts.append(formula_text(element))
        elif "code" not in fields:
            self._content(element, found, fields)

    def _content(self, element: _Element, found: ParagraphText, fields: list[str]) -> None:
        tag = element.tag
        if tag == f"{WORD}t":
            found.parts.append(_typed(element))
        elif tag == f"{WORD}sym":
            self._symbol(element, found)
        elif tag.startswith(WORD) and tag.removeprefix(WORD) in _PLAIN:
            found.parts.append(_PLAIN[tag.removeprefix(WORD)])
        elif tag in self._notes:
            self._note(tag, element, found)
        elif tag == f"{WORD}ruby":
            self._ruby(element, found, fields)
        elif tag == f"{_CHART}chart":
            self._drawn(element.get(f"{RELATION}id", ""), chart_lines, found)
        elif tag == f"{_DIAGRAM}relIds":
            self._drawn(element.get(f"{RELATION}dm", ""), diagram_lines, found)
        elif tag == f"{_VML}textpath":
            found.beside.append(element.get("string", ""))
        elif tag == f"{_OFFICE}OLEObject":
            self.left_out["embedded object"] += 1
        else:
            self._children(element, found, fields)

    def _symbol(self, element: _Element, found: ParagraphText) -> None:
        code = element.get(f"{WORD}char", "")
        try:
            text = symbol_text(element.get(f"{WORD}font", ""), int(code, 16))
        except ValueError:
            text = ""
        found.parts.append(text)
        self.left_out["sign of a font"] += not text

    def _note(self, tag: str, element: _Element, found: ParagraphText) -> None:
        note = self._notes[tag].get(element.get(f"{WORD}id", ""))
        texts = [] if note is None else [self.paragraph(part).text for part in note.iter(f"{WORD}p")]
        text = one_line(" ".join(texts))
        if text:
            found.notes.append(f"[{text}]")

    def _ruby(self, element: _Element, found: ParagraphText, fields: list[str]) -> None:
        self._children(element, found, fields)
        reading = "".join(text.text or "" for text in element.iterfind(f"{WORD}rt//{WORD}t"))
        found.parts.append(f"({reading})" if reading else "")

    def _drawn(self, identity: str, lines: Callable[[_Element], Iterator[str]], found: ParagraphText) -> None:
        part = self._package.by_id(identity)
        if part is not None:
            found.beside.extend(lines(part))


def alternatives(element: _Element) -> list[_Element]:
    """The version of a drawing with text: the first for new programs, else that for old ones."""
    choices = [child for child in element if isinstance(child.tag, str)]
    return [choice for choice in choices if next(choice.iter(*_TEXT_TAGS), None) is not None][:1] or choices[
        :1
    ]


def diagram_lines(part: _Element) -> Iterator[str]:
    """The texts of SmartArt, one paragraph each."""
    for paragraph in part.iter(f"{_DRAWING}p"):
        yield "".join(text.text or "" for text in paragraph.iter(f"{_DRAWING}t"))


def chart_lines(part: _Element) -> Iterator[str]:
    """The titles of a chart, then a line for each series: "Sales: May 10, June 12"."""
    for paragraph in part.iter(f"{_DRAWING}p"):
        yield "".join(text.text or "" for text in paragraph.iter(f"{_DRAWING}t"))
    for series in part.iter(f"{_CHART}ser"):
        name = " ".join(_points(series, "tx"))
        names, values = (
            list(_points(series, "cat")) or list(_points(series, "xVal")),
            list(_points(series, "val")),
        )
        values = values or list(_points(series, "yVal"))
        pairs = [f"{names[at]} {point}" if at < len(names) else point for at, point in enumerate(values)]
        yield f"{name}: {', '.join(pairs)}" if name else ", ".join(pairs)


def _points(series: _Element, name: str) -> Iterator[str]:
    for point in series.iterfind(f"{_CHART}{name}//{_CHART}v"):
        yield point.text or ""


def _typed(element: _Element) -> str:
    text = element.text or ""
    run = element.getparent()
    fonts = None if run is None else run.find(f"{WORD}rPr/{WORD}rFonts")
    return text if fonts is None else plain_text(fonts.get(f"{WORD}ascii", ""), text)


def _follow(element: _Element, found: ParagraphText, fields: list[str]) -> None:
    kind = element.get(f"{WORD}fldCharType")
    if kind == "begin":
        fields.append("code")
        found.parts.append(_form_field(element.find(f"{WORD}ffData")))
    elif kind == "separate" and fields:
        fields[-1] = "result"
    elif kind == "end" and fields:
        fields.pop()


def _form_field(data: _Element | None) -> str:
    """What a field of an old form shows if it has no result."""
    box = None if data is None else data.find(f"{WORD}checkBox")
    if box is not None:
        name = "checked" if box.find(f"{WORD}checked") is not None else "default"
        return "[x]" if is_on(box, f"{WORD}{name}") else "[ ]"
    choices = None if data is None else data.find(f"{WORD}ddList")
    if choices is None:
        return ""
    entries = [entry.get(f"{WORD}val", "") for entry in choices.iterfind(f"{WORD}listEntry")]
    chosen = number(choices, f"{WORD}result", number(choices, f"{WORD}default"))
    return entries[chosen] if 0 <= chosen < len(entries) else ""
