"""Judged collections in BEIR's format."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragcli.errors import UsageError
from ragcli.evaluation.beir import JudgedCollection, read_beir


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
    assert found.titles == {"d1": "Bats"}
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
        ("corpus.jsonl", '{"_id": null, "text": "x"}\n', "line 1: the '_id' is not a text"),
        ("corpus.jsonl", '{"_id": "", "text": "x"}\n', "line 1: the '_id' is not a text"),
        ("corpus.jsonl", '{"_id": "d1", "text": ["x"]}\n', "line 1: the 'text' is not a text"),
        ("corpus.jsonl", '{"_id": "d1", "title": {"en": "x"}, "text": "x"}\n', "the 'title' is not a text"),
        ("corpus.jsonl", '{"_id": "a", "text": ""}\n\n{"_id": "a", "text": ""}\n', "line 3: .*'a'.* line 1"),
        ("corpus.jsonl", '{"_id": "7", "text": "x"}\n{"_id": 7, "text": "y"}\n', "line 2: .*'7'.* line 1"),
        (
            "queries.jsonl",
            '{"_id": "q1", "text": "x"}\n{"_id": "q1", "text": "y"}\n',
            "line 2: .*'q1'.* line 1",
        ),
        ("queries.jsonl", '"q1"\n', "line 1: not a JSON object"),
        ("queries.jsonl", None, "cannot be read"),
        ("qrels/test.tsv", "q1\td1\t1\nq1\td2\n", "line 2: not query, document, grade"),
        ("qrels/test.tsv", "q1\td1\t1\nq1\td2\thigh\n", "line 2: not query, document, grade"),
        ("qrels/test.tsv", "q1\t0\td1\t1\nq1\t0\td2\t1\n", "line 1: not query, document, grade"),
        ("qrels/test.tsv", "q1\td1\thigh\n", "line 1: not query, document, grade"),
        ("qrels/test.tsv", "q1 d1 1\n", "line 1: not query, document, grade"),
        ("qrels/test.tsv", "q1\td1\tnan\n", "line 1: not query, document, grade"),
        ("qrels/test.tsv", "a\tb\tc\nq1\t\t1\n", "line 2: not query, document, grade"),
        ("qrels/test.tsv", "q1\td1\t1\n" + "x" * 200_000, "line 2: field larger"),
        ("qrels/test.tsv", "q1\td1\t1\nq1\td1\t2\n", "line 2: 'd1' is judged twice for 'q1'"),
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
    assert caught.value.hint


def test_null_is_empty_and_not_the_word_none(folder: Path) -> None:
    (folder / "corpus.jsonl").write_text(
        '{"_id": "a", "title": null, "text": null}\n{"_id": "b", "title": "Bats", "text": null}\n'
        '{"_id": "c", "text": "They fly."}\n{"_id": "d", "title": "", "text": ""}\n',
        encoding="utf-8",
    )
    assert read_beir(folder).corpus == {"a": "", "b": "Bats", "c": "They fly.", "d": ""}


def test_ids_are_numbers_as_they_are_written(folder: Path) -> None:
    (folder / "corpus.jsonl").write_text(
        '{"_id": 7, "text": "x"}\n{"_id": 8.0, "text": "y"}\n', encoding="utf-8"
    )
    (folder / "queries.jsonl").write_text('{"_id": 1, "text": "What?"}\n', encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("1\t7\t1\n1\t8.0\t1\n", encoding="utf-8")
    found = read_beir(folder)
    assert list(found.corpus) == ["7", "8.0"]
    assert found.qrels == {"1": {"7": 1.0, "8.0": 1.0}}


def test_a_byte_order_mark_belongs_to_no_file(folder: Path) -> None:
    for path in (folder / "corpus.jsonl", folder / "queries.jsonl", folder / "qrels" / "test.tsv"):
        path.write_text(
            "\ufeff" + path.read_text(encoding="utf-8").removeprefix("query-id\tcorpus-id\tscore\n")
        )
    assert read_beir(folder).qrels == {"q1": {"d1": 2.0, "2": 0.0}}


def test_a_query_of_the_corpus_knows_its_own_document() -> None:
    found = JudgedCollection("x", {"q1": "a", "q2": "b", "d": "c"}, {}, {"q1": {"d": 1.0}, "q2": {"q2": 1.0}})
    assert found.own_document("q1") == "q1"
    assert found.own_document("q2") is None  # judged relevant: it has the query's number by chance
    assert found.own_document("q3") is None
