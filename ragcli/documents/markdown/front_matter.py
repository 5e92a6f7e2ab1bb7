"""Metadata before a Markdown text: YAML between lines of ---, TOML between lines of +++."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ragcli.documents.outline import one_line
from ragcli.types import MetadataValue

_YAML = re.compile(r"---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML = re.compile(r"\+\+\+[ \t]*\n(.*?\n)?\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"([A-Za-z_][\w .-]*?)[ \t]*[:=](?:[ \t]+(.*))?$")
# What follows a field in YAML that is not quite YAML: a comment, a list, or more of its value.
_BETWEEN_FIELDS = re.compile(r"\s*(?:#|-[ \t]|$)|\s+\S")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """`text` is what is left of it to read, its line n the file's line n + 1; `end` is where it ends."""

    end: int
    title: str
    fields: Mapping[str, MetadataValue]
    text: str


def front_matter(text: str) -> FrontMatter | None:
    """None if the text only begins with a rule."""
    match = _YAML.match(text) or _TOML.match(text)
    if match is None:
        return None
    inside = match[1] or ""
    fields = _toml(inside) if text.startswith("+") else _yaml(inside)
    if fields is None:
        fields = _loosely(inside)
    if fields is None:
        return None
    titles = [key for key in fields if key.lower() == "title"]
    title = one_line(str(fields[titles[0]])) if titles and fields[titles[0]] is not None else ""
    facts = {key: fact for key, value in fields.items() if (fact := _fact(value)) is not None}
    rest = _without_title(inside) if title else inside
    return FrontMatter(
        end=match.end(),
        title=title,
        fields={key: fact for key, fact in facts.items() if key not in titles},
        text="\n".join("" if line.lstrip().startswith("#") else line for line in rest.rstrip().split("\n")),
    )


def _yaml(text: str) -> dict[str, Any] | None:
    import yaml

    try:
        fields = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return {str(key): value for key, value in fields.items()} if isinstance(fields, dict) else None


def _toml(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def _loosely(text: str) -> dict[str, Any] | None:
    """Fields of one line each, where a value such as "Part 1: the kiln" is not valid; else None."""
    fields: dict[str, Any] = {}
    for line in text.rstrip().split("\n"):
        match = _FIELD.match(line)
        if match:
            fields[match[1]] = (match[2] or "").strip().strip("\"'")
        elif not fields or not _BETWEEN_FIELDS.match(line):
            return None
    return fields


def _fact(value: object) -> MetadataValue | None:
    """Scalars as they are, dates and lists of scalars as text; deeper values are ignored."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str):
        return one_line(value) or None
    if isinstance(value, list) and all(isinstance(part, str | int | float | datetime.date) for part in value):
        return ", ".join(one_line(str(part)) for part in value) or None
    return None


def _without_title(text: str) -> str:
    """The lines with those of the title empty: its own, and the other lines of its value."""
    lines = text.split("\n")
    within = False
    for number, line in enumerate(lines):
        match = _FIELD.match(line)
        within = match[1].lower() == "title" if match else within and (not line or line[0].isspace())
        if within:
            lines[number] = ""
    return "\n".join(lines)
