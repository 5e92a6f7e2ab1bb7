"""The lexical side of an index: it shows what counts now, whoever writes meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_store_same import ALL, chunk, opened, put, vectors

from ragcli import store
from ragcli.config import Config, StoreConfig
from ragcli.errors import StoreError, UsageError
from ragcli.store import Store
from ragcli.store.folder import versions
from ragcli.store.folder.word_index import FILE
from ragcli.types import Chunk, Filters


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(store=StoreConfig(path=str(tmp_path / "index")))


@pytest.fixture
def index(config: Config) -> Store:
    return opened(config)


def words(index: Store, question: str = "fox", filters: Filters = ALL, n: int = 10) -> list[str]:
    return [candidate.chunk.text for candidate in index.search_words(question, vectors(0)[0], n, filters)]


def fox(source: str, text: str, number: int = 0, page: int | None = None) -> Chunk:
    return chunk(source, number, text, page)


class TestStaleness:
    def test_a_new_source_is_found_by_the_next_search(self, index: Store) -> None:
        put(index, "a.md", fox("a.md", "a red fox"))
        assert words(index) == ["a red fox"]
        put(index, "b.md", fox("b.md", "fox"))
        assert set(words(index)) == {"a red fox", "fox"}

    def test_a_replaced_source_has_its_new_words_only(self, index: Store) -> None:
        put(index, "a.md", fox("a.md", "old fox"), fox("a.md", "old dog", 1))
        assert words(index, "fox dog")
        put(index, "a.md", fox("a.md", "new fox"))
        assert words(index, "fox dog old") == ["new fox"]

    def test_a_removed_source_is_gone(self, index: Store) -> None:
        put(index, "a.md", fox("a.md", "fox"))
        put(index, "b.md", fox("b.md", "another fox"))
        assert len(words(index)) == 2
        index.remove("a.md")
        assert words(index) == ["another fox"]
        index.remove("b.md")
        assert words(index) == []

    def test_another_process_changes_it_and_this_one_sees_it(self, index: Store, config: Config) -> None:
        put(index, "a.md", fox("a.md", "fox"))
        assert words(index) == ["fox"]
        with opened(config, create=False) as other:
            put(other, "a.md", fox("a.md", "quick fox"))
        assert words(index) == ["quick fox"]

    def test_what_a_writer_has_not_published_is_not_shown(self, index: Store, config: Config) -> None:
        put(index, "a.md", fox("a.md", "old fox"))
        with opened(config, create=False) as reader, index.writing():
            put(index, "a.md", fox("a.md", "new fox"))
            assert words(reader) == ["old fox"]
        assert words(reader) == words(index) == ["new fox"]

    def test_what_a_writer_gave_up_leaves_no_words(self, index: Store, config: Config) -> None:
        """The next writer counts its generations from where the version that counts left off."""

        def interrupted() -> None:
            with index.writing(), index._change():
                put(index, "b.md", fox("b.md", "lost fox"))
                raise RuntimeError("power cut")

        put(index, "a.md", fox("a.md", "fox"))
        assert words(index) == ["fox"]
        with pytest.raises(StoreError):
            interrupted()
        put(index, "b.md", fox("b.md", "kept fox"))
        assert set(words(index)) == {"fox", "kept fox"}

    def test_a_source_replaced_in_the_middle_of_a_search_is_seen_whole(
        self, index: Store, config: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(index, "a.md", fox("a.md", "old fox"))
        search = index._words._index.search

        def late(*args: object) -> object:
            monkeypatch.undo()
            found = search(*args)  # type: ignore[arg-type]
            with opened(config, create=False) as writer:
                put(writer, "a.md", fox("a.md", "new fox"))
            return found

        monkeypatch.setattr(index._words._index, "search", late)
        assert words(index) in (["old fox"], ["new fox"])
        assert words(index) == ["new fox"]

    def test_an_index_of_before_gets_its_words_at_the_first_search(
        self, index: Store, config: Config
    ) -> None:
        put(index, "a.md", fox("a.md", "fox"))
        folder = Path(config.store.path) / config.collection
        assert not (folder / FILE).exists()
        assert words(index) == ["fox"]
        index.close()
        (folder / FILE).unlink()
        assert words(opened(config, create=False)) == ["fox"]

    def test_chunks_that_chroma_lost_are_an_error_and_no_gap(self, index: Store, config: Config) -> None:
        put(index, "a.md", fox("a.md", "fox"), fox("a.md", "fox two", 1))
        place = versions.current(Path(config.store.path) / config.collection)
        index._table(place, writing=True).chroma.delete(where={"index": 1})
        with pytest.raises(StoreError, match="cannot be brought in step"):
            words(index)

    def test_resetting_leaves_nothing(self, index: Store, config: Config) -> None:
        put(index, "a.md", fox("a.md", "fox"))
        words(index)
        index.close()
        store.reset(config)
        assert not (Path(config.store.path) / config.collection).exists()


class TestSearch:
    def test_similarities_are_those_of_the_dense_side(self, index: Store) -> None:
        put(index, "a.md", *(fox("a.md", f"fox {number}", number) for number in range(5)), seed=1)
        query = vectors(3)[0]
        dense = {hit.chunk.id: hit.similarity for hit in index.search(query, 5, ALL)}
        lexical = index.search_words("fox", query, 5, ALL)
        assert {hit.chunk.id: hit.similarity for hit in lexical} == pytest.approx(dense, abs=1e-5)
        assert {hit.chunk for hit in lexical} == {hit.chunk for hit in index.search(query, 5, ALL)}

    def test_ranks_and_scores(self, index: Store) -> None:
        put(index, "a.md", *(fox("a.md", text, i) for i, text in enumerate(("fox", "fox fox", "dog", "cat"))))
        hits = index.search_words("fox", vectors(0)[0], 10, ALL)
        assert [(hit.base_rank, hit.lexical_rank, hit.chunk.text) for hit in hits] == [
            (1, 1, "fox fox"),
            (2, 2, "fox"),
        ]
        assert hits[0].bm25 is not None
        assert hits[1].bm25 is not None
        assert hits[0].bm25 > hits[1].bm25 > 0

    def test_titles_and_headings_are_words_too(self, index: Store) -> None:
        """As the bi-encoder reads them."""
        put(index, "a.md", replace(fox("a.md", "It ran."), headings=("The fox",)))
        assert words(index) == ["It ran."]

    def test_of_an_empty_index_finds_nothing(self, index: Store) -> None:
        assert words(index) == []


class TestFilters:
    @pytest.fixture(autouse=True)
    def _sources(self, index: Store) -> None:
        put(index, "notes/a.md", fox("notes/a.md", "fox"))
        put(index, "report.pdf", fox("report.pdf", "fox", 0, 1), fox("report.pdf", "fox", 1, 2), format="pdf")

    @pytest.mark.parametrize(
        "filters",
        [
            Filters(),
            Filters(sources=("*.md",)),
            Filters(sources=("notes",)),
            Filters(sources=("nowhere",)),
            Filters(where=(("format", "pdf"),)),
            Filters(where=(("format", "pdf"), ("page_start", 2))),
            Filters(where=(("page_start", 2.0),)),
            Filters(where=(("page_start", "2"),)),
            Filters(where=(("page_start", True),)),
            Filters(sources=("*.md",), where=(("format", "pdf"),)),
            Filters(where=(("source", "notes/a.md"),)),
        ],
    )
    def test_let_through_what_they_let_through_of_the_dense_side(
        self, index: Store, filters: Filters
    ) -> None:
        dense = {hit.chunk.id for hit in index.search(vectors(0), 10, filters)}
        lexical = {hit.chunk.id for hit in index.search_words("fox", vectors(0)[0], 10, filters)}
        assert lexical == dense

    def test_an_unknown_key_is_an_error(self, index: Store) -> None:
        with pytest.raises(UsageError, match="author"):
            words(index, filters=Filters(where=(("author", "me"),)))


def test_many_sources_are_indexed_in_a_few_transactions(
    index: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragcli.store.folder.word_index._AT_ONCE", 4)
    updates = [
        store.Update(f"{n}.md", "", "text", "", (fox(f"{n}.md", f"fox {n}"),), np.asarray(vectors(n)))
        for n in range(10)
    ]
    index.replace_all(updates)
    assert len(words(index, n=99)) == 10
