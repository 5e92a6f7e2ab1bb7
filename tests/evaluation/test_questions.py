"""Question files: four formats, one record; whatever is wrong is one error with its line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.cli.commands import batch
from ragcli.cli.environment import Environment
from ragcli.errors import UsageError
from ragcli.evaluation.questions import Question, parse_questions, read_questions


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
            Question(
                "b",
                'Bass, or "bass"?',
                answers=("a fish",),
                relevant=("bass-fish.md",),
                others={"note": "x"},
            ),
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
            "'a' appears twice",
        ),
        ("q.docx", "What?", ".docx is not a question file"),
        ("q", "What?", "no suffix is not a question file"),
    ],
)
def test_what_cannot_be_used_is_one_error(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read_questions(written(tmp_path, name, text))
    assert str(tmp_path / name) in caught.value.message
    assert caught.value.hint


def test_a_file_that_is_missing_or_not_text_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_bytes(b"What?\nWhy \xe9?\n")
    for path in (tmp_path / "none.txt", tmp_path, tmp_path / "q.txt"):
        with pytest.raises(UsageError, match="cannot be read"):
            read_questions(path)


def test_what_is_not_utf8_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_bytes(b"What?\nWhy \xe9?\n")
    with pytest.raises(UsageError, match="line 2 is not UTF-8 text"):
        read_questions(tmp_path / "q.txt")


class TestMoreCellsThanColumns:
    """People do not quote a question with a comma, and only half of it would be asked."""

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            (
                "q.csv",
                "question\nWhere is the key?\nWhere is the key, and who has it?\n",
                "line 3: 2 cells for 1",
            ),
            ("q.csv", "id,question,answers\na,What holds salt, or sugar?,jars\n", "line 2: 4 cells for 3"),
            ("q.csv", "question;answers\nWhat; and why?;salt\n", "line 2: 3 cells for 2"),
            ("q.tsv", "question\tgrade\nWhat\tif?\thard\n", "line 2: 3 cells for 2"),
            ("q.csv", "sep=;\nquestion\nWhat; why?\n", "line 3: 2 cells for 1"),
            ("q.csv", 'question\n"one\ntwo", three?\n', "line 3: 2 cells for 1"),
            ("q.csv", "question,\nWhat,why?\n", "line 2: the cell 'why\\?' is in a column without a name"),
        ],
    )
    def test_are_an_error_that_names_the_line(
        self, tmp_path: Path, name: str, text: str, message: str
    ) -> None:
        with pytest.raises(UsageError, match=message) as caught:
            read_questions(written(tmp_path, name, text))
        assert "double quotes" in caught.value.hint

    def test_quoted_they_are_one_cell(self, tmp_path: Path) -> None:
        path = written(tmp_path, "q.csv", 'question\n"Where is the key, and who has it?"\n')
        assert read_questions(path)[0].text == "Where is the key, and who has it?"

    def test_a_quote_that_is_never_closed_takes_no_other_question_along(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="line 3: unexpected end"):
            read_questions(written(tmp_path, "q.csv", 'question\nA?\n"B?\nC?\nD?\n'))

    def test_two_columns_of_one_name_hide_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="line 1: two columns are named 'answers'"):
            read_questions(written(tmp_path, "q.csv", "question,answers,answers\nA?,a,b\n"))


class TestTheDelimiter:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("name", ["q.csv", "q.tsv"])
    @pytest.mark.parametrize("said", [False, True])
    def test_is_the_one_of_the_header(self, tmp_path: Path, delimiter: str, name: str, said: bool) -> None:
        text = delimiter.join(["id", "question", "answers"]) + "\n" + delimiter.join(["a", "What?", "salt"])
        text = f"sep={delimiter}\n{text}" if said else text
        path = written(tmp_path, name, text + "\n\n")
        assert read_questions(path) == (Question("a", "What?", ("salt",)),)

    def test_another_delimiter_within_a_question_changes_nothing(self, tmp_path: Path) -> None:
        path = written(tmp_path, "q.csv", "id;question\na;Salt, sugar, or both?\n;\n")
        assert read_questions(path) == (Question("a", "Salt, sugar, or both?"),)


class TestWhatIsPipedIn:
    """Standard input has no name, and Windows puts a byte order mark before it."""

    JSON = '{"question": "Where?"}\n{"id": "b", "question": "Who, é?"}\n'
    EXPECTED = (Question("1", "Where?"), Question("b", "Who, é?"))

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    @pytest.mark.parametrize("ends", ["\n", "\r\n"])
    def test_json_lines_in_every_encoding(self, tmp_path: Path, encoding: str, ends: str) -> None:
        data = self.JSON.replace("\n", ends).encode(encoding)
        assert parse_questions(data) == self.EXPECTED
        (tmp_path / "q.jsonl").write_bytes(data)
        assert read_questions(tmp_path / "q.jsonl") == self.EXPECTED

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
    def test_files_one_after_the_other_bring_a_mark_each(self, encoding: str) -> None:
        both = "\ufeffWhere?\n\ufeffWho?\n".encode(encoding)
        assert [question.text for question in parse_questions(both)] == ["Where?", "Who?"]

    def test_a_table_is_known_by_its_header(self) -> None:
        assert parse_questions(b"question;grade\nWhere?;easy\n") == (Question("2", "Where?", grade="easy"),)
        assert [q.text for q in parse_questions(b"What, then, is a question?\n")] == [
            "What, then, is a question?"
        ]

    def test_a_json_array_is_not_asked_as_a_question(self) -> None:
        with pytest.raises(UsageError, match="not a JSON object"):
            parse_questions(b'[{"question": "Where?"}]')

    def test_a_batch_reads_bytes_whatever_the_terminal_speaks(self) -> None:
        stdin = io.TextIOWrapper(io.BytesIO('\ufeff{"question": "é?"}'.encode()), encoding="ascii")
        assert batch._read(Environment(stdin=stdin), Path("-")) == (Question("1", "é?"),)


class TestIds:
    def test_a_line_without_one_takes_no_id_that_another_line_has(self, tmp_path: Path) -> None:
        text = (
            '{"question": "A?"}\n{"question": "B?"}\n'
            '{"id": "2", "question": "C?"}\n{"id": 1, "question": "D?"}\n'
        )
        found = read_questions(written(tmp_path, "q.jsonl", text))
        assert [(q.id, q.text) for q in found] == [
            ("line 1", "A?"),
            ("line 2", "B?"),
            ("2", "C?"),
            ("1", "D?"),
        ]

    @given(ids=st.lists(st.sampled_from(["", "1", "2", "3", "line 1", "line 2", "line line 2"]), min_size=1))
    def test_are_never_twice_in_a_file(self, ids: list[str]) -> None:
        rows = [json.dumps({"id": one, "question": "?"}) for one in ids]
        given_ids = [one for one in ids if one]
        if len(given_ids) != len(set(given_ids)):
            with pytest.raises(UsageError, match="appears twice, first on line"):
                parse_questions("\n".join(rows))
        else:
            found = [question.id for question in parse_questions("\n".join(rows))]
            assert len(set(found)) == len(ids)
            assert all(one in ("", name) for one, name in zip(ids, found, strict=True))


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("evidnce", "evidence"),
        ("answer", "answers"),
        ("Question", "question"),
        ("relevent", "relevant"),
        ("answerible", "answerable"),
        ("_id", "id"),
    ],
)
def test_a_key_that_is_misspelled_is_not_passed_over(tmp_path: Path, key: str, meant: str) -> None:
    row = {"question": "What?", key: "x"} if meant != "question" else {key: "What?"}
    for name, text in (
        ("q.jsonl", json.dumps(row)),
        ("q.csv", ",".join(row) + "\n" + ",".join(row.values())),
    ):
        with pytest.raises(UsageError, match=f"{key!r} is not read. Did you mean {meant!r}"):
            read_questions(written(tmp_path, name, text + "\n"))


def test_a_key_of_ones_own_is_kept_for_groups_of_questions(tmp_path: Path) -> None:
    row = {"question": "What?", "source": "y", "answers": ["a"], "answer": "a", "idx": 4, "reviewed": True}
    (found,) = read_questions(written(tmp_path, "q.jsonl", json.dumps({**row, "tags": ["x"], "gone": None})))
    others = {"source": "y", "answer": "a", "idx": 4, "reviewed": True, "tags": ["x"], "gone": None}
    assert found == Question("1", "What?", ("a",), others=others)
    assert found.fields == {"source": "y", "answer": "a", "idx": "4", "reviewed": "true"}


@pytest.mark.parametrize("value", ['"\\ud800"', '["\\ud800"]', '{"\\ud800": 1}'])
def test_half_a_character_is_refused_wherever_it_stands(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, "q.jsonl", f'{{"question": "What?", "tags": {value}}}')
    with pytest.raises(UsageError, match="half a character"):
        read_questions(path)


def test_null_and_blank_are_no_answers(tmp_path: Path) -> None:
    """An empty gold answer would be found in every answer."""
    rows = [
        {"question": "A?", "id": None, "answers": None, "relevant": None, "evidence": None, "grade": None},
        {"question": "B?", "answers": "", "evidence": [" "], "answerable": None},
        {"question": "C?", "answers": ["", "salt"]},
    ]
    found = read_questions(written(tmp_path, "q.jsonl", "\n".join(map(json.dumps, rows))))
    assert found == (Question("1", "A?"), Question("2", "B?"), Question("3", "C?", ("salt",)))


@pytest.mark.parametrize(
    "row",
    [
        '{"question": "A?", "answers": ["a", null]}',
        '{"question": "A?", "id": ["a"]}',
        '{"question": "A?", "grade": {}}',
        '{"question": "A?", "answerable": "perhaps"}',
    ],
)
def test_a_value_that_says_nothing_is_named_with_its_line(tmp_path: Path, row: str) -> None:
    with pytest.raises(UsageError, match="line 2: "):
        read_questions(written(tmp_path, "q.jsonl", "\n" + row))


def test_what_a_judge_said_is_read_by_chunk(tmp_path: Path) -> None:
    line = '{"question": "What?", "judged": {"c1": 1, "c2": 0, "c3": 0.5}, "judged_by": "a person"}'
    (question,) = read_questions(written(tmp_path, "q.jsonl", line))
    assert question.judged == (("c1", 1.0), ("c2", 0.0), ("c3", 0.5))
    assert question.judged_by == "a person"


@pytest.mark.parametrize("own", ["3", "{}", '{"passages": 1}', '{"passages": [1], "skipped": []}'])
def test_a_key_of_the_name_of_a_pool_is_no_pool(tmp_path: Path, own: str) -> None:
    line = f'{{"question": "What?", "relevant": "a.md", "judging": {own}}}'
    (question,) = read_questions(written(tmp_path, "q.jsonl", line))
    assert (question.left, question.relevant) == (0, ("a.md",))


@pytest.mark.parametrize("judged", ["true", "[1]", '{"c": "1"}', '{"c": 2}', '{"c": -1}', '{"c": true}'])
def test_a_judgement_that_is_no_gain_is_refused(tmp_path: Path, judged: str) -> None:
    path = written(tmp_path, "q.jsonl", f'{{"question": "What?", "judged": {judged}}}')
    with pytest.raises(UsageError, match="line 1: 'judged'"):
        read_questions(path)
