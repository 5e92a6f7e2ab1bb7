"""Plain text: paragraphs, underlined headings as in reStructuredText, Org headings, literal blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragcli.documents.decoding import decode
from ragcli.documents.outline import LINE, Outline

Line = tuple[int, str]

_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}\s*$")
_ORG_HEADING = re.compile(r"(\*+)\s+(\S.*)$")
_CAPITALS = re.compile(r"(?:[A-Z\d]{1,3}[.)] )?[A-Z0-9][A-Z0-9 ,&/()'\-]{3,70}$")
_RST = ("rst", "rest")
# `the kiln <https://example.org>`__ and :ref:`the kiln <kiln>`; the address may be on the next line.
_RST_LINK = re.compile(r"(?<![`\w])(?::[\w:+.-]+:)?`([^`<>]+?)(\s+)<[^`<>\s]+>`_{0,2}(?!`)")
_RST_ROLE = re.compile(r"(?<![`\w:]):[a-zA-Z][\w:+.-]*:`([^`]+)`(?!`)")
_RST_ESCAPED_SPACE = re.compile(r"\\ ")
# Not within ``literal text``.
_RST_ESCAPE = re.compile(r"(``.*?``)|\\([*_`|])", re.DOTALL)
# ".. _kiln: https://a.org" and ".. a comment", but not ".. note::", ".. [1] a footnote", ".. |a| image::".
_RST_TARGET = re.compile(r"\.\. _[^:]+:|__ \S")
_RST_COMMENT = re.compile(r"\.\.(?:[ \t]+(?!\S+::|\[|\||_)\S|[ \t]*$)")
_RST_INCLUDE = re.compile(r"\.\. (?:literal)?include::")
_ORG_LINK = re.compile(r"\[\[[^\[\]]+\]\[([^\[\]]+)\]\]")
_ITEM = re.compile(r"\s*(?:[-*+o•]|\(?\w{1,3}[.)])\s+\S")
# A longer paragraph is a log or a listing: it is cut into blocks, which keeps look-ups in it fast.
_LONGEST_BLOCK = 200
# A heading is its text with a rule above and below at most.
_HEADING_LINES = 3


def read_text(data: bytes, name: str) -> Outline:
    """Paragraphs with the file's own line numbers."""
    outline = Outline("text")
    add_text(outline, decode(data, outline.notes), name)
    return outline


def add_text(outline: Outline, text: str, name: str) -> None:
    """The paragraphs of a text, its headings as headings; `name` tells reStructuredText and Org."""
    suffix = name.lower().rpartition(".")[2]
    levels: list[str] = []
    before = ""
    included = 0
    for paragraph in paragraphs(text):
        if suffix in _RST:
            included += sum(bool(_RST_INCLUDE.match(line)) for _, line in paragraph)
            paragraph = _without_comments(paragraph)
        if not paragraph:
            continue
        place = 0
        while place < len(paragraph):
            here = paragraph[place : place + _HEADING_LINES]
            heading = _heading(here, suffix, levels)
            if heading:
                level, title, used = heading
                # A line in capitals begins a section, seldom the text.
                outline.heading(level, title, line=here[0][0], may_be_title=used > 1 or suffix == "org")
                place += used
            else:
                end = _next_heading(paragraph, place + 1, suffix)
                lines = paragraph[place:end]
                if not (literal := _is_literal(lines, before)):
                    lines = _without_targets(lines, suffix)
                add_lines(outline, lines, code=literal)
                place = end
        before = paragraph[-1][1]
    if included:
        files = "1 included file is" if included == 1 else f"{included} included files are"
        outline.notes.append(f"{files} not read here")


def paragraphs(text: str) -> Iterator[list[Line]]:
    """The numbered lines between blank lines."""
    group: list[Line] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            group.append((number, line))
        elif group:
            yield group
            group = []
    if group:
        yield group


def add_lines(outline: Outline, lines: list[Line], *, code: bool = False) -> None:
    """Add consecutive lines as one piece, or as several when there are very many."""
    for start in range(0, len(lines), _LONGEST_BLOCK):
        part = lines[start : start + _LONGEST_BLOCK]
        text = "\n".join(line for _, line in part)
        numbers = (part[0][0], part[-1][0])
        outline.add(text, lines=numbers, code=code, separator=LINE if start else "\n\n")


def _without_comments(lines: list[Line]) -> list[Line]:
    """A paragraph of reStructuredText without link targets and comments."""
    if _RST_COMMENT.match(lines[0][1]) and all(line[:1].isspace() for _, line in lines[1:]):
        return []
    return [line for line in lines if not _RST_TARGET.match(line[1])]


def _without_targets(lines: list[Line], suffix: str) -> list[Line]:
    """Links without their addresses, which no reader of the page sees."""
    if suffix == "org":
        return [(number, _ORG_LINK.sub(r"\1", line)) for number, line in lines]
    if suffix not in _RST:
        return lines
    text = "\n".join(line for _, line in lines)
    text = _RST_LINK.sub(lambda match: match[1] + "\n" * match[2].count("\n"), text)
    text = _RST_ESCAPE.sub(r"\1\2", _RST_ESCAPED_SPACE.sub("", _RST_ROLE.sub(r"\1", text)))
    return [(number, line) for (number, _), line in zip(lines, text.split("\n"), strict=True)]


def _heading(lines: list[Line], suffix: str, levels: list[str]) -> tuple[int, str, int] | None:
    """Level, text and number of lines."""
    if suffix == "org":
        return _org_heading(lines)
    return _underlined(lines, levels, as_rst=suffix in _RST) or _in_capitals(lines)


def _is_literal(lines: list[Line], before: str) -> bool:
    """Code by its look: indented after "::", or indented by different steps and not an item of a list."""
    depths = [len(line) - len(line.lstrip()) for _, line in lines]
    if not min(depths):
        return False
    if before.endswith("::") or before.lstrip().startswith((".. code", ".. sourcecode", ".. highlight")):
        return True
    return depths[0] == min(depths) and len(set(depths)) > 1 and not _ITEM.match(lines[0][1])


def _org_heading(lines: list[Line]) -> tuple[int, str, int] | None:
    match = _ORG_HEADING.match(lines[0][1])
    return (len(match[1]), match[2], 1) if match else None


def _underlined(lines: list[Line], levels: list[str], *, as_rst: bool = False) -> tuple[int, str, int] | None:
    """A line with a rule of about its length below it; the order of first use gives the level, as in RST."""
    offset = 1 if len(lines) > 2 and _UNDERLINE.match(lines[0][1]) else 0
    if len(lines) < offset + 2:
        return None
    text, rule = lines[offset][1].strip(), lines[offset + 1][1].rstrip()
    if (
        not _UNDERLINE.match(rule)
        or _UNDERLINE.match(text)
        or not 0.7 * len(text) <= len(rule) <= (len(rule) if as_rst else 2 * len(text))
    ):
        return None
    style = rule[0] * (2 if offset else 1)
    if style not in levels:
        levels.append(style)
    return levels.index(style) + 1, _RST_ESCAPE.sub(r"\1\2", text) if as_rst else text, offset + 2


def _in_capitals(lines: list[Line]) -> tuple[int, str, int] | None:
    """A paragraph of one short line in capitals, as in licences and manuals."""
    text = lines[0][1].strip()
    if len(lines) > 1 or not _CAPITALS.match(text) or sum(map(str.isalpha, text)) < 4:
        return None
    return 2, text, 1


def _next_heading(lines: list[Line], first: int, suffix: str) -> int:
    """The place of the next heading from `first` on, or the end."""
    for place in range(first, len(lines)):
        here = lines[place : place + _HEADING_LINES]
        if _org_heading(here) if suffix == "org" else _underlined(here, [], as_rst=suffix in _RST):
            return place
    return len(lines)
