"""Where a sentence ends, and where a full stop does not end one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.text.sentences import split_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def test_prose_is_cut_after_full_stops_questions_and_exclamations() -> None:
    text = "The office opens at nine. Who has the key? Ask Maren!  She sits on floor 2."
    assert sentences(text) == [
        "The office opens at nine.",
        "Who has the key?",
        "Ask Maren!",
        "She sits on floor 2.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith met Prof. J. R. R. Tolkien at St. Mary's.",
        "The fee is 3.50 EUR, i.e. less than No. 7 on p. 12 of vol. 3.",
        "Tools, e.g. Hammers and saws, cf. Fig. 4, are free.",
        "Yahoo! was founded in Jan. 1994 by two students.",
        "He asked “Why?” and left.",
        "It weighs ca. 5 kg ... and more.",
        "Acme Inc. Europe sells version 2.0.1 on example.com today.",
        "The meeting is at 9 a.m. Monday.",
    ],
)
def test_abbreviations_initials_numbers_and_names_do_not_end_a_sentence(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It opened at 9 a.m. The queue was long.", 2),
        ("They sell nuts, bolts, etc. Everything is cheap.", 2),
        ("She works for Acme Inc. It makes anvils.", 2),
        ("He took vitamin C. It helped.", 2),
        ("She said no. Then she left.", 2),
        ("The year was 1994. Two students met.", 2),
        ('"Stop!" He stopped. (Or so he said.) Nobody saw it.', 4),
        ("これは本です。それは猫です。", 2),
    ],
)
def test_they_do_end_one_where_a_new_one_plainly_begins(text: str, count: int) -> None:
    assert len(sentences(text)) == count


def test_a_wrapped_line_does_not_end_a_sentence_but_a_blank_line_does() -> None:
    assert sentences("One sentence\nover two lines.\n\nA heading\n\nMore") == [
        "One sentence\nover two lines.",
        "A heading",
        "More",
    ]


def test_list_items_are_sentences() -> None:
    assert sentences("Bring:\n- a pen\n- two sheets\n  of paper\n1. First\n2) Second. Third") == [
        "Bring:",
        "- a pen",
        "- two sheets\n  of paper",
        "1. First",
        "2) Second.",
        "Third",
    ]


def test_table_rows_are_sentences() -> None:
    text = "Plan: Gold | Price: 10\nPlan: Silver | Price: 5\nPrices exclude tax."
    assert sentences(text) == text.split("\n")


def test_nothing_has_no_sentences() -> None:
    assert split_sentences("") == []
    assert split_sentences(" \n\t\n ") == []


@given(st.text(alphabet=st.sampled_from("ab A.B!?\n-1|。\"')é \t"), max_size=200))
def test_spans_are_ordered_trimmed_and_lose_nothing(text: str) -> None:
    spans = split_sentences(text)
    position = 0
    for start, end in spans:
        assert position <= start < end
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()


def test_a_text_without_spaces_takes_no_longer_than_its_length_allows() -> None:
    assert len(sentences("." * 200_000)) == 1
    assert len(sentences("a.b" * 100_000)) == 1
