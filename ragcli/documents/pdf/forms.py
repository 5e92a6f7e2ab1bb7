"""The text of a PDF in form fields and in annotations on the page."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ragcli.documents.pdf.lines import Word

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

# Of a field's height, if the size of its text is unknown, and the largest guess in points.
_TEXT_HEIGHT = 0.7
_LARGEST_TEXT = 11.0
_LINE_HEIGHT = 1.2
_PADDING = 2.0
_PASSWORD = 1 << 13


class FormReader:
    """The values of the fields of one document, as a viewer shows them. To be closed before the document."""

    def __init__(self, document: PdfDocument) -> None:
        if document.get_formtype():
            document.init_forms()
        self._form = document.formenv.raw if document.formenv else None

    def words(self, page: PdfPage, drawn: Sequence[Word]) -> list[Word]:
        """Values on the baseline of the words next to them, so that a label and its value are one line."""
        import pypdfium2.raw as raw

        found: list[Word] = []
        for number in range(raw.FPDFPage_GetAnnotCount(page.raw)):
            annotation = raw.FPDFPage_GetAnnot(page.raw, number)
            try:
                text = self._text(annotation)
                if text.strip():
                    found.extend(_placed(text, _rectangle(annotation), drawn))
            finally:
                raw.FPDFPage_CloseAnnot(annotation)
        return found

    def _text(self, annotation: Any) -> str:
        import pypdfium2.raw as raw

        hidden = raw.FPDF_ANNOT_FLAG_HIDDEN | raw.FPDF_ANNOT_FLAG_NOVIEW
        if raw.FPDFAnnot_GetFlags(annotation) & hidden:
            return ""
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        if kind == raw.FPDF_ANNOT_FREETEXT:
            return _string(partial(raw.FPDFAnnot_GetStringValue, annotation, b"Contents"))
        if kind != raw.FPDF_ANNOT_WIDGET or self._form is None:
            return ""
        field = raw.FPDFAnnot_GetFormFieldType(self._form, annotation)
        if field in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON):
            return "[x]" if raw.FPDFAnnot_IsChecked(self._form, annotation) else "[ ]"
        if field in (raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX):
            return ", ".join(self._chosen(annotation)) or self._value(annotation)
        if field == raw.FPDF_FORMFIELD_TEXTFIELD:
            is_secret = raw.FPDFAnnot_GetFormFieldFlags(self._form, annotation) & _PASSWORD
            return "" if is_secret else self._value(annotation)
        return ""

    def _value(self, annotation: Any) -> str:
        import pypdfium2.raw as raw

        return _string(partial(raw.FPDFAnnot_GetFormFieldValue, self._form, annotation))

    def _chosen(self, annotation: Any) -> Iterator[str]:
        import pypdfium2.raw as raw

        for option in range(raw.FPDFAnnot_GetOptionCount(self._form, annotation)):
            if raw.FPDFAnnot_IsOptionSelected(self._form, annotation, option):
                yield _string(partial(raw.FPDFAnnot_GetOptionLabel, self._form, annotation, option))


def _string(call: Callable[[Any, int], int]) -> str:
    """From a function of PDFium that takes a buffer and its size in bytes, and returns the size needed."""
    import pypdfium2.raw as raw

    size = call(None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    call(ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), size)
    return buffer.raw.decode("utf-16-le", "replace").rstrip("\0")


def _rectangle(annotation: Any) -> tuple[float, float, float, float]:
    import pypdfium2.raw as raw

    rect = raw.FS_RECTF()
    raw.FPDFAnnot_GetRect(annotation, ctypes.byref(rect))
    return rect.left, rect.bottom, rect.right, rect.top


def _placed(text: str, box: tuple[float, float, float, float], drawn: Sequence[Word]) -> Iterator[Word]:
    """The lines of a value from the top of its field down, or on the baseline of the text next to it."""
    left, bottom, right, top = box
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    size = round(max(1.0, min(_LARGEST_TEXT, _TEXT_HEIGHT * (top - bottom) / len(lines))), 1)
    y = top - _PADDING - size if len(lines) > 1 else (top + bottom) / 2 - 0.35 * size
    beside = [
        word for word in drawn if bottom - 1 <= word.y <= top and not word.quarter and word.size < 3 * size
    ]
    if len(lines) == 1 and beside:
        nearest = min(beside, key=lambda word: min(abs(word.right - left), abs(word.left - right)))
        y, size = nearest.y, nearest.size
    for line in lines:
        parts = line.split()
        width = min(right - left, 0.5 * size * max(1, len(line))) / max(1, len(line))
        x = left + _PADDING
        for part in parts:
            yield Word(part, x, x + width * len(part), y, size)
            x += width * (len(part) + 1)
        y -= _LINE_HEIGHT * size
