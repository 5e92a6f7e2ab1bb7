"""What a passage is read with: the chunks next to it, or its section, within the LLM's window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from test_prompting import PASSAGES, QUESTION, about_days, count_words

from ragcli.config import LLMConfig
from ragcli.prompting import build_context
from ragcli.prompting.expanding import Expand, expanded
from ragcli.types import Candidate, Chunk, Context, Passage

WORDS = tuple(f"w{number}" for number in range(60))
DOCUMENT = " ".join(WORDS)


def document(*, size: int = 6, overlap: int = 2, sections: Sequence[int] = (5,)) -> list[Chunk]:
    """Chunks of `size` words that share `overlap` of them; a section begins at each of these chunks."""
    chunks = []
    for index, first in enumerate(range(0, len(WORDS) - overlap, size - overlap)):
        start, end = DOCUMENT.index(WORDS[first]), DOCUMENT.index(WORDS[min(first + size, len(WORDS)) - 1])
        end = DOCUMENT.find(" ", end) if DOCUMENT.find(" ", end) > 0 else len(DOCUMENT)
        headings = (f"Section {sum(index >= other for other in sections)}",)
        text = DOCUMENT[start:end]
        chunks.append(
            Chunk(str(index), "d.md", index, "D", headings, text, start, end, None, None, None, None, size)
        )
    return chunks


CHUNKS = document()


def widened(
    ranked: Sequence[int], expand: Expand, room: int = 1000, chunks: Sequence[Chunk] = CHUNKS
) -> list[str]:
    passages = [
        Passage(number, Candidate(chunks[index], 0.5, number), chunks[index].text, 0)
        for number, index in enumerate(ranked, start=1)
    ]
    found = expanded(passages, expand, room, chunks_of=lambda source: chunks, count_tokens=count_words)
    assert [passage.candidate for passage in found] == [passage.candidate for passage in passages]
    return [passage.text for passage in found]


def words(first: int, last: int) -> str:
    return " ".join(WORDS[first : last + 1])


def test_none_leaves_a_passage_as_it_is() -> None:
    assert widened([3], "none") == [CHUNKS[3].text] == [words(12, 17)]


def test_neighbours_are_joined_without_what_they_share() -> None:
    assert widened([3], "neighbours") == [words(8, 21)]


def test_a_section_ends_where_its_headings_do() -> None:
    assert widened([3], "section") == [words(0, 21)]
    assert widened([5], "section") == [words(20, 59)]


def test_the_nearest_come_first_while_there_is_room() -> None:
    assert widened([3], "section", room=6) == [words(8, 17)]
    assert widened([3], "section", room=12) == [words(8, 21)]
    assert widened([3], "neighbours", room=5) == [words(12, 17)]


def test_the_best_ranked_takes_what_two_are_next_to() -> None:
    assert widened([1, 3], "neighbours") == [words(0, 13), words(12, 21)]
    assert widened([3, 1], "neighbours") == [words(8, 21), words(0, 9)]


def test_a_passage_of_the_prompt_is_not_taken_by_another() -> None:
    assert widened([2, 3], "neighbours") == [words(4, 13), words(12, 21)]


def test_what_does_not_touch_is_set_apart() -> None:
    chunks = [CHUNKS[0], replace(CHUNKS[3], index=1)]
    assert widened([0], "neighbours", chunks=chunks) == [f"{words(0, 5)}\n\n{words(12, 17)}"]


@given(
    st.lists(st.integers(0, len(CHUNKS) - 1), min_size=1, max_size=5, unique=True),
    st.sampled_from(["neighbours", "section"]),
    st.integers(0, 60),
)
def test_each_text_is_the_document_s_own_and_within_the_room(
    ranked: list[int], expand: Expand, room: int
) -> None:
    texts = widened(ranked, expand, room)
    assert all(CHUNKS[index].text in text in DOCUMENT for index, text in zip(ranked, texts, strict=True))
    added = sum(count_words(text) for text in texts) - sum(count_words(CHUNKS[i].text) for i in ranked)
    assert 0 <= added <= room


def build(question: str = QUESTION) -> Context:
    return build_context(
        question,
        [Candidate(CHUNKS[3], 0.5, 1)],
        top_k=5,
        config=PASSAGES.model_copy(update={"expand": "section"}),
        llm=LLMConfig(context_tokens=300, answer_tokens=10),
        count_tokens=count_words,
        score_texts=about_days,
        chunks_of=lambda source: CHUNKS,
    )


def test_the_prompt_names_the_passage_that_was_ranked() -> None:
    context = build()
    (passage,) = context.passages
    assert passage.candidate.chunk == CHUNKS[3]
    assert passage.text == words(0, 21)
    assert passage.text in context.messages[1].content


def test_the_prompt_stays_within_the_window() -> None:
    spare = build().budget - build().tokens
    context = build(QUESTION + " really" * (spare + 5))
    assert context.passages[0].text == words(8, 17)
    assert context.tokens <= context.budget
