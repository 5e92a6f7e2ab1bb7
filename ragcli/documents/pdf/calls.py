"""Functions of PDFium that are called for each character of a page, with addresses as plain numbers.

The bindings make a pointer object for each argument and each result, which takes most of the time of a call.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

_INT, _ADDRESS = ctypes.c_int, ctypes.c_void_p


class Calls(NamedTuple):
    """The first argument is a text page, an object, a font or a page; "into" are addresses."""

    text_object: Callable[[int, int], int | None]
    loose_box: Callable[[int, int, int], int]
    origin: Callable[[int, int, int, int], int]
    is_generated: Callable[[int, int], int]
    font_size: Callable[[int, int], float]
    matrix: Callable[[int, int, int], int]
    render_mode: Callable[[int], int]
    font: Callable[[int], int | None]
    font_name: Callable[[int, int, int], int]
    font_weight: Callable[[int], int]
    page_object: Callable[[int, int], int | None]
    count_objects: Callable[[int], int]
    object_type: Callable[[int], int]
    bounds: Callable[[int, int, int, int, int], int]


@cache
def calls() -> Calls:
    import pypdfium2.raw as raw

    def made(function: Any, result: Any, *arguments: Any) -> Any:
        address = ctypes.cast(function, ctypes.c_void_p).value
        assert address is not None
        return ctypes.CFUNCTYPE(result, *arguments)(address)

    return Calls(
        made(raw.FPDFText_GetTextObject, _ADDRESS, _ADDRESS, _INT),
        made(raw.FPDFText_GetLooseCharBox, _INT, _ADDRESS, _INT, _ADDRESS),
        made(raw.FPDFText_GetCharOrigin, _INT, _ADDRESS, _INT, _ADDRESS, _ADDRESS),
        made(raw.FPDFText_IsGenerated, _INT, _ADDRESS, _INT),
        made(raw.FPDFText_GetFontSize, ctypes.c_double, _ADDRESS, _INT),
        made(raw.FPDFText_GetMatrix, _INT, _ADDRESS, _INT, _ADDRESS),
        made(raw.FPDFTextObj_GetTextRenderMode, _INT, _ADDRESS),
        made(raw.FPDFTextObj_GetFont, _ADDRESS, _ADDRESS),
        made(raw.FPDFFont_GetBaseFontName, ctypes.c_size_t, _ADDRESS, _ADDRESS, ctypes.c_size_t),
        made(raw.FPDFFont_GetWeight, _INT, _ADDRESS),
        made(raw.FPDFPage_GetObject, _ADDRESS, _ADDRESS, _INT),
        made(raw.FPDFPage_CountObjects, _INT, _ADDRESS),
        made(raw.FPDFPageObj_GetType, _INT, _ADDRESS),
        made(raw.FPDFPageObj_GetBounds, _INT, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS),
    )


def address_of(handle: Any) -> int:
    """The address in a pointer of the bindings."""
    address = ctypes.cast(handle, ctypes.c_void_p).value
    assert address is not None
    return address
