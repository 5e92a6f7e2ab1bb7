"""Which numbers of an XLSX are shown as percent: calamine gives the values alone."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ragcli.documents.containers import Container

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

Shown = Callable[[float], str]
Place = tuple[int, int]
"""Row and column, from 0."""

_RELATION_ID = re.compile(r"\{.*relationships\}id$")
# Of the formats that every program knows by number.
_BUILT_IN = {9: 0, 10: 2}
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_DECIMALS = re.compile(r"\.([0#?]+)")
_CELL = re.compile(r"<(?:\w+:)?c\b[^>]*>")
_ATTRIBUTE = re.compile(r'\b([rs])="([^"]*)"')


def percent_cells(container: Container) -> dict[str, dict[Place, Shown]]:
    """By the sheet's name; nothing for a workbook without such formats."""
    decimals = _percent_styles(container.xml_or_none("xl/styles.xml"))
    if not decimals:
        return {}
    return {
        name: dict(_cells(container.read(part).decode("utf-8", "replace"), decimals))
        for name, part in _sheet_parts(container)
        if part in container.names
    }


def _percent_styles(styles: Element | None) -> dict[str, int]:
    """The number of each style of cells that shows percent -> its decimal places."""
    if styles is None:
        return {}
    known = dict(_BUILT_IN)
    for entry in styles.iterfind("{*}numFmts/{*}numFmt"):
        code = _QUOTED.sub("", entry.get("formatCode", "")).partition(";")[0]
        if "%" in code:
            match = _DECIMALS.search(code)
            known[int(entry.get("numFmtId", "-1"))] = len(match[1]) if match else 0
    formats = [int(entry.get("numFmtId", "0")) for entry in styles.iterfind("{*}cellXfs/{*}xf")]
    return {str(place): known[number] for place, number in enumerate(formats) if number in known}


def _sheet_parts(container: Container) -> list[tuple[str, str]]:
    workbook = container.xml("xl/workbook.xml")
    relations = container.xml_or_none("xl/_rels/workbook.xml.rels")
    targets = {} if relations is None else {one.get("Id"): one.get("Target", "") for one in relations}
    found = []
    for sheet in workbook.iterfind("{*}sheets/{*}sheet"):
        number = next((value for key, value in sheet.items() if _RELATION_ID.match(key)), None)
        target = targets.get(number, "")
        part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        found.append((sheet.get("name", ""), part))
    return found


def _cells(xml: str, decimals: dict[str, int]) -> list[tuple[Place, Shown]]:
    found = []
    for match in _CELL.finditer(xml):
        attributes = dict(_ATTRIBUTE.findall(match[0]))
        if attributes.get("s") in decimals and (place := _place(attributes.get("r", ""))):
            found.append((place, _percent(decimals[attributes["s"]])))
    return found


def _percent(decimals: int) -> Shown:
    return lambda value: f"{value * 100:.{decimals}f} %"


def _place(name: str) -> Place | None:
    """ "B3" is (2, 1)."""
    match = re.fullmatch(r"([A-Z]{1,3})(\d+)", name)
    if not match:
        return None
    column = 0
    for letter in match[1]:
        column = 26 * column + ord(letter) - 64
    return int(match[2]) - 1, column - 1
