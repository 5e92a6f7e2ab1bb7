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


class TestATextWithoutUpperCase:
    def test_is_cut_like_any_other(self) -> None:
        text = "the office opens at nine. who has the key? ask maren!  she sits on floor 2. end (of it). next"
        assert sentences(text) == [
            "the office opens at nine.",
            "who has the key?",
            "ask maren!",
            "she sits on floor 2.",
            "end (of it).",
            "next",
        ]

    @pytest.mark.parametrize(
        "text",
        [
            "dr. smith met prof. j. r. r. tolkien at st. mary's.",
            "the fee is 3.50 eur, i.e. less than no. 7 on p. 12 of vol. 3, on avg. lower.",
            "tools, e.g. hammers and saws, a.k.a. hardware, cf. fig. 4, are free.",
            "he asked “why?” and left.",
            "it weighs ca. 5 kg ... and more… or less.. maybe.",
            "acme inc. europe sells version 2.0.1 on https://example.com/a.b?c=d today.",
            "the meeting is at 9 a.m. monday, with a max. number and no. of guests.",
            "git add . and git commit",
        ],
    )
    def test_keeps_abbreviations_initials_and_numbers_in_their_sentence(self, text: str) -> None:
        assert sentences(text) == [text]

    @pytest.mark.parametrize(
        "text",
        [
            "it opened at 9 a.m. the queue was long.",
            "he took vitamin c. it helped.",
            "see example.com. then go on.",
            "the year was 1994. two students met.",
        ],
    )
    def test_is_cut_where_a_new_sentence_plainly_begins(self, text: str) -> None:
        assert len(sentences(text)) == 2

    def test_is_a_paragraph_an_item_or_a_row(self) -> None:
        assert sentences("Use pip. then go on.\n- one thing. two things.\n\nlog in. sign out.") == [
            "Use pip. then go on.",
            "- one thing.",
            "two things.",
            "log in.",
            "sign out.",
        ]

    def test_of_many_words_is_many_sentences(self) -> None:
        assert len(sentences("they met at the bridge. nobody spoke. " * 1000)) == 2000


_PLAIN_WORDS = ("maren", "bridge", "river", "2.5", "42", "opens", "near", "the", "key", "(old)", "green")
_SENTENCE = st.tuples(
    st.lists(st.sampled_from(_PLAIN_WORDS), min_size=2),
    st.sampled_from([".", "!", "?", "?!"]),
).map(lambda parts: f"It {' '.join(parts[0])}{parts[1]}")


@given(st.lists(_SENTENCE, max_size=12), st.sampled_from([" ", "  ", "\n", "\n\n", "\n- "]))
def test_lower_case_does_not_change_where_plain_sentences_end(parts: list[str], gap: str) -> None:
    text = gap.join(parts)
    assert split_sentences(text.lower()) == split_sentences(text)


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
