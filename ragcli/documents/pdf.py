"""PDF through pypdf: pages to lines here, lines to paragraphs in `pdf_layout`."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ragcli.documents.outline import Outline, one_line
from ragcli.documents.pdf_layout import fill
from ragcli.documents.pdf_lines import Fragment, Page, lines_of
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

# What programs write as a title when nobody gave one.
_NO_TITLES = ("untitled", "microsoft word", "microsoft powerpoint", "document", "presentation", "slide")


def read_pdf(data: bytes, name: str) -> Outline:
    """Raises UnreadableFile for an encrypted, scanned or damaged file."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError

    # pypdf reports each oddity of a file as a warning: it would fill the terminal, and changes nothing.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    outline = Outline("pdf")
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableFile("encrypted: it needs a password")
        pages = [
            Page(number, lines_of(_fragments(page))) for number, page in enumerate(reader.pages, start=1)
        ]
        has_images = any(_has_images(page) for page in reader.pages)
        title = one_line((reader.metadata.title if reader.metadata else "") or "")
        marks = dict(_bookmarks(reader))
    except UnreadableFile:
        raise
    except (DependencyError, FileNotDecryptedError) as problem:
        raise UnreadableFile("encrypted") from problem
    except MemoryError:
        raise
    except Exception as problem:
        # A damaged file makes the parser fail anywhere: the type of the error says nothing about the cause.
        raise UnreadableFile(f"damaged: {type(problem).__name__}") from problem
    if not any(page.lines for page in pages):
        raise UnreadableFile("scanned: images without text" if has_images else "holds no text")
    if not title.lower().startswith(_NO_TITLES) and not title.lower().endswith(
        (".doc", ".docx", ".pdf", ".tex")
    ):
        outline.title = title
    outline.pages = len(pages)
    fill(outline, pages, marks)
    return outline


def _fragments(page: PageObject) -> list[Fragment]:
    found: list[Fragment] = []

    def visit(
        text: str, user: list[float], matrix: list[float], font: dict[str, Any] | None, size: float
    ) -> None:
        if text:
            x = matrix[4] * user[0] + matrix[5] * user[2] + user[4]
            y = matrix[4] * user[1] + matrix[5] * user[3] + user[5]
            scale = abs(matrix[3] * user[3]) or 1.0
            name = str(font.get("/BaseFont", "")) if font else ""
            bold = any(mark in name.lower() for mark in ("bold", "black", "heavy", "semibold"))
            found.append(Fragment(text, x, y, round(size * scale, 1), bold))

    page.extract_text(visitor_text=visit)
    return found


def _has_images(page: PageObject) -> bool:
    resources = page.get("/Resources")
    objects = resources.get_object().get("/XObject") if resources is not None else None
    return bool(objects is not None and len(objects.get_object()))


def _bookmarks(reader: PdfReader) -> Iterator[tuple[tuple[int, str], int]]:
    """((page, title without spaces, in lower case), level) of every entry of the outline that has a place."""
    waiting = [(1, iter(reader.outline))]
    while waiting:
        level, entries = waiting[-1]
        entry = next(entries, None)
        if entry is None:
            waiting.pop()
        elif isinstance(entry, list):
            waiting.append((level + 1, iter(entry)))
        else:
            number = reader.get_destination_page_number(entry)
            if number is not None:
                yield (number + 1, "".join(str(entry.title).lower().split())), level
