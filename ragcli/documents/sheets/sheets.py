"""Excel's sheets (XLSX, XLSB, XLS) through calamine; of XLSX also how numbers are shown, and text boxes."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ragcli.documents.containers import Container, properties
from ragcli.documents.delimited import read_csv
from ragcli.documents.html_pages.page import read_html
from ragcli.documents.left_out import words_of
from ragcli.documents.outline import Outline
from ragcli.documents.sheets.number_formats import Shown, shown_cells
from ragcli.documents.sheets.sheet_tables import EMPTY, Cell, Row, add_sheet, hidden_sheet
from ragcli.documents.unreadable import UnreadableFile

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

_DRAWING_PART = re.compile(r"xl/(?:drawings/drawing|charts/chart|diagrams/data)\d+\.xml$")
_COMMENTS_PART = re.compile(r"xl/(?:comments|threadedComments/)")
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
# OLE, zip, and the records of Excel's first versions.
_BINARY = (b"\xd0\xcf\x11\xe0", b"PK", b"\x09")
_MIDNIGHT = datetime.time()


def read_workbook(data: bytes, name: str) -> Outline:
    """One section per sheet; lines are rows. Raises UnreadableFile for an encrypted or damaged file.

    Many programs write a web page or text as .xls: it is read as what it is.
    """
    import python_calamine as calamine

    if name.lower().endswith(".xls") and not data.startswith(_BINARY):
        return read_html(data, name) if data.lstrip()[:1] == b"<" else read_csv(data, _text_name(data))
    outline = Outline(name.lower().rpartition(".")[2])
    try:
        container = None if outline.format == "xls" else Container(data, "a workbook")
        shown = shown_cells(container) if container and outline.format == "xlsx" else {}
        with calamine.load_workbook(io.BytesIO(data)) as workbook:
            for sheet in workbook.sheets_metadata:
                if sheet.typ != calamine.SheetTypeEnum.WorkSheet:
                    continue
                rows = _rows(workbook.get_sheet_by_name(sheet.name), shown.get(sheet.name, {}))
                if sheet.visible != calamine.SheetVisibleEnum.Visible:
                    outline.notes.append(hidden_sheet(sheet.name, rows))
                    continue
                add_sheet(outline, sheet.name, rows)
    except calamine.PasswordError as problem:
        raise UnreadableFile("encrypted") from problem
    except calamine.CalamineError as problem:
        raise UnreadableFile("damaged: not a workbook") from problem
    except BaseException as problem:
        # A panic of calamine, which is written in Rust, on a damaged file.
        if type(problem).__name__ == "PanicException":
            raise UnreadableFile("damaged: not a workbook") from problem
        raise
    if container:
        _add_parts(outline, container)
    return outline


def _text_name(data: bytes) -> str:
    return "a.tsv" if b"\t" in data.partition(b"\n")[0] else "a.csv"


def _rows(sheet: CalamineSheet, shown: Mapping[tuple[int, int], Shown | str]) -> Iterator[Row]:
    if sheet.start is None:
        return
    top, left = sheet.start
    merged = _merged(sheet)
    origins: dict[tuple[int, int], Cell] = {}
    for row, values in enumerate(sheet.to_python(skip_empty_area=True), start=top):
        cells = []
        for column, value in enumerate(values, start=left):
            origin = merged.get((row, column))
            if origin is not None and origin != (row, column):
                cells.append(origins.get(origin, EMPTY))
                continue
            cell = _cell(value, shown.get((row, column)))
            if origin is not None:
                origins[origin] = Cell(cell.text, cell.is_text, is_copy=True)
            cells.append(cell)
        yield row + 1, cells


def _merged(sheet: CalamineSheet) -> dict[tuple[int, int], tuple[int, int]]:
    """The place of each merged cell -> the place of the first one."""
    found = {}
    height, width = sheet.end or (0, 0)
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        for row in range(top, min(bottom, height) + 1):
            for column in range(left, min(right, width) + 1):
                found[row, column] = (top, left)
    return found


def _cell(value: Any, shown: Shown | str | None) -> Cell:
    if isinstance(shown, str):
        return Cell(shown, is_text=False)
    match value:
        case str():
            return Cell(value.strip())
        case bool():
            return Cell(str(value).upper(), is_text=False)
        case float() | int():
            return Cell(shown(value) if shown else _plain(value), is_text=False)
        case datetime.datetime():
            is_date = value.time() == _MIDNIGHT
            return Cell(value.date().isoformat() if is_date else value.isoformat(" "), is_text=False)
        case _:
            return Cell(str(value), is_text=False)


def _plain(value: float) -> str:
    """As many digits as sheets show, so that 0.1 + 0.2 is 0.3; all those of a whole number."""
    text = f"{value:.11g}"
    return repr(value).removesuffix(".0") if "e" in text else text


def _add_parts(outline: Outline, container: Container) -> None:
    """What is outside the cells (text boxes, charts, SmartArt), and what the file says about itself."""
    title, found = properties(container.xml_or_none("docProps/core.xml"))
    outline.title = title
    outline.metadata.update(found)
    outline.set_path(())
    for name in filter(_DRAWING_PART.match, container.names):
        for paragraph in container.xml(name).iter(f"{_DRAWING}p"):
            outline.add("".join(text.text or "" for text in paragraph.iter(f"{_DRAWING}t")))
    comments = [container.xml(name) for name in filter(_COMMENTS_PART.match, container.names)]
    if comments:
        said = (
            text.text or "" for root in comments for text in root.iter("{*}t", "{*}text") if not len(text)
        )
        outline.notes.append(f"comments on cells left out ({words_of(' '.join(said))})")
