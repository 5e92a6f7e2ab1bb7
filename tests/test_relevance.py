"""Which chunks are gold: by path, heading and evidence."""

from __future__ import annotations

from ragcli.questions import Question
from ragcli.relevance import relevant_chunks
from ragcli.types import Chunk


def chunk(name: str, source: str, text: str, title: str = "", headings: tuple[str, ...] = ()) -> Chunk:
    return Chunk(name, source, 0, title, headings, text, 0, len(text), 1, 1, None, None, 9)


CHUNKS = (
    chunk("orbit", "notes/planet.md", "Mercury goes around the\nSun once in 88 days.", "Mercury", ("Orbit",)),
    chunk("size", "notes/planet.md", "It is the smallest planet.", "Mercury", ("Size",)),
    chunk("god", "notes/god.md", "Once in 88 days? No: on the Ides of May.", "Mercury (god)"),
    chunk("c#", "notes/c#.md", "A language.", "C sharp"),
)


def found(
    relevant: tuple[str, ...] = (), evidence: tuple[str, ...] = (), chunks: tuple[Chunk, ...] = CHUNKS
) -> set[str]:
    return set(relevant_chunks(Question("q", "?", relevant=relevant, evidence=evidence), chunks))


class TestByPath:
    def test_a_document_brings_all_its_chunks(self) -> None:
        assert found(("notes/planet.md",)) == {"orbit", "size"}

    def test_the_end_of_a_path_is_enough_but_no_part_of_a_name(self) -> None:
        assert found(("planet.md",)) == {"orbit", "size"}
        assert found(("./planet.md",)) == {"orbit", "size"}
        assert found(("net.md",)) == set()

    def test_a_heading_narrows_it_in_whatever_case(self) -> None:
        assert found(("planet.md#orbit",)) == {"orbit"}
        assert found(("planet.md#Mercury",)) == {"orbit", "size"}
        assert found(("planet.md#Moons",)) == set()

    def test_several_are_added_up(self) -> None:
        assert found(("planet.md#Size", "god.md")) == {"size", "god"}

    def test_a_name_may_hold_the_sign_for_headings(self) -> None:
        assert found(("c#.md",)) == {"c#"}

    def test_a_question_that_names_nothing_has_no_gold(self) -> None:
        assert found() == set()
        assert found(("", "#Orbit")) == set()


class TestByEvidence:
    def test_a_phrase_is_found_whatever_its_line_breaks_and_case(self) -> None:
        assert found(evidence=("mercury goes  around the Sun",)) == {"orbit"}

    def test_it_is_looked_for_in_the_relevant_documents_alone(self) -> None:
        assert found(evidence=("once in 88 days",)) == {"orbit", "god"}
        assert found(("planet.md",), ("once in 88 days",)) == {"orbit"}

    def test_any_phrase_is_enough(self) -> None:
        assert found(evidence=("not there", "smallest planet")) == {"size"}

    def test_a_document_without_the_phrase_is_not_gold(self) -> None:
        assert found(("planet.md",), ("Ides of May",)) == set()

    def test_an_empty_phrase_says_nothing(self) -> None:
        assert found(evidence=("", " \n")) == set()
        assert found(("god.md",), ("",)) == {"god"}

    def test_a_phrase_across_two_chunks_belongs_to_the_one_with_most_of_it(self) -> None:
        phrase = "one two three four five six seven eight nine"
        most_before = (
            chunk("a", "x", "So: one two three four five six seven"),
            chunk("b", "x", "eight nine."),
        )
        most_after = (
            chunk("a", "x", "So: one two"),
            chunk("b", "x", "three four five six seven eight nine."),
        )
        assert found(evidence=(phrase,), chunks=most_before) == {"a"}
        assert found(evidence=(phrase,), chunks=most_after) == {"b"}
