"""Question files: four formats, one record; whatever is wrong is one error with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragcli.errors import UsageError
from ragcli.questions import Question, read_questions


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8"))
    return path


class TestWhatIsRead:
    def test_text_holds_a_question_a_line(self, tmp_path: Path) -> None:
        path = written(tmp_path, "q.txt", "What is a bat?\r\n\n  Who was Apache?  \n")
        assert read_questions(path) == (Question("1", "What is a bat?"), Question("3", "Who was Apache?"))

    def test_a_table_has_a_header(self, tmp_path: Path) -> None:
        path = written(
            tmp_path,
            "q.csv",
            'id,question,answers,relevant,note\nb,"Bass, or ""bass""?",a fish,bass-fish.md,x\n,What?,,,\n',
        )
        assert read_questions(path) == (
            Question("b", 'Bass, or "bass"?', answers=("a fish",), relevant=("bass-fish.md",)),
            Question("3", "What?"),
        )

    def test_a_cell_may_hold_a_line_break(self, tmp_path: Path) -> None:
        path = written(tmp_path, "q.csv", 'question,evidence\n"Two\nlines?","one\ntwo"\n')
        assert read_questions(path) == (Question("4", "Two\nlines?", evidence=("one\ntwo",)),)

    def test_tabs_separate_in_a_tsv(self, tmp_path: Path) -> None:
        path = written(tmp_path, "q.tsv", "question\tgrade\nWhat, then?\thard\n")
        assert read_questions(path) == (Question("2", "What, then?", grade="hard"),)

    def test_json_lines_hold_everything(self, tmp_path: Path) -> None:
        path = written(
            tmp_path,
            "q.jsonl",
            '{"id": 0, "question": "What?", "answers": ["a", "b"], "relevant": "x.md", "evidence": ["e"]}\n\n'
            '{"question": "No?", "answerable": false}\n',
        )
        assert read_questions(path) == (
            Question("0", "What?", ("a", "b"), ("x.md",), ("e",)),
            Question("3", "No?", answerable=False),
        )

    def test_unicode_line_separators_end_no_record(self, tmp_path: Path) -> None:
        path = written(tmp_path, "q.jsonl", '{"question": "One\u2028or\x85two?"}\n')
        assert read_questions(path) == (Question("1", "One\u2028or\x85two?"),)

    def test_a_byte_order_mark_is_no_part_of_the_first_question(self, tmp_path: Path) -> None:
        assert read_questions(written(tmp_path, "q.txt", "\ufeffWhat?\n")) == (Question("1", "What?"),)

    @pytest.mark.parametrize("word", ["false", "False", "no", "0"])
    def test_a_table_says_in_words_that_a_question_has_no_answer(self, tmp_path: Path, word: str) -> None:
        path = written(tmp_path, "q.csv", f"question,answerable\nA?,{word}\nB?,true\nC?,\n")
        assert [question.answerable for question in read_questions(path)] == [False, True, True]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("q.txt", "\n  \n", "holds no question"),
        ("q.csv", "", "holds no question"),
        ("q.csv", "frage\nWas?\n", "line 2: no 'question'"),
        ("q.tsv", "question\tid\n \tx\n", "line 2: no 'question'"),
        ("q.csv", "question\n" + "x" * 200_000 + "\n", "line 2: field larger"),
        ("q.jsonl", '{"question": "A?"}\n{"question": \n', "line 2: not JSON"),
        ("q.jsonl", '["A?"]\n', "line 1: not a JSON object"),
        ("q.jsonl", '{"id": "a"}\n', "line 1: no 'question'"),
        ("q.jsonl", '{"question": 7}\n', "line 1: no 'question'"),
        ("q.jsonl", '{"question": "A?", "relevant": [1]}\n', "line 1: expected a text or a list"),
        ("q.jsonl", '{"question": "A?", "answers": {"a": 1}}\n', "line 1: expected a text or a list"),
        (
            "q.jsonl",
            '{"id": "a", "question": "A?"}\n{"id": "a", "question": "B?"}\n',
            "'a' stands there twice",
        ),
        ("q.docx", "What?", ".docx is no question file"),
        ("q", "What?", "no ending is no question file"),
    ],
)
def test_what_cannot_be_used_is_one_error(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read_questions(written(tmp_path, name, text))
    assert str(tmp_path / name) in caught.value.message
    assert caught.value.hint


def test_a_file_that_is_missing_or_not_text_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_bytes(b"\xff\xfe\x00W")
    for path in (tmp_path / "none.txt", tmp_path, tmp_path / "q.txt"):
        with pytest.raises(UsageError, match="cannot be read"):
            read_questions(path)
