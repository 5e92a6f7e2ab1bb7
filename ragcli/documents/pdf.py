"""PDF through PDFium: pages to words in `pdf_words`, words to lines and paragraphs in the pure modules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragcli.documents.outline import Outline, one_line
from ragcli.documents.pdf_columns import in_reading_order
from ragcli.documents.pdf_forms import FormReader
from ragcli.documents.pdf_layout import fill
from ragcli.documents.pdf_lines import Page, Word, segments
from ragcli.documents.pdf_sense import is_nonsense, letters_in
from ragcli.documents.pdf_titles import is_title
from ragcli.documents.pdf_styles import SKEWED
from ragcli.documents.pdf_words import PageText
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

# PDFium's codes of what kept it from opening a file.
_NEEDS_PASSWORD = 4
_UNKNOWN_SECURITY = 5
# Fewer letters than this beside a large image, or beside so many drawn shapes, are a page that is no text.
_FEWEST_LETTERS = 40
_LARGE_IMAGE = 0.4
_MANY_SHAPES = 300
# Of the pages: if so many are no text, what little there is doesn't make a document.
_MOST_UNREAD = 0.9


def read_pdf(data: bytes, name: str) -> Outline:
    """Raises UnreadableFile for an encrypted, scanned or damaged file."""
    from pypdfium2 import PdfiumError

    outline = Outline("pdf")
    try:
        with closing(_opened(data)) as document:
            found = _Pages()
            forms = FormReader(document)
            for number in range(len(document)):
                with closing(document[number]) as page:
                    found.take(number + 1, page, forms)
            title = one_line(document.get_metadata_value("Title"))
            marks = dict(_bookmarks(document))
    except PdfiumError as problem:
        raise UnreadableFile(f"damaged: {_lowered(str(problem))}") from problem
    found.check()
    outline.title = title if is_title(title) else ""
    outline.pages = len(found.pages)
    fill(outline, found.pages, marks)
    if not is_title(outline.title):
        outline.title = ""
    outline.notes += found.notes()
    return outline


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


@dataclass
class _Pages:
    """The pages as they are read, and what is to be said of them."""

    pages: list[Page] = field(default_factory=list)
    scanned: list[int] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)
    nonsense: list[int] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)
    outside: int = 0

    def take(self, number: int, page: PdfPage, forms: FormReader) -> None:
        with closing(page.get_textpage()) as text_page:
            text = PageText(page, text_page)
            words = text.words()
        visible = [word for word in words if not _is_outside(word, page)]
        self.outside += len(words) - len(visible)
        if is_nonsense(" ".join(word.text for word in visible)):
            self.nonsense.append(number)
            visible = []
        visible += forms.words(page, visible)
        if letters_in(visible) < _FEWEST_LETTERS and number not in self.nonsense:
            self._look_at(number, page, visible)
        self.pages.append(_page(number, visible))

    def _look_at(self, number: int, page: PdfPage, words: Sequence[Word]) -> None:
        """A page with little text or none: whether it shows something that would have to be read otherwise."""
        images, shapes = _pictures(page)
        if images >= _LARGE_IMAGE:
            self.scanned.append(number)
        elif shapes >= _MANY_SHAPES and not words:
            self.drawn.append(number)
        elif not words:
            self.blank.append(number)

    def check(self) -> None:
        """Raises UnreadableFile where the pages hold no text to speak of."""
        unread = len(self.scanned) + len(self.drawn) + len(self.nonsense)
        words = any(page.lines or page.asides for page in self.pages)
        if words and unread < _MOST_UNREAD * len(self.pages):
            return
        if len(self.nonsense) > unread / 2:
            raise UnreadableFile("its text cannot be decoded: the fonts do not say which characters they draw")
        if unread:
            more = " to speak of" if words else ""
            raise UnreadableFile(f"scanned: images without text{more}", hint=OCR_HINT)
        if not words:
            raise UnreadableFile("holds no text")

    def notes(self) -> list[str]:
        notes = []
        if self.scanned:
            notes.append(f"{page_list(self.scanned)} no text (scanned?): {OCR_HINT}")
        if self.drawn:
            notes.append(f"{page_list(self.drawn)} no text, only drawings")
        if self.nonsense:
            notes.append(f"{page_list(self.nonsense)} text that cannot be decoded; left out")
        if self.outside:
            notes.append(f"{self.outside:,} words outside the visible part of the pages left out")
        return notes


OCR_HINT = "x"


def page_list(numbers: Sequence[int]) -> str:
    """"page 3 holds" or "pages 3, 7-9 hold"."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    named = ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)
    return f"page {named} holds" if len(numbers) == 1 else f"pages {named} hold"


def _page(number: int, words: Sequence[Word]) -> Page:
    """Words in the direction of most are the text; the others are asides, read after it."""
    weights: Counter[int] = Counter()
    for word in words:
        weights[word.quarter] += len(word.text)
    straight = [quarter for quarter, _ in weights.most_common() if quarter != SKEWED] or [SKEWED]
    main, *others = straight
    lines = in_reading_order(segments([word for word in words if word.quarter == main]))
    asides = []
    for quarter in [*others, *([SKEWED] if SKEWED in weights and main != SKEWED else [])]:
        turned = [word for word in words if word.quarter == quarter]
        if quarter == SKEWED:
            asides.append(" ".join(word.text for word in turned))
        else:
            asides += [line.text for line in in_reading_order(segments(turned))]
    return Page(number, tuple(lines), tuple(asides))


def _is_outside(word: Word, page: PdfPage) -> bool:
    return False


def _pictures(page: PdfPage) -> tuple[float, int]:
    """The share of the page that images cover, and how many shapes are drawn."""
    import pypdfium2.raw as raw

    covered, shapes = 0.0, 0
    for item in page.get_objects(max_depth=3):
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = item.get_bounds()
            covered += (right - left) * (top - bottom)
        elif item.type == raw.FPDF_PAGEOBJ_PATH:
            shapes += 1
    width, height = page.get_size()
    return covered / (width * height or 1.0), shapes


def _bookmarks(document: PdfDocument) -> Iterator[tuple[tuple[int, str], int]]:
    """((page, title without spaces, in lower case), level) of every entry of the outline that has a place."""
    for entry in document.get_toc(max_depth=15):
        place = entry.get_dest()
        number = place.get_index() if place else None
        if number is not None:
            yield (number + 1, "".join(entry.get_title().lower().split())), entry.level + 1
