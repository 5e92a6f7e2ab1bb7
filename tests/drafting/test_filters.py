"""What makes a draft unusable, and how what an LLM wrote is read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragcli.drafting.filters import agrees, dangles, is_duplicate, is_quoted, is_too_short, unusable
from ragcli.drafting.prompts import read_line, read_object, says_yes


@pytest.mark.parametrize(
    "question",
    [
        "What does this section say about fines?",
        "Which rules are described in the document?",
        "What is mentioned above about loans?",
        "According to the passage, how long is a loan?",
        "How long does it last when renewed?",
        "Who pays for these repairs?",
        "What does the text state about the warranty?",
    ],
)
def test_what_its_reader_does_not_see_may_not_be_pointed_at(question: str) -> None:
    assert dangles(question)


@pytest.mark.parametrize(
    "question",
    [
        "How long may a library book be kept?",
        "What happens to a book when it is late?",
        "How do I renew the loan of a book if they are closed?",
        "How long are tax documents kept?",
        "Where is the list of suppliers?",
    ],
)
def test_what_explains_itself_does_not_dangle(question: str) -> None:
    assert not dangles(question)


def test_too_short_is_what_names_no_subject() -> None:
    assert is_too_short("What is covered?")
    assert not is_too_short("What does the warranty cover?")


def test_a_quotation_is_verbatim_but_for_the_typesetting() -> None:
    text = "A loan lasts “four weeks” and can be renewed -- twice -- online."
    assert is_quoted('A loan lasts "four weeks"', text)
    assert is_quoted("can be **renewed** – twice", text)
    assert not is_quoted("A loan lasts about four weeks", text)
    assert not is_quoted("four weeks", text)


def test_a_duplicate_has_the_same_words_whatever_their_order() -> None:
    earlier = ["How long is the loan of a library book?"]
    assert is_duplicate("The loan of a book of the library: how long is it?", earlier)
    assert not is_duplicate("How high is the fine for a library book?", earlier)
    assert unusable("The loan of a book of the library: how long?", earlier) == "duplicate"
    assert unusable("How high is the fine for a library book?", earlier) is None


def test_short_answers_agree_when_their_words_do() -> None:
    assert agrees("It is four weeks.", "four weeks")
    assert agrees("4 weeks of loan", "loan of 4 weeks")
    assert not agrees("unknown", "four weeks")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"question": "Who  is\\n it?"}', ("Who is it?",)),
        ('Here it is:\n```json\n{"question": "Who?", "more": 1}\n```', ("Who?",)),
        ('{"question": 3}', None),
        ('{"other": "Who?"}', None),
        ('{"question": "Who', None),
        ("Who?", None),
        ("[1]", None),
    ],
)
def test_an_object_is_found_whatever_stands_around_it(text: str, read: tuple[str] | None) -> None:
    assert read_object(text, "question") == read


@settings(deadline=None)
@given(st.text())
def test_reading_never_fails(text: str) -> None:
    found = read_object(text, "question")
    assert found is None or isinstance(found[0], str)
    assert "\n" not in read_line(text)
    assert says_yes(text) in (True, False)


@pytest.mark.parametrize(
    "text", ['\n"How often may I?"', "Question: How often may I?", "**How often may I?**"]
)
def test_a_line_is_read_without_what_adorns_it(text: str) -> None:
    assert read_line(text) == "How often may I?"


def test_yes_is_yes() -> None:
    assert says_yes("Yes.")
    assert says_yes(" **yes**, it does")
    assert not says_yes("No, yes would be wrong")
    assert not says_yes("yesterday")
