"""Reasoning and answer are separated, however the text is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.llm.reasoning import MARKS, RESTART, Parts, Splitter, split

PLAIN = st.text(st.sampled_from("abc d.\n"), max_size=20)


def heard(pieces: list[str]) -> tuple[Parts, str]:
    """What a splitter returns for the pieces, and what a reader of each addition has read."""
    splitter, read = Splitter(), ""
    for said in [*map(splitter.feed, pieces), splitter.finish()]:
        read = said.removeprefix(RESTART) if said.startswith(RESTART) else read + said
    return splitter.parts, read


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>a</think>b", "a", "b"),
        ("\n<THINK>\na\n</THINK>\n\nb", "a", "b"),
        ("<think></think>b", "", "b"),
        ("<think>a</think>\n<think>b</think>c", "a\n\nb", "c"),
        ("<think>a", "a", ""),
        ("a\n</think>\n\nb", "a", "b"),
        ("a says so.</think>b", "a says so.", "b"),
        ("<|channel|>final<|message|>b", "", "b"),
        ("<|start|>assistant<|channel|>commentary<|message|>a<|call|>", "a", ""),
        ("analysisWe look.assistantfinalb", "We look.", "b"),
        ("b<|im_end|>", "", "b"),
    ],
)
def test_the_marks_of_many_templates_are_read(text: str, reasoning: str, answer: str) -> None:
    found = split(text, done=True)
    assert (found.reasoning, found.answer) == (reasoning, answer)


@pytest.mark.parametrize(
    "text",
    [
        "The tag <think> begins it.",
        "Write <think>, then </think>.\nNothing else.",
        "Close it with </think> in the end.",
        "Close it with `</think>`\nin the end.",
        "```\n<think>a</think>\n```\nThat is how.",
        "a < b, c > d, e [THI",
        "analysis of the text",
        "Press [THINK] now.",
    ],
)
def test_an_answer_may_speak_of_the_marks(text: str) -> None:
    assert split(text, done=True) == Parts("", text)


@given(
    st.lists(st.one_of(PLAIN, st.sampled_from([*MARKS, *MARKS.values(), "<|channel|>analysis<|message|>"])))
)
def test_how_the_text_is_cut_changes_nothing(pieces: list[str]) -> None:
    whole = "".join(pieces)
    expected = split(whole, done=True)
    for cut in (pieces, list(whole), [whole]):
        parts, read = heard(cut)
        assert parts == expected
        assert read == expected.answer


@given(st.sampled_from(sorted(MARKS)), PLAIN, PLAIN)
def test_what_stands_between_the_marks_is_never_in_the_answer(opener: str, thought: str, answer: str) -> None:
    found = split(f"{opener}{thought}{MARKS[opener]}{answer}", done=True)
    assert (found.reasoning, found.answer) == (thought.strip(), answer.lstrip())
