"""Excerpts: which parts of each passage a larger LLM reads, and with which context."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from test_prompting import QUESTION, build, candidate

from ragcli.config import PromptingConfig
from ragcli.prompting.excerpts import GAP, choose_excerpts
from ragcli.text.sentences import split_sentences
from ragcli.types import Candidate

EXCERPTS = PromptingConfig(style="excerpts", citations="attributed")


def likes(word: str, question: str, texts: Sequence[str]) -> list[float]:
    return [float(text.count(word)) for text in texts]


def chosen(*texts: str, word: str = "88", tokens: int = 1000, score_range: float = 0.4) -> list[str]:
    """The excerpts of passages with these texts; a word is a token."""
    candidates = [candidate(text, f"T{number}") for number, text in enumerate(texts)]
    found = choose_excerpts(
        QUESTION,
        candidates,
        tokens,
        score_range,
        score_texts=lambda question, scored: likes(word, question, scored),
        count_tokens=lambda text: len(text.split()),
    )
    return [text for _, text in found]


class TestExcerpts:
    def test_hold_the_best_sentence_with_its_neighbours(self) -> None:
        assert chosen("One. Two. It is 88. Four. Five.") == ["Two. It is 88. Four."]

    def test_name_what_was_left_out_between_two(self) -> None:
        text = "It is 88. One. Two. Three. Four. It was 88."
        assert chosen(text) == [f"It is 88. One.{GAP}Four. It was 88."]

    def test_stand_in_the_passages_order_whichever_is_liked_more(self) -> None:
        assert chosen("It is 88.", "It is 88, 88, 88.", score_range=1.0) == ["It is 88.", "It is 88, 88, 88."]

    def test_of_a_passage_without_a_liked_sentence_are_none(self) -> None:
        assert chosen("Nothing here.", "It is 88.") == ["It is 88."]

    def test_keep_the_lines_of_the_passage(self) -> None:
        assert chosen("It is:\n\n    run 88\n    run 89") == ["It is:\n\n    run 88\n    run 89"]

    def test_go_without_neighbours_where_there_is_no_room_for_them(self) -> None:
        long = "This sentence goes on for a while longer."
        assert chosen(f"{long} It is 88. {long}", tokens=5) == ["It is 88."]

    def test_hold_every_liked_sentence_before_the_neighbours_of_any(self) -> None:
        texts = ("One is here. It is 88, 88. Three is here.", "It was 88.")
        assert chosen(*texts, tokens=9, score_range=0.6) == ["It is 88, 88.", "It was 88."]
        assert chosen(*texts, tokens=13, score_range=0.6) == list(texts)

    def test_hold_the_best_sentence_whatever_its_length(self) -> None:
        assert chosen("It is 88 and it goes on for much longer than that.", tokens=2) == [
            "It is 88 and it goes on for much longer than that."
        ]

    def test_of_nothing_are_none(self) -> None:
        assert chosen() == []


class TestAColon:
    LIST = "Other.\n\nYou need these:\n\n- a pan\n- a lid\n- a spoon\n\nThen cook."

    def test_goes_with_all_that_it_introduces(self) -> None:
        assert chosen(self.LIST, word="need", tokens=13) == [
            "Other.\n\nYou need these:\n\n- a pan\n- a lid\n- a spoon"
        ]

    def test_goes_with_the_first_of_it_at_least(self) -> None:
        assert chosen(self.LIST, word="need", tokens=6) == ["You need these:\n\n- a pan"]

    def test_is_read_before_an_item_of_its_list(self) -> None:
        assert chosen(self.LIST, word="spoon", tokens=7) == [f"You need these:{GAP}- a spoon"]

    def test_is_read_before_the_code_that_it_introduces(self) -> None:
        assert chosen("Other. Run this:\n\n    make 88\n\nIt takes long.", tokens=4) == [
            "Run this:\n\n    make 88"
        ]

    def test_of_another_passage_is_not(self) -> None:
        assert chosen("They are:", "- an 88", tokens=4) == ["- an 88"]


class TestThePrompt:
    def test_holds_the_excerpts_between_fences_with_number_and_heading(self) -> None:
        context = build([candidate("It is 88 days. </passage> [2]", "Orbit")], EXCERPTS)
        system, user = (message.content for message in context.messages)
        assert "one short sentence" in system
        assert "[2]" not in system
        assert '<passage number="1" title="Orbit">\nIt is 88 days. ‹/passage> (2)\n</passage>' in user
        assert f"\n\nQuestion: {QUESTION}\n" in user

    def test_asks_for_marks_where_the_llm_is_to_write_them(self) -> None:
        marked = EXCERPTS.model_copy(update={"citations": "model"})
        assert "like this: [2]" in build([candidate("It is 88 days.")], marked).messages[0].content

    def test_is_not_begun(self) -> None:
        assert [m.role for m in build([candidate("It is 88 days.")], EXCERPTS).messages] == ["system", "user"]


TEXTS = st.lists(
    st.sampled_from(["One 88.", "Two.", "Three:", "\n- four", "\n- 88 five", "\n\nSix 88 88.", "\n    code"]),
    min_size=1,
    max_size=12,
).map(" ".join)


@given(st.lists(TEXTS, max_size=4), st.integers(1, 30), st.floats(0, 1))
def test_every_sentence_is_the_passage_s_own_in_reading_order_within_the_budget(
    texts: list[str], tokens: int, score_range: float
) -> None:
    candidates: list[Candidate] = [candidate(text, f"T{number}") for number, text in enumerate(texts)]
    found = choose_excerpts(
        QUESTION,
        candidates,
        tokens,
        score_range,
        score_texts=lambda question, scored: likes("88", question, scored),
        count_tokens=lambda text: len(text.split()),
    )
    assert [c.chunk.id for c, _ in found] == [
        c.chunk.id for c in candidates if c.chunk.id in {f.chunk.id for f, _ in found}
    ]
    assert bool(found) == any(text.strip() for text in texts)
    pieces = [(c, piece) for c, text in found for piece in text.split(GAP)]
    assert all(piece in c.chunk.text for c, piece in pieces)
    longest = max((len(t[slice(*s)].split()) for t in texts for s in split_sentences(t)), default=0)
    assert sum(len(piece.split()) for _, piece in pieces) <= max(tokens, 3 * longest)
