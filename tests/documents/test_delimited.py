"""CSV and its relatives: one line per row, each cell after its column's name, whatever separates them."""

from __future__ import annotations

from pathlib import Path

import pytest
from outlines import make, texts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestRows:
    def test_csv_rows_carry_their_columns(self, folder: Path) -> None:
        document = make(folder, "a.csv", 'name,price\nGold,10\n"Sil\nver",5\n')
        assert texts(document) == ["name: Gold | price: 10", "name: Sil ver | price: 5"]
        assert [(b.line_start, b.line_end) for b in document.blocks] == [(2, 2), (3, 4)]

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
    def test_what_separates_the_cells_is_found(self, folder: Path, name: str, delimiter: str) -> None:
        rows = [
            ["City", "Hotel, per night", "Note"],
            ["Oslo", "210", 'near | the "port"; quiet'],
            ["Rome", "1,50", ""],
        ]
        content = "\n".join(
            delimiter.join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows
        )
        assert texts(make(folder, name, content)) == [
            'City: Oslo | Hotel, per night: 210 | Note: near | the "port"; quiet',
            "City: Rome | Hotel, per night: 1,50",
        ]

    def test_decimal_commas_do_not_hide_semicolons(self, folder: Path) -> None:
        assert texts(make(folder, "a.csv", "Name;Preis\nTor;1,50\nBall;2,30\n")) == [
            "Name: Tor | Preis: 1,50",
            "Name: Ball | Preis: 2,30",
        ]

    @pytest.mark.parametrize("sign", [";", "|", "\t", ",", "^"])
    def test_the_line_that_names_the_separator_is_followed(self, folder: Path, sign: str) -> None:
        document = make(folder, "a.csv", f"\ufeffsep={sign}\r\nName{sign}Preis\r\nTor{sign}150\r\n")
        assert texts(document) == ["Name: Tor | Preis: 150"]
        assert document.blocks[0].line_start == 3

    @pytest.mark.parametrize(
        ("content", "rows"),
        [
            ("Oslo,210\nRome,150\n", ["Oslo | 210", "Rome | 150"]),
            ("2026-01-02,3\n2026-01-03,4\n", ["2026-01-02 | 3", "2026-01-03 | 4"]),
            ("Country,2024,2025\nNorway,5,6\n", ["Country: Norway | 2024: 5 | 2025: 6"]),
            ("Name,\nAda,left\n", ["Name: Ada | left"]),
            ("a,b\n1,2,3,4\n", ["a: 1 | b: 2 | 3 | 4"]),
            ("a,b,c\n1\n2,3\n4,5,6\n", ["a: 1", "a: 2 | b: 3", "a: 4 | b: 5 | c: 6"]),
            ("a,empty\n1,\n2,\n", ["a | empty", "a: 1", "a: 2"]),
            ("City,Hotel\n", ["City | Hotel"]),
            ('City,Hotel\nOslo,"210\nRome,150\n', ['City: Oslo | Hotel: "210', "City: Rome | Hotel: 150"]),
            ("Name\nAda\nBob\n", ["Name: Ada", "Name: Bob"]),
        ],
    )
    def test_headers_and_ragged_rows(self, folder: Path, content: str, rows: list[str]) -> None:
        assert texts(make(folder, "a.csv", content)) == rows

    def test_a_text_with_commas_is_a_text(self, folder: Path) -> None:
        content = (
            "Dear all, thanks for coming.\nWe met on Monday.\nAda, Bob, and I spoke, at length, of kilns.\n"
        )
        document = make(folder, "letter.csv", content)
        assert (document.format, texts(document)) == ("text", [content.strip()])

    def test_separators_alone_are_no_table(self, folder: Path) -> None:
        assert make(folder, "a.csv", ",,,\n,,,\n").text == ",,,\n,,,"
