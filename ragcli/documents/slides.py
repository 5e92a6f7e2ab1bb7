"""PowerPoint through python-pptx: slide by slide, its contents from top to bottom, then the notes."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ragcli.documents.containers import Container, parsed, properties
from ragcli.documents.left_out import word_count, words, words_of
from ragcli.documents.outline import LINE, PARAGRAPH, Outline, one_line
from ragcli.documents.tables import table_lines
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from pptx.slide import Slide

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
# Shapes whose upper edges are within a quarter of an inch are side by side.
_BAND = 228_600
# How programs describe a picture if nobody did.
_FILE_NAME = re.compile(r"\S*[\\/].*\.\w{2,4}|\S+\.(?:png|jpe?g|gif|bmp|svg|[we]mf|tiff?)", re.IGNORECASE)
_TEMPLATE_TITLES = ("", "powerpoint presentation", "presentation", "slide 1", "untitled")


def read_pptx(data: bytes, name: str) -> Outline:
    """A page is a slide. Raises UnreadableFile for an encrypted or damaged file."""
    from pptx.package import Package

    container = Container(data, "a PowerPoint presentation")
    outline = Outline("pptx")
    title, found = properties(container.xml_or_none("docProps/core.xml"))
    outline.metadata.update(found)
    if title.lower() not in _TEMPLATE_TITLES:
        outline.title = title
    try:
        # Not Presentation(): it refuses slide shows and templates.
        deck: Any = Package.open(io.BytesIO(data)).main_document_part
        slides = list(deck.presentation.slides)
        _Deck(outline).read(slides)
    except (MemoryError, UnreadableFile):
        raise
    except Exception as problem:
        # A damaged file makes the parser fail anywhere: the type of the error says nothing about the cause.
        raise UnreadableFile(f"damaged: {type(problem).__name__}") from problem
    outline.pages = len(slides)
    return outline


class _Deck:
    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.footers: set[str] = set()
        self.repeated = 0
        self.pictures: list[int] = []
        self.hidden: dict[int, str] = {}

    def read(self, slides: Iterable[Slide]) -> None:
        for number, slide in enumerate(slides, start=1):
            if slide.element.get("show") in ("0", "false"):
                self.hidden[number] = " ".join(
                    _paragraph(part) for part in slide.element.iter(f"{_DRAWING}p")
                )
                continue
            self.outline.part = number
            self._slide(slide, number)
        if self.pictures:
            self.outline.notes.append(f"{_numbers('slide', self.pictures)}: pictures, without text")
        if self.repeated:
            self.outline.notes.append(f"footers of {words(self.repeated)} that repeat left out")
        if self.hidden:
            said = words_of(" ".join(self.hidden.values()))
            self.outline.notes.append(f"{_numbers('slide', self.hidden)}: hidden, and left out ({said})")

    def _slide(self, slide: Slide, number: int) -> None:
        _unwrap_choices(slide.element)
        title = slide.shapes.title
        if title is not None and not title.has_text_frame:
            # There may be a picture in place of the title.
            title = None
        name = one_line(_text(title.text_frame)) if title is not None else ""
        before = len(self.outline.pieces)
        self.outline.set_path(())
        self.outline.heading(1, name)
        self._shapes(shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id)
        if not name and len(self.outline.pieces) == before and _has_picture(slide):
            self.pictures.append(number)
        notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        if notes is not None and (said := _text(notes)):
            self.outline.add(f"Notes: {said}")

    def _shapes(self, shapes: Iterable[Any]) -> None:
        for shape in sorted(shapes, key=_position):
            if hasattr(shape, "shapes"):
                self._shapes(shape.shapes)
            elif getattr(shape, "has_table", False):
                self._table(shape.table)
            elif getattr(shape, "has_chart", False):
                _add_chart(self.outline, shape.chart.part._element)
            elif shape.has_text_frame:
                self._text(shape)
            else:
                _add_diagram(self.outline, shape)
            described = shape._element.find(".//{*}cNvPr")
            if described is not None and not hasattr(shape, "shapes"):
                text = described.get("descr") or ""
                self.outline.add("" if _FILE_NAME.fullmatch(text) else text)

    def _text(self, shape: Any) -> None:
        from pptx.enum.shapes import PP_PLACEHOLDER as KIND

        kind = shape.placeholder_format.type if shape.is_placeholder else None
        if kind in (KIND.FOOTER, KIND.DATE, KIND.HEADER):
            text = _text(shape.text_frame)
            if text in self.footers:
                self.repeated += word_count(text)
            else:
                self.outline.add(text)
            self.footers.add(text)
            return
        self._paragraphs(shape.text_frame, is_list=kind in (KIND.BODY, KIND.OBJECT, KIND.VERTICAL_BODY))

    def _paragraphs(self, frame: Any, *, is_list: bool) -> None:
        said = [(part, text) for part in frame.paragraphs if (text := _paragraph(part._p).strip())]
        numbers: dict[int, int] = {}
        for place, (part, text) in enumerate(said):
            marker = _marker(part, numbers, is_list=is_list and len(said) > 1)
            self.outline.add(f"{'  ' * part.level}{marker}{text}", separator=LINE if place else PARAGRAPH)

    def _table(self, table: Any) -> None:
        rows = [
            ["" if cell.is_spanned else " ".join(_text(cell.text_frame).split()) for cell in row.cells]
            for row in table.rows
        ]
        # The design decides whether the first row looks different: it may be a header anyway.
        _add_table(self.outline, rows, has_header=table.first_row or all(rows[0]))


def _marker(paragraph: Any, numbers: dict[int, int], *, is_list: bool) -> str:
    """The marker of a paragraph, by its own format; `numbers` counts the items of each level."""
    form = paragraph._p.pPr
    level = paragraph.level
    for deeper in [one for one in numbers if one > level]:
        del numbers[deeper]
    if form is not None and form.find(f"{_DRAWING}buAutoNum") is not None:
        first = form.find(f"{_DRAWING}buAutoNum").get("startAt", "1")
        numbers[level] = numbers[level] + 1 if level in numbers else int(first)
        return f"{numbers[level]}. "
    numbers.pop(level, None)
    if form is not None and form.find(f"{_DRAWING}buNone") is not None:
        return ""
    return "- " if is_list or (form is not None and form.find(f"{_DRAWING}buChar") is not None) else ""


def _add_table(outline: Outline, rows: list[list[str]], *, has_header: bool) -> None:
    for number, line in enumerate(table_lines(rows, has_header=has_header)):
        outline.add(line, separator=LINE if number else PARAGRAPH)


def _add_chart(outline: Outline, chart: Any) -> None:
    """Its title, then the values that it draws, one line per category."""
    outline.add("\n".join(" ".join(_runs(title)) for title in chart.iter(f"{_CHART}title")))
    header, columns = [""], []
    categories: dict[str, str] = {}
    for series in chart.iter(f"{_CHART}ser"):
        header.append(" ".join(_points(series.find(f"{_CHART}tx")).values()))
        labels = series.find(f"{_CHART}cat")
        categories.update(_points(series.find(f"{_CHART}xVal") if labels is None else labels))
        values = series.find(f"{_CHART}val")
        columns.append(_points(series.find(f"{_CHART}yVal") if values is None else values))
    places = sorted({place for column in (categories, *columns) for place in column}, key=int)
    rows = [[column.get(place, "") for column in (categories, *columns)] for place in places]
    _add_table(outline, [header, *rows], has_header=True)


def _points(element: Any) -> dict[str, str]:
    """What a chart remembers of its cells, by their place."""
    if element is None:
        return {}
    return {
        point.get("idx", "0"): point.findtext(f"{_CHART}v") or "" for point in element.iter(f"{_CHART}pt")
    }


def _add_diagram(outline: Outline, shape: Any) -> None:
    """The texts of a SmartArt graphic."""
    relation = shape._element.find(f".//{_DIAGRAM}relIds")
    if relation is None:
        return
    part = shape.part.related_part(relation.get(f"{_RELATIONS}dm"))
    said = []
    for point in parsed(part.blob, "diagram").iter(f"{_DIAGRAM}pt"):
        lines = [_paragraph(paragraph) for paragraph in point.iter(f"{_DRAWING}p")]
        said.append(" ".join(filter(None, map(str.strip, lines))))
    outline.add("\n".join(f"- {text}" for text in said if text))


def _unwrap_choices(root: Any) -> None:
    """What newer programs draw instead of the copy for old ones: python-pptx skips both."""
    for choices in list(root.iter(f"{_COMPATIBILITY}AlternateContent")):
        first = next(iter(choices), None)
        for child in () if first is None else list(first):
            choices.addprevious(child)
        choices.getparent().remove(choices)


def _text(frame: Any) -> str:
    return "\n".join(filter(None, (_paragraph(part._p).strip() for part in frame.paragraphs)))


def _paragraph(paragraph: Any) -> str:
    return "".join(_runs(paragraph))


def _runs(element: Any) -> Iterator[str]:
    for part in element.iter(f"{_DRAWING}t", f"{_MATH}t", f"{_DRAWING}br"):
        if part.tag == f"{_DRAWING}br":
            yield "\n"
        else:
            yield part.text or ""


def _position(shape: Any) -> tuple[int, int]:
    return (shape.top or 0) // _BAND, shape.left or 0


def _has_picture(slide: Slide) -> bool:
    return next(slide.element.iter("{*}blip"), None) is not None


def _numbers(noun: str, numbers: Collection[int]) -> str:
    return f"{noun}{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
