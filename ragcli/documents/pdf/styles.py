"""The style of the characters of a PDF page: size, face, direction; and the position of each."""

from __future__ import annotations

import ctypes
import math
import re
import struct
from dataclasses import dataclass

from ragcli.documents.pdf.calls import calls

SKEWED = 4
"""The quarter of text that is not at a right angle."""

# LaTeX's bold faces are called "medium" (Nimbus) and "bx" (Computer Modern, European Modern).
_BOLD = re.compile(r"bold|black|heavy|demi|-medi(?![a-z])|(?:cm|sf|ec|la)bx|cmssbx|cmb\d", re.IGNORECASE)
_BOLD_WEIGHT = 600
_MONO = re.compile(r"cour|mono|typewriter|(?:cm|sf|ec|la)(?:sl)?tt|consol|menlo|txtt|lmtt", re.IGNORECASE)
_FILL_AND_STROKE = 2
# How far, in right angles, a baseline may be from a multiple of one.
_SKEW = 0.03

_unpack = struct.Struct("4f").unpack

Box = tuple[float, float, float, float]
"""left, top, right, bottom: PDFium's order."""


@dataclass(frozen=True, slots=True)
class Style:
    """What characters of one face and size have in common.

    `quarter`: how many right angles to the left the text is turned. `drop`: from the foot of a character's
    box to the baseline. `widths`: those of the characters, as far as they are known.
    """

    size: float
    bold: bool
    mono: bool
    quarter: int
    drop: float
    widths: dict[str, float]


Widths = dict[tuple[str, float, int], dict[str, float]]
"""The styles of characters, by the name of their face, its size and quarter, for all pages of a document.

Two faces of one name may differ: then words are not as wide as expected, and are measured letter by letter.
"""


class Styles:
    """Of one page; objects and fonts are known by their addresses."""

    def __init__(self, text_page: int, widths: Widths) -> None:
        self._widths = widths
        self._text_page = text_page
        self._calls = calls()
        self._loose_box = self._calls.loose_box
        # By the address of the object.
        self.known: dict[int, Style] = {}
        self._faces: dict[tuple[int, float, bytes, bool], Style] = {}
        self._alike: dict[tuple[int, float, int, bool], Style] = {}
        self._kinds: dict[int, tuple[str, bool, bool]] = {}
        self._rect = ctypes.create_string_buffer(16)
        self._rect_address = ctypes.addressof(self._rect)
        self._matrix = ctypes.create_string_buffer(24)
        self._matrix_address = ctypes.addressof(self._matrix)
        self._origin = (ctypes.c_double * 2)()

    def style(self, drawn: int, index: int) -> Style:
        """That of the object at this address, which draws the character of this index."""
        known = self.known.get(drawn)
        if known is None:
            known = self.known[drawn] = self._measured(drawn, index)
        return known

    def box(self, index: int, quarter: int) -> Box:
        """A character's position, with the page held so that the text is upright."""
        self._loose_box(self._text_page, index, self._rect_address)
        box: Box = _unpack(self._rect)
        if quarter == 0:
            return box
        left, top, right, bottom = box
        if quarter == 1:
            return bottom, -left, top, -right
        if quarter == 2:
            return -right, -bottom, -left, -top
        if quarter == 3:
            return -top, right, -bottom, left
        return box

    def _measured(self, drawn: int, index: int) -> Style:
        call, page = self._calls, self._text_page
        size = call.font_size(page, index)
        has_matrix = call.matrix(page, index, self._matrix_address)
        # Everything except the position, which differs from object to object.
        turn = self._matrix.raw[:16] if has_matrix else b""
        key = call.font(drawn) or 0, size, turn, call.render_mode(drawn) == _FILL_AND_STROKE
        known = self._faces.get(key)
        if known is None:
            known = self._faces[key] = self._face(index, *key)
        return known

    def _face(self, index: int, font: int, size: float, turn: bytes, is_stroked: bool) -> Style:
        size, quarter = size or 1.0, 0
        if turn:
            a, b, c, d = _unpack(turn)
            size *= math.hypot(c, d) or 1.0
            turns = math.atan2(b, a) / (math.pi / 2) if b or a < 0 else 0.0
            quarter = round(turns) % 4 if abs(turns - round(turns)) < _SKEW else SKEWED
        return self._style(index, font, round(abs(size), 1) or 1.0, quarter, is_stroked)

    def _style(self, index: int, font: int, size: float, quarter: int, is_stroked: bool) -> Style:
        """One for all that look the same: words are compared by it."""
        key = font, size, quarter, is_stroked
        known = self._alike.get(key)
        if known is not None:
            return known
        address = ctypes.addressof(self._origin)
        self._calls.origin(self._text_page, index, address, address + 8)
        x, y = self._origin
        drop = (y, -x, -y, x, y)[quarter] - self.box(index, quarter)[3]
        name, bold, mono = self._kind(font)
        widths = self._widths.setdefault((name, size, quarter), {}) if name else {}
        made = self._alike[key] = Style(size, bold or is_stroked, mono, quarter, drop, widths)
        return made

    def _kind(self, font: int) -> tuple[str, bool, bool]:
        """(its name, whether it is bold, whether it is a typewriter's)"""
        known = self._kinds.get(font)
        if known is None:
            buffer = ctypes.create_string_buffer(128)
            self._calls.font_name(font, ctypes.addressof(buffer), 128)
            name = buffer.value.decode("latin-1")
            bold = bool(_BOLD.search(name)) or self._calls.font_weight(font) >= _BOLD_WEIGHT
            known = self._kinds[font] = name, bold, bool(_MONO.search(name))
        return known
