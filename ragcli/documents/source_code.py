"""Source code: one section per definition, with its name in the code."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from ragcli.documents.decoding import decode
from ragcli.documents.outline import Outline
from ragcli.documents.text import Line, add_lines

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

# A class up to this many lines is one section; in a longer one each method has its own.
_LONG_CLASS = 40

_NAMED = re.compile(
    r"(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|pub(?:\([\w:]+\))?|unsafe"
    r"|inline|extern|open|sealed|data|const)\s+)*"
    r"(?:class|interface|struct|enum|trait|impl|function\*?|func|fn|fun|def|module|namespace|type|object|sub"
    r"|CREATE (?:TABLE|VIEW|FUNCTION|PROCEDURE))\s+(?:\([^)]*\)\s*)?([A-Za-z_$][\w$.:]*)",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"[)\]}>;,]|end\b|else\b|elif\b|catch\b|finally\b|except\b")


def read_code(data: bytes, name: str) -> Outline:
    """Python by its syntax tree, other languages by the blank lines before unindented ones."""
    outline = Outline("code")
    outline.title = name
    text = decode(data, outline.notes)
    lines = list(enumerate(text.split("\n"), start=1))
    spans = list(_python_sections(text)) if name.lower().endswith((".py", ".pyi")) else []
    if spans:
        _add_python(outline, lines, spans)
    else:
        _add_by_blank_lines(outline, lines)
    return outline


def _python_sections(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """First line, last line and name path of every definition that is a section; nothing for invalid code."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in tree.body:
        if isinstance(node, _Definition):
            yield from _sections_of(node, ())


def _sections_of(node: _Definition, parents: tuple[str, ...]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    last = node.end_lineno or node.lineno
    path = (*parents, node.name)
    methods = [part for part in node.body if isinstance(part, _Definition)]
    if not isinstance(node, ast.ClassDef) or last - first < _LONG_CLASS or not methods:
        yield first, last, path
        return
    yield first, first, path
    for method in methods:
        yield from _sections_of(method, path)


def _add_python(outline: Outline, lines: list[Line], spans: list[tuple[int, int, tuple[str, ...]]]) -> None:
    """Lines outside the spans belong to the section that encloses them: the class, or the module."""
    owner: list[tuple[str, ...]] = [()] * (len(lines) + 1)
    classes = {path[:-1] for _, _, path in spans if len(path) > 1}
    for path in classes:
        inside = [span for span in spans if span[2][: len(path)] == path]
        for number in range(min(s[0] for s in inside), max(s[1] for s in inside) + 1):
            owner[number] = path
    for first, last, path in spans:
        first = _with_comments_above(lines, first, owner)
        owner[first : last + 1] = [path] * (last + 1 - first)
    start = 0
    for index in range(1, len(lines) + 1):
        if index == len(lines) or owner[lines[index][0]] != owner[lines[start][0]]:
            outline.set_path(owner[lines[start][0]])
            add_lines(outline, lines[start:index], code=True)
            start = index


def _with_comments_above(lines: list[Line], first: int, owner: list[tuple[str, ...]]) -> int:
    while first > 1 and lines[first - 2][1].lstrip().startswith("#") and not owner[first - 1][1:]:
        first -= 1
    return first


def _add_by_blank_lines(outline: Outline, lines: list[Line]) -> None:
    group: list[Line] = []
    previous_blank = True
    for number, line in lines:
        blank = not line.strip()
        starts = previous_blank and not blank and not line[0].isspace() and not _CLOSING.match(line)
        if starts and group:
            _add_group(outline, group)
            group = []
        group.append((number, line))
        previous_blank = blank
    _add_group(outline, group)


def _add_group(outline: Outline, group: list[Line]) -> None:
    while group and not group[-1][1].strip():
        group.pop()
    if not group:
        return
    names = (match[1] for _, line in group if (match := _NAMED.match(line)))
    name = next(names, "")
    outline.set_path((name,) if name else ())
    add_lines(outline, group, code=True)
