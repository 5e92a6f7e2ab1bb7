"""Tables as lines: each names the column of a value, and no name of a column is lost."""

from __future__ import annotations

import pytest

from ragcli.documents.tables import Row, names_columns, table_lines, with_headers

Cells = list[list[str]]


@pytest.mark.parametrize(
    ("rows", "has_header", "lines"),
    [
        ([["Plan", "Price"], ["Gold", "10"], ["", "5"]], True, ["Plan: Gold | Price: 10", "Price: 5"]),
        ([["Plan", "Price"], ["Gold", "10"]], False, ["Plan | Price", "Gold | 10"]),
        ([["Plan", "Notes"], ["Gold", ""]], True, ["Plan | Notes", "Plan: Gold"]),
        ([["Plan:", "Price"], ["Gold", "10", "extra"]], True, ["Plan: Gold | Price: 10 | extra"]),
        ([["Plan", "Price"]], True, ["Plan | Price"]),
        ([], True, []),
    ],
)
def test_rows_are_lines_with_the_names_of_their_columns(
    rows: Cells, has_header: bool, lines: list[str]
) -> None:
    assert table_lines(rows, has_header=has_header) == lines


def test_a_title_between_header_and_rows_takes_no_names() -> None:
    title = Row(["Group", ""], is_title=True)
    rows = [Row(["A", "B"], is_header=True), title, Row(["1", "2"])]
    assert [(row.cells, list(header)) for row, header in with_headers(rows)] == [
        (["Group", ""], []),
        (["1", "2"], ["A", "B"]),
    ]


@pytest.mark.parametrize(
    ("first", "rows", "is_header"),
    [(["", "May"], 2, True), (["A", ""], 2, False), (["A", "B"], 1, False), (["A"], 3, False)],
)
def test_a_first_row_names_columns_where_all_but_the_corner_are_filled(
    first: list[str], rows: int, is_header: bool
) -> None:
    assert names_columns(first, rows) is is_header
