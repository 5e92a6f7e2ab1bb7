"""What makes a draft unusable, and how what an LLM wrote is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.drafting.filters import (
    LONGEST_COPY,
    agrees,
    copies,
    dangles,
    is_duplicate,
    is_quoted,
    is_too_short,
    may_state,
    unusable,
    verbatim,
)
from ragcli.drafting.prompts import question_messages, read_object, read_question, says_yes
from ragcli.drafting.vagueness import FEW, Vocabulary, is_vague
from ragcli.evaluation.questions import read_questions
from ragcli.types import Chunk

CORPORA = Path(__file__).parents[2] / "corpora"
MANUAL = [
    *["The command reads the configuration file and writes the index of the project."] * 20,
    "The command `prune` removes snapshots that are older than the retention period of the project.",
    "With `--keep-daily` the command `prune` leaves the newest snapshot of every day alone.",
]
"""An index in which nearly every passage is about some command of the project."""


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
        "How long does it take to build a bass guitar?",
        "When is it possible to renew a loan?",
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


def test_a_sentence_that_was_copied_badly_is_taken_from_the_passage() -> None:
    text = (
        "Members may borrow eight books.\nA loan lasts four\nweeks and can be renewed twice online. Ask us."
    )
    assert verbatim("A loan lasts four weeks", text) == "A loan lasts four weeks"
    copied = "The loan lasts for four weeks, and can be renewed twice online."
    assert verbatim(copied, text) == "A loan lasts four weeks and can be renewed twice online."
    assert verbatim("A loan of a film lasts two days and is not renewed online.", text) == ""
    assert verbatim("Ask us?", text) == "", "too few words to tell where it is from"
    assert verbatim("", "") == ""


def test_a_duplicate_has_the_same_words_whatever_their_order() -> None:
    earlier = ["How long is the loan of a library book?"]
    assert is_duplicate("The loan of a book of the library: how long is it?", earlier)
    assert not is_duplicate("How high is the fine for a library book?", earlier)
    nothing = Vocabulary({}, 0)
    assert unusable("The loan of a book of the library: how long?", "", earlier, nothing) == "duplicate"
    assert unusable("How high is the fine for a library book?", "", earlier, nothing) is None


def test_short_answers_agree_when_their_words_do() -> None:
    assert agrees("It is four weeks.", "four weeks")
    assert agrees("4 weeks of loan", "loan of 4 weeks")
    assert not agrees("unknown", "four weeks")


def test_a_text_may_state_an_answer_that_stands_beside_punctuation_or_a_unit() -> None:
    assert may_state("It listens at http://localhost:8080/.", "8080")
    assert may_state("It freezes at -39°C.", "-39 °C")
    assert not may_state("It listens at http://localhost:18080/.", "8080")


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


@pytest.mark.parametrize(
    "question",
    [
        "What is the purpose of the command?",
        "What does the command do to the project?",
        "Which configuration file does the command read?",
        "How long does the process take?",
        "What is the default value of the option?",
        "What is the maximum number of days allowed?",
        "What are the main features described?",
        "Which of the following must be provided first?",
        "When was it first made available for use?",
    ],
)
def test_vague_is_what_any_passage_of_the_index_may_be_asked(question: str) -> None:
    assert is_vague(question, Vocabulary.of(MANUAL))


@pytest.mark.parametrize(
    "question",
    [
        "What is the purpose of the command prune?",
        "Which snapshots does the command prune remove from the project?",
        "How do I keep one backup a day?",
        "What is the default value of the retention period?",
    ],
)
def test_one_word_that_few_passages_have_makes_it_a_question_about_something(question: str) -> None:
    """Also one that no passage has: whoever asks may not know their words."""
    assert not is_vague(question, Vocabulary.of(MANUAL))


def test_a_word_is_rare_in_a_few_passages_of_a_small_index_and_a_twentieth_of_a_large_one() -> None:
    assert Vocabulary({"kiln": FEW}, 5).is_rare("kiln")
    assert not Vocabulary({"kiln": FEW + 1}, 5).is_rare("kiln")
    assert Vocabulary({"kiln": 50}, 1000).is_rare("kiln")
    assert not Vocabulary({"kiln": 51}, 1000).is_rare("kiln")


@pytest.mark.parametrize(
    ("documents", "questions"),
    [("homonyms", "homonyms/questions.jsonl"), ("handbook", "handbook-questions.jsonl")],
)
def test_questions_that_people_wrote_are_not_vague(documents: str, questions: str) -> None:
    """Each is about one passage; a filter that drops them would leave easier ones."""
    texts = [path.read_text(encoding="utf-8") for path in (CORPORA / documents).glob("*.[mth][dtx]*")]
    sections = [part for text in texts for part in re.split(r"\n#+ |\n<h|\n\n\n", text)]
    asked = [question.text for question in read_questions(CORPORA / questions)]
    vocabulary = Vocabulary.of(sections)
    assert vocabulary.passages > 40
    assert sum(is_vague(question, vocabulary) for question in asked) <= len(asked) / 40


def test_a_question_may_not_hold_its_answer() -> None:
    asked, nothing = "Does a loan at the library last four weeks?", Vocabulary({}, 0)
    assert unusable(asked, "four weeks", [], nothing) == "gives its answer away"
    assert unusable(asked, "", [], nothing) is None
    assert unusable(asked, "six weeks", [], nothing) is None


def test_a_sentence_with_a_question_mark_is_a_copy() -> None:
    sentence = "The large kiln of the workshop reaches 1240 degrees within nine hours."
    assert copies("How hot: the large kiln of the workshop reaches 1240, within?", sentence)
    assert LONGEST_COPY == 7
    assert not copies("How soon does the kiln of the workshop reaches 1240 degrees?", sentence)
    assert not copies("How many degrees does the large kiln reach?", sentence)
    assert not copies("", sentence)


def test_the_question_is_asked_for_with_the_sentence_before_and_not_with_the_passage() -> None:
    text = "The crane was built in 1906. It lifts nine tons. Its boom is of oak."
    chunk = Chunk("c", "a.md", 0, "A", ("Cranes",), text, 0, len(text), 1, 1, None, None, 12)
    asked = question_messages(chunk, "It lifts nine tons.", "nine tons")[-1].content
    assert "Sentence: The crane was built in 1906. It lifts nine tons.\n" in asked
    assert asked.startswith(f"Title: {chunk.location}\n")
    assert asked.endswith("Answer: nine tons")
    assert "oak" not in asked
    first = question_messages(chunk, "The crane was built in 1906.", "1906")[-1].content
    assert "Sentence: The crane was built in 1906.\n" in first


@given(st.text())
def test_reading_never_fails(text: str) -> None:
    found = read_object(text, "question")
    assert found is None or isinstance(found[0], str)
    assert len(read_question(text).splitlines()) <= 1
    assert says_yes(text) in (True, False)


@pytest.mark.parametrize(
    "text", ['\n"How often may I?"', "Question: How often may I?", "**How often may I?**"]
)
def test_a_question_is_read_without_what_adorns_it(text: str) -> None:
    assert read_question(text) == "How often may I?"


def test_a_model_may_say_first_that_it_will() -> None:
    assert (
        read_question("Certainly! Here is one:\n\nHow often may I?\nI hope this helps.") == "How often may I?"
    )
    assert read_question("opening hours of the library") == "opening hours of the library"


def test_yes_is_yes() -> None:
    assert says_yes("Yes.")
    assert says_yes(" **yes**, it does")
    assert not says_yes("No, yes would be wrong")
    assert not says_yes("yesterday")
