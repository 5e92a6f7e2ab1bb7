"""The cells of a LaTeX table."""

from __future__ import annotations

from collections.abc import Mapping

from ragcli.documents.latex.latex_words import Node, arguments, words
from ragcli.documents.name_lists import names
from ragcli.documents.outline import one_line

TABLES = names("tabular tabularx tabulary tabu longtable longtabu supertabular array tblr")
_ROW_ENDS = frozenset(["\\", "tabularnewline"])
_RULES = names("hline toprule midrule bottomrule cline cmidrule Xhline specialrule")
# A table over several pages has its header twice, for the first page and the others, and its footer early.
_AGAIN = "endfirsthead"
_HEAD_ENDS = frozenset(["endhead", "endfirsthead"])
_FOOT_ENDS = frozenset(["endfoot", "endlastfoot"])


def table(node: Node, known: Mapping[str, str]) -> tuple[list[list[str]], bool]:
    """The rows, and whether a rule or the end of a header is below the first one."""
    rows: list[list[str]] = []
    row: list[str] = []
    cell: list[Node] = []
    ruled_below: set[int] = set()

    def end_cell() -> None:
        text = one_line(words(cell, known))
        columns = next((_columns(part) for part in cell if _is(part, {"multicolumn"})), 1)
        row.extend([text, *[""] * (columns - 1)])
        cell.clear()

    def end_row() -> None:
        if row or any(one_line(words([part], known)) for part in cell):
            end_cell()
            if any(row) and row not in rows[:1]:
                rows.append(row.copy())
        row.clear()
        cell.clear()

    for part in node.nodelist:
        if type(part).__name__ == "LatexSpecialsNode" and part.specials_chars == "&":
            end_cell()
        elif _is(part, _ROW_ENDS):
            end_row()
        elif _is(part, _RULES | _HEAD_ENDS):
            ruled_below.add(len(rows))
        elif not _is(part, _FOOT_ENDS):
            cell.append(part)
    end_row()
    return rows, 1 in ruled_below and len(rows) > 1


def _is(node: Node, names: frozenset[str] | set[str]) -> bool:
    return type(node).__name__ == "LatexMacroNode" and node.macroname in names


def _columns(node: Node) -> int:
    number = words(arguments(node)[:1], {}).strip()
    return min(int(number), 100) if number.isdigit() else 1
