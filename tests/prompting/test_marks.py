"""Which brackets of an answer are citations: only those are checked, dropped and counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_citations import BOTH

from ragcli.config import PromptingConfig
from ragcli.prompting import cite
from ragcli.prompting.marks import behind_sentences, find_marks

KNOWN = {1, 2, 3}
MODEL, ATTRIBUTED = PromptingConfig(citations="model"), PromptingConfig(citations="attributed")


def marks(text: str) -> list[str]:
    return [text[mark.start : mark.end].strip() for mark in find_marks(text, KNOWN)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Three months [1].", ["[1]"]),
        ("Three months. [1][2] Four weeks. [3]", ["[1]", "[2]", "[3]"]),
        ("Three months [1] [2], four weeks [1, 3].", ["[1]", "[2]", "[1, 3]"]),
        ("**Three months** [1] and 88% [2].", ["[1]", "[2]"]),
        ('"Three months" [1], as in [2] and [3].', ["[1]", "[2]", "[3]"]),
        ("It is so ([1]). Sources: [2], [3].", ["[1]", "[2]", "[3]"]),
        ("Three months[1][2].", ["[1]", "[2]"]),
        ("- First [1]\n- Second [2]", ["[1]", "[2]"]),
        ("Three months.\n[1]", ["[1]"]),
        ("Three months【1】 [1-3].", ["【1】", "[1-3]"]),
        ("Three months [7].", ["[7]"]),
    ],
)
def test_a_citation_follows_a_word_or_a_sentence(text: str, found: list[str]) -> None:
    assert marks(text) == found


NO_CITATIONS = [
    "Call grid[0][1], then args[2] and rows[i][3].",
    "Then handlers[1][2](event) runs.",
    "x = [1, 2] and print([3, 4]) and m = [[1, 2], [3, 4], [5, 6]]",
    "The vector is [3, 4]; the array [1, 2] holds two.",
    "A scale of [1-5], an interval [10-20], values in [0, 1].",
    "In the rule [2019] and [1999-2001] it was [12, 15].",
    "The steps are: [1] sign, [2] send, [3] wait, [4] collect.",
    "[1] sign\n[2] send\n- [3] wait\n4. [5] collect",
    "Use `row [1]` here.\n\n```\nrow [2]\n```\n\n~~~\nrow [3]\n~~~\nDone.",
    "See [1](https://example.org), [Passage 1], [^2] and \\[3\\].",
]


@pytest.mark.parametrize("text", NO_CITATIONS)
@pytest.mark.parametrize("config", [MODEL, ATTRIBUTED], ids=["model", "attributed"])
def test_what_is_no_citation_stays_as_it_is(text: str, config: PromptingConfig) -> None:
    assert marks(text) == []
    cited = cite(text, BOTH, config)
    assert (cited.text, cited.unknown, cited.citations) == (text, (), ())


@pytest.mark.parametrize("text", NO_CITATIONS)
def test_what_is_no_citation_stays_beside_one(text: str) -> None:
    assert marks(f"{text}\n\nThree months [1].") == ["[1]"]


WORDS = st.sampled_from(
    ["grid[0][1]", "a[2]", "f(x)[1]", "[2019]", "`v [1]`", "is [3, 4]", "[10-20]", "word", "(1)"]
)


@given(st.lists(WORDS, max_size=6), st.integers(1, 2))
def test_a_text_keeps_all_but_its_unknown_citations(words: list[str], number: int) -> None:
    text = f"So {' '.join(words)} it takes 88 days [{number}]."
    cited = cite(text, BOTH, MODEL)
    assert cited.text == text
    assert [citation.number for citation in cited.citations] == [number]
    assert cite(text.replace(f"[{number}].", f"[{number}][9]."), BOTH, MODEL).text == text


class TestMarksInFrontOfTheirSentences:
    @pytest.mark.parametrize(
        ("text", "cited", "numbers"),
        [
            ("[2] It circles the Sun in 88 days.", "It circles the Sun in 88 days. [2]", [2]),
            ("[2]: 88 days", "88 days [2]", [2]),
            ("[1, 2] Both are called Mercury.", "Both are called Mercury. [1, 2]", [1, 2]),
            (
                "[1] He wore winged sandals. [2] It has no moons.",
                "He wore winged sandals. [1] It has no moons. [2]",
                [1, 2],
            ),
        ],
    )
    def test_cite_these(self, text: str, cited: str, numbers: list[int]) -> None:
        found = cite(text, BOTH, MODEL)
        assert found.text == cited
        assert [citation.number for citation in found.citations] == numbers

    def test_give_way_to_what_supports_the_sentence(self) -> None:
        found = cite("[1] It circles the Sun in 88 days.", BOTH, ATTRIBUTED)
        assert found.text == "It circles the Sun in 88 days. [2]"

    @pytest.mark.parametrize(
        "text",
        [
            "[1] is the first of the list.",
            "[7] It circles the Sun in 88 days.",
            "[1] Ovid, Fasti.\n[2] Livy, book 2.",
            "[1] [2]",
            "[1]",
        ],
    )
    def test_are_not_numbers_of_something_else(self, text: str) -> None:
        assert behind_sentences(text, {1, 2}) == text


@given(st.text(st.sampled_from("ab [](),;-.0123456789`\n"), max_size=40))
def test_nothing_but_brackets_with_numbers_is_ever_taken_out(text: str) -> None:
    before = 0
    for mark in find_marks(text, KNOWN):
        assert before <= mark.start < mark.end <= len(text)
        assert set(text[mark.start : mark.end]) <= set("[]0123456789,;- ")
        before = mark.end


class TestAnAnswerThatCitesNothing:
    def test_is_attributed(self) -> None:
        cited = cite("It circles the Sun in 88 days.", BOTH, MODEL)
        assert cited.text == "It circles the Sun in 88 days. [2]"
        assert [(c.number, c.attributed) for c in cited.citations] == [(2, True)]

    def test_of_the_context_keeps_its_unknown_numbers_in_the_report(self) -> None:
        cited = cite("It circles the Sun in 88 days [9].", BOTH, MODEL)
        assert (cited.text, cited.unknown) == ("It circles the Sun in 88 days. [2]", (9,))

    def test_is_left_alone_where_nothing_supports_it(self) -> None:
        assert cite("Volcanoes erupt on Venus.", BOTH, MODEL).citations == ()

    def test_gets_no_mark_into_its_code(self) -> None:
        code = "```\nIt circles the Sun in 88 days.\n```"
        assert cite(code, BOTH, MODEL).text == code
