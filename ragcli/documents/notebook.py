"""Jupyter notebooks: cells in order, Markdown as Markdown and code as code, with what the code printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ragcli.documents.decoding import decode
from ragcli.documents.html_pages.page import read_html
from ragcli.documents.left_out import words_of
from ragcli.documents.markdown.markdown import add_markdown
from ragcli.documents.outline import Outline
from ragcli.documents.unreadable import UnreadableFile

# A longer output is a log: its beginning is indexed, and the report says so.
_LONGEST_OUTPUT = 4000


def read_notebook(data: bytes, name: str) -> Outline:
    """A page is a cell. Raises UnreadableFile if it is not a notebook."""
    outline = Outline("ipynb")
    for number, cell in enumerate(_cells(_parsed(data)), start=1):
        outline.part = number
        text = _text(cell.get("source", cell.get("input")))
        match cell.get("cell_type"):
            case "markdown":
                add_markdown(outline, text)
            case "heading":
                level = cell.get("level")
                outline.heading(level if isinstance(level, int) else 1, text)
            case "code":
                outline.add(text.strip("\n"), code=True)
                _outputs(outline, cell.get("outputs"))
            case _:
                outline.add(text.strip("\n"))
    return outline


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        notebook = json.loads(decode(data))
    except ValueError as problem:
        raise UnreadableFile("damaged: not a notebook") from problem
    except RecursionError as problem:
        raise UnreadableFile("nested too deeply") from problem
    if not isinstance(notebook, dict):
        raise UnreadableFile("damaged: not a notebook")
    return notebook


def _cells(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Those of format 4, or of the worksheets of format 3."""
    sheets = _dicts(notebook.get("worksheets"))
    cells = [cell for sheet in (notebook, *sheets) for cell in _dicts(sheet.get("cells"))]
    if not cells and "cells" not in notebook and "worksheets" not in notebook:
        raise UnreadableFile("damaged: not a notebook")
    yield from cells


def _outputs(outline: Outline, outputs: Any) -> None:
    for output in _dicts(outputs):
        kind = output.get("output_type")
        if kind == "stream":
            text = _text(output.get("text"))
        elif kind in ("error", "pyerr"):
            text = ": ".join(filter(None, (_text(output.get("ename")), _text(output.get("evalue")))))
        else:
            text = _shown(outline, output)
        text = text.strip("\n")
        if len(text) > _LONGEST_OUTPUT:
            left = words_of(text[_LONGEST_OUTPUT:])
            outline.notes.append(f"cell {outline.part}: the last {left} of an output left out")
            text = text[:_LONGEST_OUTPUT]
        outline.add(text, code=True)


def _shown(outline: Outline, output: dict[str, Any]) -> str:
    """The richest form of a result that is text; format 3 has the forms in the output itself."""
    forms = output.get("data") if isinstance(output.get("data"), dict) else output
    assert isinstance(forms, dict)
    markdown = _text(forms.get("text/markdown"))
    if markdown:
        add_markdown(outline, markdown)
        return ""
    html = _text(forms.get("text/html", forms.get("html")))
    if "<table" in html:
        outline.include(read_html(html.encode("utf-8", "replace"), ""))
        return ""
    plain = _text(forms.get("text/plain", forms.get("text")))
    if any(str(form).startswith("image/") or form in ("png", "jpeg", "svg") for form in forms):
        outline.notes.append("outputs that are pictures are left out")
    return plain


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
