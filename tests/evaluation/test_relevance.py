"""Which chunks are gold: by path, heading and evidence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ragcli.evaluation.questions import Question
from ragcli.evaluation.relevance import flat, relevant_chunks
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

    def test_an_accent_is_one_however_it_is_written(self) -> None:
        composed, decomposed = "Caf\u00e9.md", "Cafe\u0301.md"
        for here, named in ((composed, decomposed), (decomposed, composed)):
            chunks = (chunk("a", f"menus/{here}", "Soup.", headings=(here,)),)
            assert found((named,), chunks=chunks) == {"a"}
            assert found((f"{named}#{named}",), chunks=chunks) == {"a"}


# One text as typed on a keyboard, and each of its parts as typeset.
SPELLINGS = {
    "fi": ["\ufb01"],
    "fl": ["\ufb02"],
    "ff": ["\ufb00"],
    "ffi": ["\ufb03"],
    "ffl": ["\ufb04"],
    "st": ["\ufb05", "\ufb06"],
    "'": ["\u2018", "\u2019", "\u201a", "\u2032"],
    '"': ["\u201c", "\u201d", "\u201e", "\xab", "\xbb"],
    "-": ["\u2010", "\u2011", "\u2013", "\u2014", "\u2212", "--"],
    " ": ["\n", "\xa0", "\t ", "\u2009", "\r\n"],
    "word": ["wo\xadrd", "`word`", "**word**", "_word_", "*word*", "WORD", "w\u200bord"],
    "snake_case": ["`snake_case`", "__snake_case__"],
    "\xe9": ["e\u0301"],
    "...": ["\u2026"],
}


class TestPlainness:
    @given(parts=st.lists(st.sampled_from(sorted(SPELLINGS)), min_size=1, max_size=30), draw=st.data())
    def test_the_typesetting_makes_no_difference(self, parts: list[str], draw: st.DataObject) -> None:
        set_in_type = [draw.draw(st.sampled_from([part, *SPELLINGS[part]])) for part in parts]
        # Emphasis is around words, not within them.
        assert flat(" ".join(set_in_type)) == flat(" ".join(parts))

    @given(st.text())
    def test_what_is_plain_stays_so(self, text: str) -> None:
        assert flat(flat(text)) == flat(text)

    @given(st.text(alphabet="abcxyz0123456789,.;:!?()[]{}/+=<>#%&@ "))
    def test_nothing_else_is_taken_away(self, text: str) -> None:
        assert flat(text) == " ".join(text.split())

    def test_an_underscore_within_a_name_belongs_to_it(self) -> None:
        assert flat("snake_case") != flat("snakecase")


class TestByEvidence:
    def test_a_phrase_is_found_whatever_its_line_breaks_and_case(self) -> None:
        assert found(evidence=("mercury goes  around the Sun",)) == {"orbit"}

    def test_it_is_looked_for_in_the_relevant_documents_alone(self) -> None:
        assert found(evidence=("once in 88 days",)) == {"orbit", "god"}
        assert found(("planet.md",), ("once in 88 days",)) == {"orbit"}

    def test_a_phrase_is_found_however_it_is_set_in_type(self) -> None:
        printed = (
            chunk(
                "a",
                "x",
                "The o\ufb03ce \ufb02oor\u2014it\u2019s \u201creserved\u201d for work\u00ad\ufb02ows.",
            ),
        )
        assert found(evidence=('the office floor-it\'s "reserved" for workflows',), chunks=printed) == {"a"}
        marked = (chunk("a", "x", "Set `retry_limit` to **three**."),)
        assert found(evidence=("set retry_limit to three",), chunks=marked) == {"a"}

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
