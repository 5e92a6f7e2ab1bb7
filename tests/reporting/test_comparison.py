"""The sentence on what reranking changed: true in each case, and never a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ragcli.comparison import movements, prompt_ids, summarise
from ragcli.types import Answer, Candidate, Chunk, Citation, Context, Message, Movement, Passage, Usage


def candidate(name: str, base_rank: int) -> Candidate:
    chunk = Chunk(
        id=name,
        source=f"{name}.md",
        index=0,
        title=name.title(),
        headings=(),
        text=f"About {name}.",
        start=0,
        end=10,
        line_start=1,
        line_end=1,
        page_start=None,
        page_end=None,
        tokens=3,
    )
    return Candidate(chunk=chunk, similarity=1 - base_rank / 10, base_rank=base_rank)


NAMES = ("ada", "bob", "cyd", "dot", "eve")
BASE = tuple(candidate(name, rank) for rank, name in enumerate(NAMES, start=1))


def ordered(names: str) -> tuple[Candidate, ...]:
    by_name = {c.chunk.id: c for c in BASE}
    return tuple(by_name[name] for name in names.split())


def answer(
    names: str, text: str = "Ada.", *, parts: str = "", cited: str = "", abstained: bool = False
) -> Answer:
    passages = tuple(
        Passage(number=n, candidate=c, text=parts or c.chunk.text, tokens=3)
        for n, c in enumerate(ordered(names), start=1)
    )
    content = "\n".join(f"[{p.number}] {p.text}" for p in passages)
    citations = tuple(
        Citation(1, f"{name}.md", name.title(), 1, 1, None, None, name, "", True) for name in cited.split()
    )
    return Answer(
        question="Who?",
        text=text,
        abstained=abstained,
        citations=citations,
        unknown_citations=(),
        context=Context(passages=passages, messages=(Message("user", content),), tokens=9, budget=99),
        candidates=ordered(names),
        reranked=False,
        model="m",
        usage=Usage(1, 1),
    )


def moved(order: str, *, before: str = "ada bob", after: str) -> tuple[Movement, ...]:
    return movements(BASE, ordered(order), in_prompt_before=before.split(), in_prompt_after=after.split())


def compared(order: str, base: Answer, reranked: Answer) -> str:
    candidates = ordered(order)
    moves = movements(
        BASE,
        candidates,
        in_prompt_before=prompt_ids(BASE, base, 2),
        in_prompt_after=prompt_ids(candidates, reranked, 2),
    )
    return summarise(moves, base, reranked)


def test_movements_are_in_reranked_order_and_cover_every_candidate() -> None:
    moves = moved("cyd ada bob dot eve", after="cyd ada")
    assert [(m.candidate.chunk.id, m.before, m.after) for m in moves] == [
        ("cyd", 3, 1),
        ("ada", 1, 2),
        ("bob", 2, 3),
        ("dot", 4, 4),
        ("eve", 5, 5),
    ]


def test_movements_tell_what_entered_and_what_left_the_prompt() -> None:
    moves = {m.candidate.chunk.id: m for m in moved("cyd ada bob dot eve", after="cyd ada")}
    assert (moves["cyd"].in_prompt_before, moves["cyd"].in_prompt_after) == (False, True)
    assert (moves["bob"].in_prompt_before, moves["bob"].in_prompt_after) == (True, False)
    assert (moves["ada"].in_prompt_before, moves["ada"].in_prompt_after) == (True, True)


def test_without_an_answer_the_prompt_is_what_the_top_k_would_bring() -> None:
    assert prompt_ids(BASE, None, 2) == {"ada", "bob"}


def test_with_an_answer_the_prompt_is_what_it_really_held() -> None:
    assert prompt_ids(BASE, answer("ada"), 2) == {"ada"}


@pytest.mark.parametrize(
    ("order", "after", "sentence"),
    [
        (
            "ada bob cyd dot eve",
            "ada bob",
            "Reranking changed nothing in the top 2 and kept the same passage first.",
        ),
        (
            "bob ada cyd dot eve",
            "ada bob",
            'Reranking kept the passages of the top 2 in another order and put "Bob" first (rank 2 before).',
        ),
        (
            "ada dot bob cyd eve",
            "ada dot",
            "Reranking replaced 1 of the 2 passages in the top 2 and kept the same passage first.",
        ),
        (
            "eve dot ada bob cyd",
            "eve dot",
            'Reranking replaced 2 of the 2 passages in the top 2 and put "Eve" first (rank 5 before).',
        ),
    ],
)
def test_a_search_is_told_by_its_top_passages(order: str, after: str, sentence: str) -> None:
    assert summarise(moved(order, after=after), None, None) == sentence


def test_a_passage_without_title_is_named_by_its_file() -> None:
    nameless = tuple(replace(c, chunk=replace(c.chunk, title="")) for c in BASE)
    moves = movements(nameless, nameless[::-1], in_prompt_before={"ada"}, in_prompt_after={"eve"})
    assert 'put "eve.md" first' in summarise(moves, None, None)


def test_the_same_prompt_and_answer() -> None:
    same = answer("ada bob")
    assert compared("ada bob cyd dot eve", same, same) == (
        "Reranking changed nothing in the prompt, kept the same passage first, and the answers are identical."
    )


def test_the_same_passages_in_another_order() -> None:
    summary = compared("bob ada cyd dot eve", answer("ada bob"), answer("bob ada"))
    assert summary == (
        "Reranking kept the passages of the prompt in another order, "
        'put "Bob" first (rank 2 before), and the answers are identical.'
    )


def test_the_same_passages_with_other_sentences_of_them() -> None:
    summary = compared("ada bob cyd dot eve", answer("ada bob"), answer("ada bob", parts="A sentence."))
    assert "kept the passages of the prompt but shows other parts of them" in summary


def test_replaced_passages_and_another_answer() -> None:
    summary = compared("cyd dot ada bob eve", answer("ada bob", "Ada."), answer("cyd dot", "Cyd."))
    assert summary == (
        "Reranking replaced 2 of the 2 passages in the prompt, "
        'put "Cyd" first (rank 3 before), and the answers differ.'
    )


@pytest.mark.parametrize(
    ("before", "after", "clause"),
    [
        ("ada", "ada cyd", "brought 1 passage into the prompt"),
        ("ada bob", "ada", "took 1 of the 2 passages out of the prompt"),
        ("ada", "cyd dot", "brought 2 passages into the prompt and took 1 out"),
    ],
)
def test_prompts_of_unequal_length(before: str, after: str, clause: str) -> None:
    assert clause in compared("ada cyd dot bob eve", answer(before), answer(after))


def test_answers_that_differ_in_citations_alone() -> None:
    base = answer("ada bob", "Ada [1].", cited="ada")
    reranked = answer("bob ada", "Ada [2].", cited="bob")
    summary = compared("bob ada cyd dot eve", base, reranked)
    assert summary.endswith("the answers have the same words but cite other passages.")


def test_numbers_of_citations_are_no_difference_when_they_name_the_same_passage() -> None:
    base = answer("ada bob", "Ada [1].", cited="ada")
    reranked = answer("bob ada", "Ada [2].", cited="ada")
    assert compared("bob ada cyd dot eve", base, reranked).endswith("the answers are identical.")


@pytest.mark.parametrize(
    ("base_abstains", "reranked_abstains", "ending"),
    [
        (True, True, "neither order gives an answer."),
        (True, False, "only the reranked order gives an answer."),
        (False, True, "only the base order gives an answer."),
    ],
)
def test_abstention_of_one_arm_is_told(base_abstains: bool, reranked_abstains: bool, ending: str) -> None:
    base = answer("ada bob", abstained=base_abstains)
    reranked = answer("cyd dot", abstained=reranked_abstains)
    assert compared("cyd dot ada bob eve", base, reranked).endswith(ending)


def test_nothing_to_rerank() -> None:
    assert summarise((), None, None) == "There was nothing to rerank."


def all_summaries() -> Sequence[str]:
    arms = [answer("ada bob"), answer("bob ada", "Bob."), answer("cyd", abstained=True)]
    orders = ["ada bob cyd dot eve", "cyd ada bob dot eve"]
    return [compared(order, base, reranked) for order in orders for base in arms for reranked in arms]


def test_no_summary_claims_that_one_order_is_better() -> None:
    for summary in all_summaries():
        for verdict in ("better", "worse", "improve", "correct", "wrong", "helped", "hurt"):
            assert verdict not in summary.lower()
