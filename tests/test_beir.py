"""Judged collections in BEIR's format."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragcli.beir import read_beir
from ragcli.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "small"
    (place / "qrels").mkdir(parents=True)
    (place / "corpus.jsonl").write_text(
        '{"_id": "d1", "title": "Bats", "text": "They fly."}\n\n'
        '{"_id": 2, "title": "", "text": "No title."}\n{"_id": "d3", "text": "None at all."}\n',
        encoding="utf-8",
    )
    (place / "queries.jsonl").write_text('{"_id": "q1", "text": "What flies?"}\n', encoding="utf-8")
    (place / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\t2\t0\n", encoding="utf-8"
    )
    return place


def test_titles_stand_before_texts_and_ids_are_texts(folder: Path) -> None:
    found = read_beir(folder)
    assert found.name == "small"
    assert found.corpus == {"d1": "Bats: They fly.", "2": "No title.", "d3": "None at all."}
    assert found.queries == {"q1": "What flies?"}
    assert found.qrels == {"q1": {"d1": 2.0, "2": 0.0}}


def test_the_header_of_the_judgements_is_optional(folder: Path) -> None:
    (folder / "qrels" / "test.tsv").write_text("q1\td1\t1\n", encoding="utf-8")
    assert read_beir(folder).qrels == {"q1": {"d1": 1.0}}


def test_another_split_is_another_file_of_judgements(folder: Path) -> None:
    (folder / "qrels" / "dev.tsv").write_text('q1\td"3\t1\n', encoding="utf-8")
    assert read_beir(folder, "dev").qrels == {"q1": {'d"3': 1.0}}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("corpus.jsonl", '{"_id": "d1", "text": "x"}\n{"_id": "d2"}\n', "line 2: no 'text'"),
        ("corpus.jsonl", '{"_id": "d1"', "line 1: not JSON"),
        ("queries.jsonl", '"q1"\n', "line 1: not a JSON object"),
        ("queries.jsonl", None, "cannot be read"),
        ("qrels/test.tsv", "q1\td1\t1\nq1\td2\n", "line 2: not query, document, grade"),
        ("qrels/test.tsv", "q1\td1\t1\nq1\td2\thigh\n", "line 2: not query, document, grade"),
        ("qrels/test.tsv", "q1\t0\td1\t1\nq1\t0\td2\t1\n", "line 2: not query, document, grade"),
        ("qrels/test.tsv", None, "cannot be read"),
    ],
)
def test_what_is_missing_or_malformed_is_named(
    folder: Path, name: str, text: str | None, message: str
) -> None:
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message) as caught:
        read_beir(folder)
    assert str(folder / name) in caught.value.message
    assert "qrels/test.tsv" in caught.value.hint
