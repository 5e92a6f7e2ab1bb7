"""The words of a PDF page, with their places, as PDFium decodes them."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ragcli.documents.pdf_lines import Word

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

# LaTeX's bold faces are called "medium" (Nimbus) and "bx" (Computer Modern, European Modern).
_BOLD = re.compile(r"bold|black|heavy|demi|-medi(?![a-z])|\b(?:cm|sf|ec|la)bx|cmssbx|cmb\d", re.IGNORECASE)
_BOLD_WEIGHT = 600
_MONO = re.compile(r"cour|mono|typewriter|\b(?:cm|sf|ec|la)(?:sl)?tt|consol|menlo|fixed|txtt|lmtt", re.IGNORECASE)
_TOKEN = re.compile(r"\S+")
# PDFium's signs for a hyphen at a line's end, in its two ways to give text.
_HYPHENS = str.maketrans("\x02\ufffe", "--")
# In units of the size: text drawn again this near is a shadow, or bold by overprinting.
_SHADOW = 0.2
# A gap inside what PDFium takes for one word that parts two after all; it draws kerned pairs nearer.
_WORD_GAP = 0.28
# Of the size of the text: smaller figures beside it are of footnotes, or exponents.
_SMALL = 0.85
# How far, in radians, a baseline may be from a multiple of a right angle.
_SKEW = 0.05


class _Style(NamedTuple):
    """What the characters of one text object have in common."""

    size: float
    bold: bool
    mono: bool
    quarter: int


class PageText:
    """The characters of one page."""

    def __init__(self, page: PdfPage, text_page: PdfTextPage) -> None:
        import pypdfium2.raw as raw

        self._raw = raw
        self._page = page
        self._handle = text_page.raw
        self._object_at = _object_at()
        self._rect = raw.FS_RECTF()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._styles: dict[int, _Style] = {}
        self._blanks: list[int] | None = None
        self._places: dict[int, int] = {}
        self.text = self._characters(text_page)

    def words(self) -> list[Word]:
        """In the order of drawing."""
        found: list[Word] = []
        for match in _TOKEN.finditer(self.text):
            first, last = match.start(), match.end() - 1
            start, end = self._object_at(self._handle, first), self._object_at(self._handle, last)
            if start == end:
                found.append(self._word(match[0], first, last, start, self._is_spaced(first)))
            else:
                found.extend(self._parts(first, last))
        return found

    def _is_spaced(self, index: int) -> bool:
        """Whether a space precedes, and not PDFium's sign for a new line, which may be none."""
        return index > 0 and self.text[index - 1] not in "\r\n"

    def _characters(self, text_page: PdfTextPage) -> str:
        """One character for each of PDFium's indices."""
        count = text_page.count_chars()
        if count < 1:
            return ""
        text = str(text_page.get_text_range(0, count))
        if len(text) != count:
            codes = (self._raw.FPDFText_GetUnicode(self._handle, index) for index in range(count))
            text = "".join(chr(code) if 0 < code < 0x110000 else " " for code in codes)
        return text

    def _parts(self, first: int, last: int) -> Iterator[Word]:
        """A word that several text objects draw: parted where they leave a gap or draw a space between."""
        start, edge, before, spaced = first, 0.0, 0, self._is_spaced(first)
        kept: list[int] = []
        for index in range(first, last + 1):
            drawn = self._object_at(self._handle, index)
            if not drawn:
                # A hyphen that PDFium made up has no object of its own.
                kept.append(index)
                continue
            style = self._style(drawn, index)
            left, right, *_ = _turned(self._box(index), style.quarter)
            if kept and drawn != before and before:
                gap = left - edge
                if (
                    gap > _WORD_GAP * style.size
                    or gap < -style.size
                    or self._is_exponent(before, style, index)
                    or self._blank_between(before, drawn)
                ):
                    yield self._word(self._text(kept), start, kept[-1], before, spaced)
                    start, kept, spaced = index, [], True
                elif self.text[index] == self.text[index - 1] and abs(right - edge) < _SHADOW * style.size:
                    continue
            kept.append(index)
            edge, before = right, drawn
        if kept and before:
            yield self._word(self._text(kept), start, kept[-1], before, spaced)

    def _is_exponent(self, before: int, style: _Style, index: int) -> bool:
        sizes = style.size, self._styles[before].size
        return min(sizes) < _SMALL * max(sizes) and self.text[index - 1 : index + 1].isdigit()

    def _text(self, indices: list[int]) -> str:
        return "".join(self.text[index] for index in indices)

    def _word(self, text: str, first: int, last: int, drawn: int, spaced: bool) -> Word:
        style = self._style(drawn, first)
        left, _, bottom, top = box = self._box(first)
        if last != first:
            _, right, low, high = self._box(last)
            if style.quarter % 2:
                box = (left, box[1], min(bottom, low), max(top, high))
            else:
                box = (min(left, self._rect.left), max(box[1], right), bottom, top)
        self._raw.FPDFText_GetCharOrigin(self._handle, first, ctypes.byref(self._x), ctypes.byref(self._y))
        x, y = self._x.value, self._y.value
        left, right, *_ = _turned(box, style.quarter)
        base = (y, -x, -y, x)[style.quarter]
        return Word(
            text.translate(_HYPHENS), left, right, base, style.size, style.bold, style.mono, style.quarter, spaced
        )

    def _box(self, index: int) -> tuple[float, float, float, float]:
        rect = self._rect
        self._raw.FPDFText_GetLooseCharBox(self._handle, index, ctypes.byref(rect))
        return rect.left, rect.right, rect.bottom, rect.top

    def _style(self, drawn: int, index: int) -> _Style:
        known = self._styles.get(drawn)
        if known is None:
            known = self._styles[drawn] = self._measured(index)
        return known

    def _measured(self, index: int) -> _Style:
        raw = self._raw
        matrix = raw.FS_MATRIX()
        size = raw.FPDFText_GetFontSize(self._handle, index) or 1.0
        angle = 0.0
        if raw.FPDFText_GetMatrix(self._handle, index, ctypes.byref(matrix)):
            size *= math.hypot(matrix.c, matrix.d) or 1.0
            angle = math.atan2(matrix.b, matrix.a)
        turns = angle / (math.pi / 2)
        quarter = round(turns) % 4 if abs(turns - round(turns)) < _SKEW else SKEWED
        buffer = ctypes.create_string_buffer(128)
        raw.FPDFText_GetFontInfo(self._handle, index, buffer, 128, None)
        name = buffer.value.decode("latin-1")
        bold = bool(
            _BOLD.search(name) or raw.FPDFText_GetFontWeight(self._handle, index) >= _BOLD_WEIGHT
        )
        return _Style(round(abs(size), 1) or 1.0, bold, bool(_MONO.search(name)), quarter)

    def _blank_between(self, before: int, drawn: int) -> bool:
        """Whether an object of white space is drawn between two objects: PDFium leaves it out."""
        if self._blanks is None:
            self._blanks = []
            for place, (address, is_blank) in enumerate(self._objects()):
                self._places[address] = place
                if is_blank:
                    self._blanks.append(place)
        first, last = self._places.get(before, -1), self._places.get(drawn, -1)
        return 0 <= first < last and any(first < blank < last for blank in self._blanks)

    def _objects(self) -> Iterator[tuple[int, bool]]:
        """(address, whether it draws only white space) of each text object of the page itself."""
        raw = self._raw
        buffer = (ctypes.c_ushort * 8)()
        for number in range(raw.FPDFPage_CountObjects(self._page.raw)):
            item = raw.FPDFPage_GetObject(self._page.raw, number)
            if raw.FPDFPageObj_GetType(item) == raw.FPDF_PAGEOBJ_TEXT:
                size = raw.FPDFTextObj_GetText(item, self._handle, buffer, ctypes.sizeof(buffer))
                text = bytes(buffer)[: max(0, size - 2)].decode("utf-16-le", "replace") if size <= 16 else "x"
                yield ctypes.cast(item, ctypes.c_void_p).value or 0, not text.strip()


SKEWED = 4
"""The quarter of what runs at no right angle."""


def _turned(box: tuple[float, float, float, float], quarter: int) -> tuple[float, float, float, float]:
    """(left, right, bottom, top) as one sees it who holds the page so that the text is upright."""
    left, right, bottom, top = box
    if quarter == 1:
        return bottom, top, -right, -left
    if quarter == 2:
        return -right, -left, -top, -bottom
    if quarter == 3:
        return -top, -bottom, left, right
    return left, right, bottom, top


@cache
def _object_at() -> Callable[[Any, int], int | None]:
    """FPDFText_GetTextObject with addresses as plain numbers: making pointers takes most of its time."""
    import pypdfium2.raw as raw

    address = ctypes.cast(raw.FPDFText_GetTextObject, ctypes.c_void_p).value
    assert address
    return ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)(address)
