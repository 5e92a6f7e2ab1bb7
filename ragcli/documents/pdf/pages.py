"""The pages of a PDF as they are read, and the notes on those without text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from ragcli.documents.pdf.columns import in_reading_order
from ragcli.documents.pdf.forms import FormReader
from ragcli.documents.pdf.lines import Page, Word, segments
from ragcli.documents.pdf.ocr import HINT, Ocr
from ragcli.documents.pdf.page_words import UNKNOWN, PageText
from ragcli.documents.pdf.sense import is_nonsense, letters_in
from ragcli.documents.pdf.styles import SKEWED, Widths
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

# A page with fewer letters than this and a large image, or this many drawn shapes, is not text.
_FEWEST_LETTERS = 40
_LARGE_IMAGE = 0.4
_MANY_SHAPES = 300
# Of the pages: if this many are not text, the rest doesn't make a document.
_MOST_UNREAD = 0.9


class PageReader:
    """Collects the pages of one document."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self._widths: Widths = {}
        self._ocr = Ocr()
        self._recognised: list[int] = []
        self._scanned: list[int] = []
        self._drawn: list[int] = []
        self._nonsense: list[int] = []
        self._undecoded = 0
        self._outside = 0
        self._unknown = 0

    def take(self, number: int, page: PdfPage, forms: FormReader) -> None:
        with closing(page.get_textpage()) as text_page:
            words = PageText(page, text_page, self._widths).words()
        visible = _inside(words, page)
        self._outside += len(words) - len(visible)
        makes_sense = not is_nonsense(" ".join(word.text for word in visible))
        undecoded = 0 if makes_sense else len(visible)
        if not makes_sense:
            visible = []
        visible = self._decoded(visible)
        visible += forms.words(page, visible)
        if not makes_sense or letters_in(visible) < _FEWEST_LETTERS:
            visible = self._seen(number, page, visible, makes_sense=makes_sense)
        if self._nonsense[-1:] == [number]:
            self._undecoded += undecoded
        self.pages.append(page_of(number, visible, page.get_bbox()))

    def _decoded(self, words: list[Word]) -> list[Word]:
        """Without single characters that the file does not identify."""
        unknown = sum(word.text.count(UNKNOWN) for word in words)
        if not unknown:
            return words
        self._unknown += unknown
        known = (word._replace(text=word.text.replace(UNKNOWN, "")) for word in words)
        return [word for word in known if word.text]

    def _seen(self, number: int, page: PdfPage, words: list[Word], *, makes_sense: bool) -> list[Word]:
        """The words of a page with little text or none: of its picture, if it is one and can be read."""
        images, shapes = _pictures(page)
        is_picture = images >= _LARGE_IMAGE or (shapes >= _MANY_SHAPES and not words)
        if makes_sense and not is_picture:
            return words
        read = self._ocr.words(page)
        if read:
            self._recognised.append(number)
            return read
        kind = self._nonsense if not makes_sense else self._scanned if images >= _LARGE_IMAGE else self._drawn
        kind.append(number)
        return words

    def check(self) -> None:
        """Raises UnreadableFile if the pages have almost no text."""
        unread = len(self._scanned) + len(self._drawn) + len(self._nonsense)
        has_words = any(page.lines or page.asides for page in self.pages)
        if has_words and unread < _MOST_UNREAD * len(self.pages):
            return
        if len(self._nonsense) > unread / 2:
            raise UnreadableFile(
                "its text cannot be decoded: the fonts do not say which characters they draw"
            )
        if unread:
            images = "images" if self._scanned else "drawings"
            more = f" ({HINT})" if not self._ocr.is_there else f" that {self._ocr.name} could read"
            raise UnreadableFile(f"scanned: {images} without text{more}")
        if not has_words:
            raise UnreadableFile("holds no text")

    def notes(self) -> list[str]:
        more = f"; {HINT}" if not self._ocr.is_there else ""
        notes = [
            (self._recognised, f"{_were(self._recognised)} read by OCR ({self._ocr.name})"),
            (self._scanned, f"{_hold(self._scanned)} no text (scanned?){more}"),
            (self._drawn, f"{_hold(self._drawn)} no text, but drawings{more}"),
            (
                self._nonsense,
                f"{_hold(self._nonsense)} text that cannot be decoded left out ({_words(self._undecoded)})",
            ),
        ]
        outside = f"{_words(self._outside)} outside the visible part of the pages left out"
        unknown = f"{self._unknown:,} characters that cannot be decoded left out"
        counted = [(self._outside, outside), (self._unknown, unknown)]
        return [note for pages, note in notes if pages] + [note for count, note in counted if count]


def page_of(number: int, words: Sequence[Word], box: tuple[float, float, float, float]) -> Page:
    """Words in the direction of most are the text; the others are asides, read after it."""
    weights: Counter[int] = Counter()
    for word in words:
        weights[word.quarter] += len(word.text)
    straight = [quarter for quarter, _ in weights.most_common() if quarter != SKEWED]
    asides: list[str] = []
    for quarter in straight[1:]:
        turned = in_reading_order(segments([word for word in words if word.quarter == quarter]))
        asides += [line.text for line in turned]
    skewed = " ".join(word.text for word in words if word.quarter == SKEWED)
    if skewed:
        asides.append(skewed)
    main = straight[0] if straight else 0
    lines = in_reading_order(segments([word for word in words if word.quarter == main]))
    left, bottom, right, top = box
    foot, head = ((bottom, top), (-right, -left), (-top, -bottom), (left, right))[main]
    return Page(number, tuple(lines), foot, head, asides=tuple(asides))


def _inside(words: Sequence[Word], page: PdfPage) -> list[Word]:
    """Those that the page's box shows at least in part."""
    left, bottom, right, top = page.get_bbox()
    found = []
    for word in words:
        x, y, size = (word.left + word.right) / 2, word.y, word.size
        if word.quarter:
            x, y = ((x, y), (-y, x), (-x, -y), (y, -x), (x, y))[word.quarter]
        if left - size < x < right + size and bottom - size < y < top + size:
            found.append(word)
    return found


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


def _words(count: int) -> str:
    return "1 word" if count == 1 else f"{count:,} words"


def _were(numbers: Sequence[int]) -> str:
    return f"page {_ranges(numbers)} was" if len(numbers) == 1 else f"pages {_ranges(numbers)} were"


def _hold(numbers: Sequence[int]) -> str:
    return f"page {_ranges(numbers)} holds" if len(numbers) == 1 else f"pages {_ranges(numbers)} hold"


def _ranges(numbers: Sequence[int]) -> str:
    """ "3, 7-9"."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)
