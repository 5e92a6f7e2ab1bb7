"""Hybrid retrieval from end to end, with the real models: searches, both arms, evaluation, commands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_helper import Outcome, run

from ragcli.config import Config
from ragcli.config.loading import load_config
from ragcli.evaluation.beir import JudgedCollection
from ragcli.evaluation.collect import evaluate_beir, evaluate_questions
from ragcli.evaluation.questions import Question
from ragcli.evaluation.retrieving import pool
from ragcli.evaluation.summary import summarise
from ragcli.pipeline import Pipeline, open_pipeline
from ragcli.types import Filters, SearchResult

CORPUS = Path(__file__).parents[2] / "corpora" / "homonyms"
# A part number means nothing to a bi-encoder and everything to the person who asks for it.
PARTS = "# Spare parts\n\nThe hinge QX-4417 fits the left door.\n\n# Colours\n\nThe door is green.\n"
QUESTION = "What is QX-4417?"


def settings(folder: Path, method: str = "hybrid", candidates: int = 6, **overrides: object) -> Config:
    flags = {key.replace("__", "."): value for key, value in overrides.items()}
    given = {"store.path": str(folder), "retrieval.candidates": candidates, "retrieval.method": method}
    return load_config(overrides={**given, **flags})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hybrid")
    (folder / "articles").mkdir()
    for name in ("jaguar-animal.md", "jaguar-cars.md"):
        shutil.copy(CORPUS / name, folder / "articles")
    (folder / "articles" / "parts.md").write_text(PARTS, encoding="utf-8")
    config = settings(folder / "index")
    toml = f"[store]\npath = {str(folder / 'index')!r}\n[retrieval]\ncandidates = 6\n"
    (folder / "config.toml").write_text(toml, encoding="utf-8")
    with open_pipeline(config) as rag:
        rag.ingest([folder / "articles"])
    return folder


@pytest.fixture(scope="module")
def rag(folder: Path) -> Iterator[Pipeline]:
    with open_pipeline(settings(folder / "index")) as pipeline:
        yield pipeline


@pytest.fixture(scope="module")
def found(rag: Pipeline) -> SearchResult:
    return rag.search(QUESTION, rerank=False)


class TestSearch:
    def test_an_ingest_with_hybrid_retrieval_indexes_the_words(self, folder: Path) -> None:
        assert (folder / "index" / "default" / "words.sqlite3").stat().st_size > 10_000

    def test_the_base_order_is_the_fused_one(self, found: SearchResult) -> None:
        fused = [candidate.fused for candidate in found.candidates]
        assert all(score is not None for score in fused)
        assert fused == sorted(fused, key=lambda score: -(score or 0))
        assert [candidate.base_rank for candidate in found.candidates] == [1, 2, 3, 4, 5, 6]

    def test_a_word_that_means_nothing_to_the_bi_encoder_is_found(self, found: SearchResult) -> None:
        first = found.candidates[0]
        assert "QX-4417" in first.chunk.text
        assert first.lexical_rank == 1
        assert first.bm25 is not None
        assert first.bm25 > 0

    def test_dense_ranks_and_similarities_are_those_of_the_bi_encoder(
        self, found: SearchResult, folder: Path
    ) -> None:
        with open_pipeline(settings(folder / "index", "dense", candidates=99)) as rag:
            dense = {c.chunk.id: c for c in rag.search(QUESTION, rerank=False).candidates}
        for candidate in found.candidates:
            alone = dense[candidate.chunk.id]
            assert candidate.similarity == pytest.approx(alone.similarity, abs=1e-5)
            assert candidate.dense_rank in (None, alone.base_rank)
            assert (candidate.dense_rank is None) == (alone.base_rank > 6)
            assert (alone.fused, alone.dense_rank, alone.lexical_rank) == (None, None, None)

    def test_reranking_starts_from_the_fused_order_and_keeps_its_trace(
        self, rag: Pipeline, found: SearchResult
    ) -> None:
        reranked = rag.search(QUESTION, rerank=True).candidates
        traced = {c.chunk.id: (c.base_rank, c.fused, c.dense_rank, c.lexical_rank) for c in found.candidates}
        assert {c.chunk.id: (c.base_rank, c.fused, c.dense_rank, c.lexical_rank) for c in reranked} == traced
        for candidate in reranked:
            assert candidate.logit is not None
            nearness = rag.prior.nearness(candidate.similarity, candidate.heading_similarity)
            expected = candidate.logit + rag.prior.weight_for(QUESTION) * nearness
            assert candidate.score == pytest.approx(expected, abs=1e-5)

    def test_the_base_arm_of_a_comparison_is_the_fused_order(
        self, rag: Pipeline, found: SearchResult
    ) -> None:
        comparison = rag.compare_search(QUESTION)
        assert [c.chunk.id for c in comparison.base_order] == [c.chunk.id for c in found.candidates]
        assert {m.before for m in comparison.movements} == set(range(1, 7))

    def test_filters_hold_on_both_sides(self, rag: Pipeline) -> None:
        cars = rag.search(QUESTION, rerank=False, filters=Filters(sources=("*cars.md",))).candidates
        assert {c.chunk.source.rpartition("/")[2] for c in cars} == {"jaguar-cars.md"}
        assert all("QX-4417" not in c.chunk.text for c in cars)

    def test_what_is_ingested_meanwhile_is_in_the_next_answer(self, rag: Pipeline, tmp_path: Path) -> None:
        config = settings(tmp_path / "index")
        (tmp_path / "one.md").write_text("The hinge QX-4417 fits.", encoding="utf-8")
        with open_pipeline(config) as other:
            other.ingest([tmp_path / "one.md"])
            assert len(other.search("QX-9001", rerank=False).candidates) == 1
            (tmp_path / "two.md").write_text("The knob QX-9001 turns.", encoding="utf-8")
            other.ingest([tmp_path / "two.md"])
            first = other.search("QX-9001", rerank=False).candidates[0]
            assert (first.chunk.text, first.lexical_rank) == ("The knob QX-9001 turns.", 1)


class TestEvaluation:
    questions = (
        Question("part", QUESTION, relevant=("parts.md#Spare parts",)),
        Question("prey", "What does the jaguar hunt?", relevant=("jaguar-animal.md",)),
    )

    def test_one_run_has_both_retrievals_and_each_reranked(self, folder: Path, rag: Pipeline) -> None:
        config = settings(folder / "index", "dense", candidates=4)
        made = evaluate_questions(
            config,
            self.questions,
            title="x",
            rerankers=[config.reranking],
            methods=("dense", "hybrid"),
        )
        assert [retrieval.name for retrieval in made.retrievals] == ["dense", "hybrid"]
        with (
            open_pipeline(config) as dense,
            open_pipeline(settings(folder / "index", candidates=4)) as hybrid,
        ):
            for retrieval, pipeline in zip(made.retrievals, (dense, hybrid), strict=True):
                for question, order in zip(made.questions, retrieval.orders, strict=True):
                    alone = pipeline.search(question.text, rerank=False).candidates
                    assert [question.candidates[place].id for place in order] == [c.chunk.id for c in alone]
        summary = summarise(made)
        assert [(arm.kind, arm.retrieval) for arm in summary.arms if arm.kind != "cross-encoder alone"] == [
            ("bi-encoder", "dense"),
            ("reranked", "dense"),
            ("hybrid", "hybrid"),
            ("reranked", "hybrid"),
        ]
        assert [step.text for step in summary.steps] == [
            "hybrid instead of dense",
            "hybrid instead of dense, reranked",
            "reranking dense",
            "reranking hybrid",
        ]
        assert {stage.stage for stage in made.seconds} == {
            "embed",
            "retrieve",
            "retrieve (hybrid)",
            "rerank",
        }
        assert made.settings["retrievals"] == ["dense", "hybrid"]

    def test_a_judged_collection_is_searched_in_both_ways(self, tmp_path: Path) -> None:
        corpus = {
            "d1": "The hinge QX-4417 fits the left door.",
            "d2": "A hinge is a joint.",
            "d3": "Bread is baked from flour.",
        }
        collection = JudgedCollection("parts", corpus, {"q": "What is QX-4417?"}, {"q": {"d1": 1.0}})
        config = settings(tmp_path, candidates=3)
        made = evaluate_beir(config, collection, rerankers=[], methods=("hybrid", "dense"))
        (question,) = made.questions
        assert question.candidates[0].id == "d1"
        assert len(made.retrievals[1].orders[0]) == 3


def test_the_pool_has_each_candidate_once_and_the_first_retrieval_first() -> None:
    pooled = pool({"dense": [["a", "b"], []], "hybrid": [["c", "a"], ["d"]]}, str)
    assert pooled.candidates == (("a", "b", "c"), ("d",))
    assert pooled.retrievals[0].orders == ((0, 1), ())
    assert pooled.retrievals[1].orders == ((2, 0), (0,))


class TestCommands:
    @pytest.fixture
    def ragcli(self, folder: Path) -> Callable[..., Outcome]:
        return lambda *args: run(*args, "--config", str(folder / "config.toml"))

    def test_search(self, ragcli: Callable[..., Outcome]) -> None:
        arguments = ("search", QUESTION, "--no-rerank", "--json")
        hybrid = json.loads(ragcli(*arguments, "--retrieval", "hybrid").stdout)
        assert hybrid["candidates"][0]["lexical_rank"] == 1
        assert hybrid["config"]["retrieval"]["method"] == "hybrid"
        dense = json.loads(ragcli(*arguments).stdout)
        assert dense["candidates"][0]["fused"] is None

    def test_a_method_that_there_is_not(self, ragcli: Callable[..., Outcome], folder: Path) -> None:
        (folder / "questions.jsonl").write_text('{"question": "?", "relevant": ["parts.md"]}\n')
        for command in (("search", "x"), ("eval", str(folder / "questions.jsonl"))):
            outcome = ragcli(*command, "--retrieval", "lexical")
            assert outcome.status == 2
            assert "retrieval.method = 'lexical' (from flag) does not fit" in outcome.stderr

    def test_eval_of_both(self, ragcli: Callable[..., Outcome], folder: Path, tmp_path: Path) -> None:
        lines = '{"id": "part", "question": "What is QX-4417?", "relevant": ["parts.md"]}\n'
        (folder / "questions.jsonl").write_text(lines, encoding="utf-8")
        reports = [tmp_path / f"report{ending}" for ending in (".md", ".html", ".csv", ".json")]
        flags = [part for path in reports for part in ("--report", str(path))]
        both = ("--retrieval", "dense", "--retrieval", "hybrid")
        outcome = ragcli("eval", str(folder / "questions.jsonl"), *both, *flags)
        assert outcome.status == 0, outcome.stderr
        assert "hybrid, reranked by ragcli" in outcome.stdout
        markdown, html, csv, _ = (path.read_text(encoding="utf-8") for path in reports)
        assert "| Reranking hybrid |" in markdown
        assert "Reranking hybrid</th>" in html
        assert {row.rpartition(",")[2] for row in csv.splitlines()[1:]} == {"dense", "hybrid"}
        again = run("report", str(reports[3]), "--json")
        steps = json.loads(again.stdout)["summary"]["steps"]
        assert [step["text"] for step in steps][-1] == "reranking hybrid"
