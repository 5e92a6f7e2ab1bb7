"""Which passages are drafted from: spread over documents and sections, and never the same one twice."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ragcli.drafting.passages import FEWEST_WORDS, NEAR, Queue, most_wanted, near_rivals, spread, usable
from ragcli.drafting.records import KINDS, Kind
from ragcli.types import Chunk


def chunk(source: str, heading: str, number: int = 0, text: str = "words") -> Chunk:
    name = f"{source}/{heading}/{number}"
    return Chunk(name, source, number, source, (heading,), text, 0, len(text), 1, 1, None, None, 9)


chunks = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), st.integers(0, 5)), unique=True
).map(lambda places: [chunk(*place) for place in places])


@given(chunks, st.text())
def test_every_passage_comes_once_and_the_seed_decides_the_order(all_of_them: list[Chunk], seed: str) -> None:
    found = spread(all_of_them, seed)
    assert sorted(one.id for one in found) == sorted(one.id for one in all_of_them)
    assert found == spread(all_of_them, seed)


@given(chunks, st.integers(0, 20))
def test_the_first_ones_are_of_as_many_documents_and_sections_as_they_can_be(
    all_of_them: list[Chunk], number: int
) -> None:
    first = spread(all_of_them, "7")[:number]
    documents = {one.source for one in all_of_them}
    assert len({one.source for one in first}) == min(len(first), len(documents))
    for source in documents:
        sections = {one.headings for one in all_of_them if one.source == source}
        taken = [one.headings for one in first if one.source == source]
        assert len(set(taken)) == min(len(taken), len(sections))


def test_a_heading_without_a_text_is_not_drafted_from() -> None:
    long = chunk("a", "x", text="word " * FEWEST_WORDS)
    assert usable([long, chunk("a", "y")]) == [long]


def test_confusable_are_those_with_the_nearest_rivals_if_these_are_near() -> None:
    similarities = {
        "a": 0.9,
        "b": 0.5,
        "c": NEAR - 0.1,
        "d": 0.1,
        "e": 0.1,
        "f": 0.1,
        "g": 0.1,
        "h": 0,
        "i": 0,
    }
    assert near_rivals(similarities) == {"a", "b"}
    assert near_rivals({}) == frozenset()


def test_a_passage_is_taken_once_a_kind_and_unused_ones_come_first() -> None:
    both = [chunk("a", "x"), chunk("b", "x")]
    queue = Queue(both, frozenset({"b/x/0"}), 7, [("a/x/0", "easy")])
    first, second = both
    assert [queue.take("easy") for _ in range(2)] == [second, None]
    assert {queue.take("paraphrased") for _ in range(3)} == {first, second, None}
    assert [queue.take("confusable") for _ in range(2)] == [second, None]


@given(st.dictionaries(st.sampled_from(KINDS), st.integers(1, 50), min_size=1), st.integers(0, 60))
def test_the_kinds_keep_their_shares(shares: dict[Kind, float], number: int) -> None:
    kept: Counter[Kind] = Counter()
    for _ in range(number):
        kind = most_wanted(iter(KINDS), kept, shares)
        assert kind is not None
        kept[kind] += 1
    total = sum(shares.values())
    assert all(abs(kept[kind] - number * share / total) <= len(shares) for kind, share in shares.items())


def test_without_a_kind_there_is_none_to_want() -> None:
    assert most_wanted(iter(()), {}, {"easy": 1}) is None
    assert most_wanted(iter(KINDS), {}, {"easy": 0}) is None
