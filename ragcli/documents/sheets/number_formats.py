"""How an XLSX shows its cells: calamine gives only values, a reader sees "25 %", "10 EUR" and "#VALUE!"."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ragcli.documents.containers import Container

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

Shown = Callable[[float], str]
Place = tuple[int, int]
"""Row and column, from 0."""

_RELATION_ID = re.compile(r"\{.*relationships\}id$")
# The formats that every program knows by number.
_BUILT_IN = {9: "0%", 10: "0.00%"}
# Quoted text, one quoted character, a currency, colours and conditions, room that is left, digits, the rest.
_TOKEN = re.compile(
    r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|(\[[^\]]*\]|[_*].)|([0#?][0#?.,]*|\.[0#?]+)|(.)', re.DOTALL
)
_SIGNS_OF_MONEY = "$€£¥₹ "
_CELL = re.compile(r"<(?:\w+:)?c\b[^>]*>")
_VALUE = re.compile(r"(?:(?!</?(?:\w+:)?c\b).)*?<(?:\w+:)?v>([^<]*)", re.DOTALL)
_ATTRIBUTE = re.compile(r'\b([rst])="([^"]*)"')


def shown_cells(container: Container) -> dict[str, dict[Place, Shown | str]]:
    """By the sheet's name: the cells whose numbers are shown with a sign or a word, and errors' texts."""
    styles = _styles(container.xml_or_none("xl/styles.xml"))
    return {
        name: dict(_cells(container.read(part).decode("utf-8", "replace"), styles))
        for name, part in _sheet_parts(container)
        if part in container.names
    }


def shown_by(code: str) -> Shown | None:
    """What a format makes of numbers; None if it adds no word, or is for dates or fractions."""
    before, digits, after = "", "", ""
    for match in _TOKEN.finditer(code):
        quoted, escaped, money, unseen, places, other = match.groups()
        literal = quoted or escaped or money or ""
        if other == ";":
            break
        if unseen:
            continue
        if places and not digits:
            digits = places
        elif other and other in f"%-+(){_SIGNS_OF_MONEY}":
            literal = "" if other in "-+()" else other
        elif other or places:
            return None
        if digits:
            after += literal
        else:
            before += literal
    if not digits or not (before + after).strip():
        return None
    decimals = len(digits.partition(".")[2])
    factor = 100 if "%" in after else 1
    after = after.replace("%", " %").replace("  ", " ")
    return lambda value: f"{before}{value * factor:.{decimals}f}{after}".strip()


def _styles(styles: Element | None) -> dict[str, Shown]:
    """By the number that cells name."""
    if styles is None:
        return {}
    codes = dict(_BUILT_IN)
    for entry in styles.iterfind("{*}numFmts/{*}numFmt"):
        codes[_number(entry)] = entry.get("formatCode", "")
    formats = {number: shown_by(code) for number, code in codes.items()}
    found = {}
    for place, entry in enumerate(styles.iterfind("{*}cellXfs/{*}xf")):
        shown = formats.get(_number(entry))
        if shown is not None:
            found[str(place)] = shown
    return found


def _number(entry: Element) -> int:
    value = entry.get("numFmtId", "")
    return int(value) if value.isdigit() else -1


def _sheet_parts(container: Container) -> list[tuple[str, str]]:
    relations = container.xml_or_none("xl/_rels/workbook.xml.rels")
    targets = {} if relations is None else {one.get("Id"): one.get("Target", "") for one in relations}
    found = []
    for sheet in container.xml("xl/workbook.xml").iterfind("{*}sheets/{*}sheet"):
        number = next((value for key, value in sheet.items() if _RELATION_ID.match(key)), None)
        target = targets.get(number, "")
        part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        found.append((sheet.get("name", ""), part))
    return found


def _cells(xml: str, styles: dict[str, Shown]) -> Iterator[tuple[Place, Shown | str]]:
    for match in _CELL.finditer(xml):
        attributes = dict(_ATTRIBUTE.findall(match[0]))
        shown: Shown | str | None = styles.get(attributes.get("s", ""))
        if attributes.get("t") == "e" and (value := _VALUE.match(xml, match.end())):
            shown = value[1]
        place = _place(attributes.get("r", "")) if shown else None
        if shown and place is not None:
            yield place, shown


def _place(name: str) -> Place | None:
    """ "B3" is (2, 1)."""
    match = re.fullmatch(r"([A-Z]{1,3})(\d{1,9})", name)
    if not match:
        return None
    column = 0
    for letter in match[1]:
        column = 26 * column + ord(letter) - 64
    return int(match[2]) - 1, column - 1
