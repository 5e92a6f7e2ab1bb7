"""Words find passages: BM25 by hand, as SQLite computes it, and what a question and a filter may hold."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragcli.errors import StoreError
from ragcli.retrieval.lexical import IN_MEMORY, Entry, LexicalIndex, bring_in_step, terms
from ragcli.text import stop_words
from ragcli.types import MetadataValue

# Stems: fox ran | fox chase fox | dog sleep ... The lengths in words are 2, 3, 4, 1, 1 and 1.
TEXTS = {
    "a": "fox ran",
    "b": "Foxes chased foxes",
    "c": "dogs sleep all day",
    "d": "café",
    "e": "Berlin",
    "f": "Oslo",
}
K1, B = 1.2, 0.75
MEAN_LENGTH = (2 + 3 + 4 + 1 + 1 + 1) / 6


def entries(texts: dict[str, str], **facts: MetadataValue) -> list[Entry]:
    return [Entry(name, text, facts) for name, text in texts.items()]


@pytest.fixture
def index() -> Iterator[LexicalIndex]:
    found = LexicalIndex(IN_MEMORY)
    found.add({1: entries(TEXTS)})
    yield found
    found.close()


def names(index: LexicalIndex, question: str, *parts: int, n: int = 10) -> list[str]:
    hits = index.search(question, n, parts or (1,))
    assert hits is not None
    return [hit.name for hit in hits]


def bm25(frequency: int, length: int, holders: int, passages: int = 6) -> float:
    idf = math.log((passages - holders + 0.5) / (holders + 0.5))
    return idf * frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * length / MEAN_LENGTH))


class TestScores:
    def test_by_hand(self, index: LexicalIndex) -> None:
        hits = index.search("fox", 10, [1])
        assert hits is not None
        assert {hit.name: hit.score for hit in hits} == {
            "a": pytest.approx(bm25(1, 2, 2)),
            "b": pytest.approx(bm25(2, 3, 2)),
        }
        assert [hit.name for hit in hits] == ["b", "a"]

    def test_words_add_up_and_a_repeated_one_counts_again(self, index: LexicalIndex) -> None:
        hits = index.search("fox, fox ran", 10, [1])
        assert hits is not None
        scores = {hit.name: hit.score for hit in hits}
        assert scores["a"] == pytest.approx(2 * bm25(1, 2, 2) + bm25(1, 2, 1))
        assert scores["b"] == pytest.approx(2 * bm25(2, 3, 2))

    def test_a_word_of_most_passages_hardly_counts_but_finds(self) -> None:
        common = LexicalIndex(IN_MEMORY)
        common.add({1: entries({"a": "cat one", "b": "cat two", "c": "three"})})
        hits = common.search("cat", 10, [1])
        assert hits is not None
        assert [hit.name for hit in hits] == ["a", "b"]
        assert 0 < hits[0].score < 1e-5
        common.close()

    def test_ties_go_by_name_whatever_came_first(self) -> None:
        same = LexicalIndex(IN_MEMORY)
        same.add({1: entries({"c": "fox", "a": "fox", "b": "fox", "z": "dog"})})
        assert names(same, "fox") == ["a", "b", "c"]
        assert names(same, "fox", n=2) == ["a", "b"]
        same.close()


class TestQuestions:
    def test_case_endings_and_diacritics_do_not_matter(self, index: LexicalIndex) -> None:
        assert names(index, "SLEEPING dog?") == ["c"]
        assert names(index, "cafe") == names(index, "CAFÉS") == ["d"]

    def test_stop_words_are_not_looked_for(self, index: LexicalIndex) -> None:
        assert terms("What does the dog's owner do all day?") == ["dog", "owner", "all", "day"]
        assert names(index, "Who are you?") == []
        assert {"what", "the", "s"} < stop_words.SEARCH

    @pytest.mark.parametrize(
        "question",
        [
            'fox" OR "dog',
            "fox AND NOT dog",
            "NEAR(fox dog)",
            "fox*",
            "^fox",
            "text:fox",
            "(fox",
            "_ fox _",
            "-fox",
        ],
    )
    def test_no_question_is_an_expression(self, index: LexicalIndex, question: str) -> None:
        assert "a" in names(index, question)

    def test_one_without_words_finds_nothing(self, index: LexicalIndex) -> None:
        assert names(index, "?!") == names(index, "\0\x1b") == []

    def test_a_page_of_words_is_no_trouble(self, index: LexicalIndex) -> None:
        assert names(index, "fox dog sleep " * 400)[:2] == ["c", "b"]


class TestParts:
    def test_only_the_parts_that_are_asked_for_are_searched(self, index: LexicalIndex) -> None:
        index.add({2: entries({"new": "A fox came back"})})
        assert names(index, "fox", 2) == ["new"]
        assert set(names(index, "fox", 1, 2)) == {"a", "b", "new"}

    def test_a_part_that_is_not_there_is_told(self, index: LexicalIndex) -> None:
        assert index.search("fox", 5, [1, 2]) is None
        assert index.missing([1, 2]) == [2]

    def test_adding_a_part_again_changes_nothing(self, index: LexicalIndex) -> None:
        index.add({1: entries({"x": "fox"})})
        assert names(index, "fox") == ["b", "a"]

    def test_what_is_gone_is_dropped_and_weighs_no_more(self, index: LexicalIndex) -> None:
        index.add({2: entries(TEXTS), 3: []})
        index.drop_all_but([2, 3])
        hits = index.search("fox", 10, [2])
        assert hits is not None
        assert {hit.name: hit.score for hit in hits}["a"] == pytest.approx(bm25(1, 2, 2))

    def test_what_is_newer_than_all_one_knows_stays(self, index: LexicalIndex) -> None:
        index.add({2: entries({"old": "fox"}), 9: entries({"new": "fox"})})
        index.drop_all_but([2])
        assert index.missing([1, 2, 9]) == [1]

    def test_in_step_means_each_part_once_and_no_other(self, index: LexicalIndex) -> None:
        loaded: list[list[int]] = []

        def load(parts: object) -> dict[int, list[Entry]]:
            assert isinstance(parts, list)
            loaded.append(list(parts))
            return {part: entries({f"p{part}": "fox"}) for part in parts if part != 5}

        sizes = dict.fromkeys((2, 3, 4, 5), 1)
        bring_in_step(index, sizes, load, at_once=2)
        assert loaded == [[2, 3], [4, 5]]
        assert index.missing([1, *sizes]) == [1, 5]
        bring_in_step(index, sizes, load, at_once=2)
        assert loaded[2:] == [[5]]


class TestFilters:
    @pytest.mark.parametrize(
        ("where", "matches"),
        [
            ((("page", 2),), True),
            ((("page", 2), ("format", "pdf")), True),
            ((("page", 3),), False),
            ((("page", 2.0),), True),
            ((("page", "2"),), False),
            ((("page", True),), False),
            ((("missing", 2),), False),
            ((("format", "PDF"),), False),
        ],
    )
    def test_facts_are_equal_in_value_and_kind(
        self, where: tuple[tuple[str, MetadataValue], ...], matches: bool
    ) -> None:
        index = LexicalIndex(IN_MEMORY)
        index.add({1: [Entry("a", "fox", {"page": 2, "format": "pdf"})]})
        assert bool(index.search("fox", 5, [1], where)) is matches
        index.close()


class TestTheFile:
    def test_is_kept_and_read_again(self, tmp_path: Path) -> None:
        for expected in ([2], []):
            index = LexicalIndex(tmp_path / "words.sqlite3")
            assert index.missing([2]) == expected
            index.add({2: entries(TEXTS)})
            assert names(index, "fox", 2) == ["b", "a"]
            index.close()

    def test_a_damaged_one_says_that_it_may_be_deleted(self, tmp_path: Path) -> None:
        path = tmp_path / "words.sqlite3"
        path.write_bytes(b"not a database, and long enough to be looked at" * 50)
        with pytest.raises(StoreError, match=r"words.sqlite3 cannot be used") as caught:
            LexicalIndex(path).missing([1])
        assert "may be deleted" in caught.value.hint

    def test_many_may_add_at_once_and_each_part_is_there_once(self, tmp_path: Path) -> None:
        def add(first: int) -> None:
            index = LexicalIndex(tmp_path / "words.sqlite3")
            for part in range(first, first + 10):
                index.add({part: entries({f"p{part}": "fox"})})
            index.close()

        threads = [threading.Thread(target=add, args=(first,)) for first in (0, 5, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        index = LexicalIndex(tmp_path / "words.sqlite3")
        assert sorted(names(index, "fox", *range(15), n=99)) == sorted(f"p{part}" for part in range(15))
        index.close()
