"""PDF through PDFium: pages to words in `pdf_words`, words to lines and paragraphs in the pure modules."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from ragcli.documents.outline import Outline, one_line
from ragcli.documents.pdf.bookmarks import Bookmark, keys_of
from ragcli.documents.pdf.forms import FormReader
from ragcli.documents.pdf.layout import fill
from ragcli.documents.pdf.pages import PageReader
from ragcli.documents.pdf.titles import is_title
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

# PDFium's codes for why it cannot open a file.
_NEEDS_PASSWORD = 4
_UNKNOWN_SECURITY = 5
_METADATA = {
    "Author": "author",
    "Subject": "subject",
    "Keywords": "keywords",
    "CreationDate": "created",
    "ModDate": "modified",
}
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)(\d\d)")
# PDFium's kinds of places that have a height (XYZ, FitH, FitR, FitBH), and its index in their numbers.
_HEIGHTS = {1: 1, 3: 0, 5: 3, 7: 0}
# No book has bookmarks this deep; they may be circular.
_DEEPEST_BOOKMARK = 15


def read_pdf(data: bytes, name: str) -> Outline:
    """Raises UnreadableFile for an encrypted, scanned or damaged file."""
    from pypdfium2 import PdfiumError

    outline = Outline("pdf")
    reader = PageReader()
    try:
        with closing(_opened(data)) as document:
            forms = FormReader(document)
            for number in range(len(document)):
                with closing(document[number]) as page:
                    reader.take(number + 1, page, forms)
            title = one_line(document.get_metadata_value("Title"))
            outline.metadata.update(_described(document))
            bookmarks = _bookmarks(document)
    except PdfiumError as problem:
        raise UnreadableFile(f"damaged: {_lowered(str(problem))}") from problem
    reader.check()
    outline.title = title if is_title(title) else ""
    outline.pages = len(reader.pages)
    fill(outline, reader.pages, bookmarks)
    outline.notes += reader.notes()
    if not is_title(outline.title):
        outline.title = ""
    return outline


def _described(document: PdfDocument) -> Iterator[tuple[str, str]]:
    """Author, dates and the like, named as in other formats."""
    for key, name in _METADATA.items():
        value = one_line(document.get_metadata_value(key))
        if key.endswith("Date"):
            # D:20240501103000+02'00'
            date = _DATE.match(value)
            value = "-".join(date.groups()) if date else ""
        if value:
            yield name, value


def _opened(data: bytes) -> PdfDocument:
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        return PdfDocument(data)
    except PdfiumError as problem:
        if problem.err_code == _NEEDS_PASSWORD:
            raise UnreadableFile("encrypted: it needs a password") from problem
        if problem.err_code == _UNKNOWN_SECURITY:
            raise UnreadableFile("encrypted") from problem
        raise


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".")


def _bookmarks(document: PdfDocument) -> dict[int, list[Bookmark]]:
    """Every entry of the outline that has a place, by its page."""
    found: defaultdict[int, list[Bookmark]] = defaultdict(list)
    for entry in document.get_toc(max_depth=_DEEPEST_BOOKMARK):
        place = entry.get_dest()
        number = place.get_index() if place else None
        if place is None or number is None:
            continue
        kind, numbers = place.get_view()
        at = _HEIGHTS.get(kind)
        y = numbers[at] if at is not None and at < len(numbers) else None
        for title in set(keys_of(entry.get_title())) - {""}:
            found[number + 1].append(Bookmark(title, entry.level + 1, y))
    return found
