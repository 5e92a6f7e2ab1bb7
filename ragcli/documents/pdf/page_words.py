"""The words of a PDF page, with their places, as PDFium decodes them."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ragcli.documents.pdf.calls import address_of, calls
from ragcli.documents.pdf.lines import GLUE_GAP, RIGHT_TO_LEFT, Word
from ragcli.documents.pdf.styles import Box, Style, Styles, Widths
from ragcli.text.clean import SURROGATE

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

UNKNOWN = "\ufffd"
"""Stands for a character that the file does not identify."""

_TOKEN = re.compile(r"\S+")
# PDFium's signs for a hyphen at a line's end, in its two ways to give text.
_HYPHENS = "\x02\ufffe"
_AS_HYPHENS = str.maketrans(_HYPHENS, "--")
# In units of the size: a gap that separates two words although PDFium takes them for one; with
# letter-spacing, one that is this many times as wide as most; and one that always does.
_WORD_GAP = 0.13
_SPACED_OUT = 1.6
_WIDEST_GAP = 0.6
# In units of the size: a letter drawn again this close is a shadow, or bold by overprinting.
_SHADOW = 0.2
# Of the size of the text: smaller figures next to it are footnote numbers or exponents.
_SMALL = 0.85


# Letters that are often one glyph, so that each seems as wide as both.
_LIGATURES = re.compile("f[fijlt]")
_UNITS = re.compile("f[fijlt]+|.", re.DOTALL)
# Characters that take two units of UTF-16 are two to PDFium.
_TEXT_OBJECT = 1
_NO_WIDTH = 0.01

_made = tuple.__new__


class _Character(NamedTuple):
    place: int
    text: str
    drawn: int
    style: Style
    box: Box


class PageText:
    """The characters of one page."""

    def __init__(self, page: PdfPage, text_page: PdfTextPage, widths: Widths) -> None:
        self._calls = calls()
        self._text_object = self._calls.text_object
        self._page = page
        # Kept, because the objects at the addresses are freed with it.
        self._text_page = text_page
        self._handle = address_of(text_page.raw)
        self._text = _characters(text_page)
        self._has_right_to_left = bool(RIGHT_TO_LEFT.search(self._text))
        self._has_hyphens = any(sign in self._text for sign in _HYPHENS)
        self._has_halves = bool(SURROGATE.search(self._text))
        self._styles = Styles(self._handle, widths)
        self._edge = 0.0
        self._drawn: list[int] = []
        self._places: dict[int, int] = {}
        self._blanks: dict[int, bool] = {}
        self._edges = (ctypes.c_float * 4)()
        self._bounds = ctypes.addressof(self._edges)

    def words(self) -> list[Word]:
        """In the order of drawing."""
        found: list[Word] = []
        for match in _TOKEN.finditer(self._text):
            first, end = match.span()
            word = self._whole(match[0], first, end - 1)
            if word:
                found.append(word)
                self._edge = word.right
            else:
                found.extend(self._parts(first, end - 1))
        return found

    def _object(self, index: int) -> int:
        """The address of the text object that draws a character; 0 for those that PDFium makes up."""
        return self._calls.text_object(self._handle, index) or 0

    def _whole(self, text: str, first: int, last: int) -> Word | None:
        """A word in one face, by its ends; None if it is not as wide as its characters."""
        drawn = self._text_object(self._handle, first)
        end = self._text_object(self._handle, last) if last > first else drawn
        if not drawn or not end:
            return None
        styles = self._styles
        style = styles.known.get(drawn) or styles.style(drawn, first)
        quarter = style.quarter
        if self._has_right_to_left and RIGHT_TO_LEFT.search(text):
            head, tail = styles.box(first, quarter), styles.box(last, quarter)
            return self._word(text, head, tail, style, spaced=True)
        if drawn != end and (styles.style(end, last) is not style or self._blank_between(drawn, end)):
            return None
        head = tail = styles.box(first, quarter)
        if last > first:
            tail = styles.box(last, quarter)
            width = self._width(text, first, style, drawn, end)
            if not -_WORD_GAP * style.size <= tail[2] - head[0] - width <= _WORD_GAP * style.size:
                return None
        return self._word(text, head, tail, style, self._is_spaced(first, drawn, head[0], style.size))

    def _width(self, text: str, first: int, style: Style, drawn: int, end: int) -> float:
        """How wide the characters of a word are in its face; NaN if another object draws some."""
        widths = style.widths
        units = _UNITS.findall(text) if "f" in text and _LIGATURES.search(text) else text
        try:
            return sum(map(widths.__getitem__, units))
        except KeyError:
            pass
        index = first
        for unit in units:
            if unit not in widths:
                places = range(index, index + len(unit))
                if drawn != end and any(self._object(place) not in (drawn, end) for place in places):
                    return math.nan
                boxes = [self._styles.box(place, style.quarter) for place in places]
                if any(after[0] - before[2] > _WORD_GAP * style.size for before, after in pairwise(boxes)):
                    return math.nan
                widths[unit] = max(box[2] for box in boxes) - boxes[0][0]
            index += len(unit)
        return sum(map(widths.__getitem__, units))

    def _parts(self, first: int, last: int) -> Iterator[Word]:
        """What PDFium takes for one word, split at gaps, drawn spaces and exponents, without shadows."""
        found = [
            self._character(index, drawn)
            for index in range(first, last + 1)
            if (drawn := self._object(index))
        ]
        if not found:
            return
        gaps = [after.box[0] - before.box[2] for before, after in pairwise(found)]
        usual = max(0.0, sorted(gaps)[len(gaps) // 2]) if len(gaps) > 2 else 0.0
        start = found[0]
        part, end = [start.text], start
        spaced = self._is_spaced(start.place, start.drawn, start.box[0], start.style.size)
        for character, gap in zip(found[1:], gaps, strict=True):
            if self._is_parted(end, character, gap, usual):
                yield self._word("".join(part), start.box, end.box, start.style, spaced)
                part, start, spaced = [character.text], character, True
            elif not _is_shadow(end, character):
                part.append(character.text)
            end = character
        if self._text[last] in _HYPHENS and end.place < last:
            # One that PDFium makes up has no position.
            part.append("-")
        self._edge = end.box[2]
        yield self._word("".join(part), start.box, end.box, start.style, spaced)

    def _character(self, index: int, drawn: int) -> _Character:
        style = self._styles.style(drawn, index)
        return _Character(index, self._text[index], drawn, style, self._styles.box(index, style.quarter))

    def _is_parted(self, before: _Character, after: _Character, gap: float, usual: float) -> bool:
        style, above = after.style, before.style
        size = style.size
        if style is not above:
            size = max(style.size, above.size)
            is_smaller = min(style.size, above.size) < _SMALL * size
            if style.quarter != above.quarter or (
                is_smaller and before.text.isdigit() and after.text.isdigit()
            ):
                # 83,190,556 with the number of a footnote is not a larger number.
                return True
        if gap > _WORD_GAP * size and (gap > _WIDEST_GAP * size or gap > _SPACED_OUT * usual):
            return True
        if gap < -size:
            return True
        return before.drawn != after.drawn and self._blank_between(before.drawn, after.drawn)

    def _word(self, text: str, head: Box, tail: Box, style: Style, spaced: bool) -> Word:
        if self._has_hyphens:
            text = text.translate(_AS_HYPHENS)
        if self._has_halves:
            text = _whole_characters(text)
        left, right = head[0], tail[2]
        if right < left:
            left, right = min(left, tail[0]), max(head[2], right)
        y = head[3] + style.drop
        # Takes a tenth of the time of the class.
        return _made(Word, (text, left, right, y, style.size, style.bold, style.mono, style.quarter, spaced))

    def _is_spaced(self, index: int, drawn: int, left: float, size: float) -> bool:
        """Whether the page shows a space before: PDFium makes some up, and some are drawn and then undone."""
        if index == 0 or self._text[index - 1] in "\r\n":
            return False
        gap = left - self._edge
        if not -size < gap < GLUE_GAP * size:
            return True
        if self._calls.is_generated(self._handle, index - 1):
            return index > 1 and self._blank_between(self._object(index - 2), drawn)
        return self._object(index - 1) != drawn

    def _blank_between(self, before: int, drawn: int) -> bool:
        """Whether an object of white space is drawn between two objects: PDFium leaves it out."""
        if not self._places:
            page, count = address_of(self._page.raw), self._calls.count_objects(address_of(self._page.raw))
            self._drawn = [self._calls.page_object(page, place) or 0 for place in range(count)]
            self._places = {address: place for place, address in enumerate(self._drawn)}
        first, last = self._places.get(before, -1), self._places.get(drawn, -1)
        return 0 <= first < last and any(map(self._is_blank, self._drawn[first + 1 : last]))

    def _is_blank(self, drawn: int) -> bool:
        """Whether an object is text that leaves no mark. One drawn twice has no characters either."""
        known = self._blanks.get(drawn)
        if known is None:
            left, bottom, right, top = (self._bounds + 4 * place for place in range(4))
            is_text = self._calls.object_type(drawn) == _TEXT_OBJECT
            is_known = is_text and self._calls.bounds(drawn, left, bottom, right, top)
            known = self._blanks[drawn] = bool(is_known) and self._edges[2] - self._edges[0] < _NO_WIDTH
        return known


def _is_shadow(before: _Character, after: _Character) -> bool:
    return (
        before.text == after.text
        and before.drawn != after.drawn
        and abs(before.box[0] - after.box[0]) < _SHADOW * after.style.size
    )


def _characters(text_page: PdfTextPage) -> str:
    """One character for each of PDFium's indices."""
    import pypdfium2.raw as raw

    count = text_page.count_chars()
    if count < 1:
        return ""
    text = str(text_page.get_text_range(0, count))
    if len(text) != count:
        # Characters that Unicode does not have, or that take two units of UTF-16.
        codes = (raw.FPDFText_GetUnicode(text_page.raw, index) for index in range(count))
        text = "".join(chr(code) if 0 < code < 0x110000 else UNKNOWN for code in codes)
    return text


def _whole_characters(text: str) -> str:
    """The letters of formulas take two units of UTF-16, and PDFium gives each its own index."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
