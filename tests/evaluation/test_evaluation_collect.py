"""Runs are made with the real models: over an index, and over a judged collection."""

from __future__ import annotations

import shutil
from itertools import combinations
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from fault_server import fault_server
from ir_measures import nDCG

from ragcli.config import Config
from ragcli.config.loading import load_config
from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.encoders.reranking import CrossEncoderReranker
from ragcli.errors import LLMError, NothingFoundError, UsageError
from ragcli.evaluation.beir import JudgedCollection
from ragcli.evaluation.collect import evaluate_beir, evaluate_questions
from ragcli.evaluation.judging import passage_text
from ragcli.evaluation.measures import MAIN
from ragcli.evaluation.questions import Question
from ragcli.evaluation.records import RetrievalName, Run
from ragcli.evaluation.summary import summarise
from ragcli.pipeline import open_pipeline
from ragcli.types import Filters

CLEAR = 0.05
# An evaluation encodes questions in bulk, in bfloat16 if the processor multiplies it; a search in float32.
BULK = 2e-3
CORPUS = Path(__file__).parents[2] / "corpora" / "homonyms"
QUESTIONS = (
    Question(
        "ornament", "Who designed the bonnet ornament of the Jaguar cars?", relevant=("jaguar-cars.md",)
    ),
    Question("prey", "What does the jaguar hunt?", relevant=("jaguar-animal.md",)),
    Question("moon", "Who walked on the Moon first?", answerable=False),
    Question("chip", "Which processors does the console have?"),
)


def settings(folder: Path, **overrides: object) -> Config:
    flags = {key.replace("__", "."): value for key, value in overrides.items()}
    return load_config(overrides={"store.path": str(folder), "retrieval.candidates": 6, **flags})


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    (folder / "articles").mkdir()
    for name in ("jaguar-animal.md", "jaguar-cars.md", "jaguar-console.md"):
        shutil.copy(CORPUS / name, folder / "articles")
    with open_pipeline(settings(folder / "index")) as rag:
        rag.ingest([folder / "articles"])
    return folder / "index"


@pytest.fixture(scope="module")
def told() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def run(index: Path, told: list[tuple[str, int, int]]) -> Run:
    config = settings(index)
    return evaluate_questions(
        config,
        QUESTIONS,
        title="questions.jsonl",
        rerankers=[config.reranking],
        depths=(3, 6),
        progress=lambda *news: told.append(news),
    )


class TestOverAnIndex:
    def test_candidates_are_those_of_a_search(self, run: Run, index: Path) -> None:
        with open_pipeline(settings(index)) as rag:
            for question in run.questions:
                alone = rag.search(question.text, rerank=False).candidates
                assert [c.id for c in question.candidates] == [c.chunk.id for c in alone]
                assert [c.similarity for c in question.candidates] == pytest.approx(
                    [c.similarity for c in alone], abs=BULK
                )
                assert [passage_text(c) for c in question.candidates] == [c.chunk.passage for c in alone]

    def test_the_order_is_that_of_a_search(self, run: Run, index: Path) -> None:
        reranked = summarise(run).arms[1]
        with open_pipeline(settings(index)) as rag:
            found = rag.search(QUESTIONS[0].text, rerank=True).candidates
        first = run.questions[0].candidates
        assert len(found) == len(first)
        places = {first[place].id: rank for rank, place in enumerate(reranked.orders[0])}
        # In bfloat16 a score depends slightly on the other pairs in its batch.
        clear = [
            (above.chunk.id, below.chunk.id)
            for above, below in combinations(found, 2)
            if (above.score or 0) - (below.score or 0) > CLEAR
        ]
        assert len(clear) > len(found)
        assert all(places[above] < places[below] for above, below in clear)

    def test_headings_are_as_near_as_in_a_search(self, run: Run, index: Path) -> None:
        with open_pipeline(settings(index)) as rag:
            found = {c.chunk.id: c for c in rag.search(QUESTIONS[0].text, rerank=True).candidates}
        for passage in run.questions[0].candidates:
            assert passage.location
            assert passage.heading_similarity == pytest.approx(found[passage.id].heading_similarity, abs=BULK)

    def test_in_float32_every_place_is_that_of_a_search(
        self, index: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ragcli.encoders.bert.precision", lambda: "float32")
        config = settings(index)
        exact = evaluate_questions(config, QUESTIONS, title="questions.jsonl", rerankers=[config.reranking])
        with open_pipeline(config) as rag:
            found = rag.search(QUESTIONS[0].text, rerank=True).candidates
        first, order = exact.questions[0].candidates, summarise(exact).arms[1].orders[0]
        assert [first[place].id for place in order] == [c.chunk.id for c in found]

    def test_judgements_come_from_the_question_file(self, run: Run) -> None:
        ornament = run.questions[0]
        assert {c.source.rpartition("/")[2] for c in ornament.candidates if c.gain} == {"jaguar-cars.md"}
        assert len(ornament.ideal) > sum(c.gain > 0 for c in ornament.candidates) - 1

    def test_questions_without_gold_stay_and_are_counted(self, run: Run) -> None:
        summary = summarise(run)
        assert [question.id for question in run.questions] == ["ornament", "prey", "moon", "chip"]
        assert [question.id for question in summary.judged] == ["ornament", "prey"]
        assert summary.unjudged == 1  # the console's; the Moon's is unanswerable on purpose
        assert [gap.question_id for gap in run.missing] == ["chip"]

    def test_every_stage_is_timed_for_single_questions(self, run: Run) -> None:
        stages = {(stage.stage, stage.depth): stage.seconds for stage in run.seconds}
        assert set(stages) == {("embed", 0), ("retrieve", 0), ("rerank", 3), ("rerank", 6)}
        assert all(len(seconds) == 4 for seconds in stages.values())
        assert sum(stages["rerank", 6]) > sum(stages["embed", 0])

    def test_progress_is_told(self, run: Run, told: list[tuple[str, int, int]]) -> None:
        assert {stage for stage, _, _ in told} == {"retrieving", "scoring", "timing"}
        assert ("scoring", 24, 24) in told

    def test_it_says_what_it_takes_to_run_it_again(self, run: Run) -> None:
        assert run.settings["config"]["retrieval"]["candidates"] == 6
        assert run.settings["rerankers"][0]["fingerprint"] == run.scorings[0].fingerprint
        assert run.settings["chunks"] > 6

    def test_questions_that_name_nothing_of_the_index_are_an_error(self, index: Path) -> None:
        with pytest.raises(
            UsageError, match=r"None of the questions names a passage.* The first: chip: it has"
        ):
            evaluate_questions(settings(index), QUESTIONS[2:], title="x", rerankers=[])

    def test_without_an_index_no_model_is_loaded(self, tmp_path: Path) -> None:
        with pytest.raises(NothingFoundError, match="There is no index"):
            evaluate_questions(settings(tmp_path), QUESTIONS, title="x", rerankers=[])


class TestAnswers:
    def test_a_dead_llm_ends_the_run(self, index: Path) -> None:
        config = settings(
            index, llm__base_url="http://127.0.0.1:9/v1", llm__model="none", prompting__min_similarity=0.0
        )
        with pytest.raises(LLMError, match="Nothing answers"):
            evaluate_questions(config, QUESTIONS, title="x", rerankers=[config.reranking], answers=True)

    def test_both_arms_answer_and_a_failure_is_a_record(self, index: Path) -> None:
        with fault_server() as server:
            config = settings(
                index,
                llm__base_url=server.base_url,
                llm__model="answers",
                prompting__min_probability=0.0,
                prompting__min_similarity=0.0,
            )
            run = evaluate_questions(config, QUESTIONS[:2], title="x", rerankers=[], answers=True)
            broken = settings(index, llm__base_url=server.base_url, llm__model="cut", llm__answer_tokens=8)
            failed = evaluate_questions(broken, QUESTIONS[:2], title="x", rerankers=[], answers=True)
        assert all(answered.base and answered.reranked for answered in run.answers)
        assert run.answers[0].base is not None
        assert run.answers[0].base.text.startswith("The orbit takes 88 days")
        assert all("broke off" in answered.error for answered in failed.answers)
        assert summarise(failed).failed == 2


class TestAJudgedCollection:
    corpus = {  # noqa: RUF012
        "d1": "Mercury: Mercury orbits the Sun in 88 days.",
        "d2": "Venus: Venus takes 225 days to go round the Sun.",
        "d3": "Bread: Bread is baked from flour and water.",
    }

    def collection(self, **changes: str) -> JudgedCollection:
        corpus = {**self.corpus, **changes}
        queries = {"q1": "How long does Mercury take around the Sun?", "q2": "Not judged at all?"}
        return JudgedCollection("planets", corpus, queries, {"q1": {"d1": 2.0, "d2": 1.0, "d3": 0.0}})

    def test_it_is_searched_exactly(self, tmp_path: Path, embedder: BiEncoder) -> None:
        config = settings(tmp_path)
        run = evaluate_beir(config, self.collection(), rerankers=[config.reranking])
        (question,) = run.questions
        expected = embedder.embed(list(self.corpus.values())) @ embedder.embed([question.text], query=True)[0]
        assert [c.similarity for c in question.candidates] == pytest.approx(sorted(expected)[::-1], abs=BULK)
        assert {c.id: c.gain for c in question.candidates} == {"d1": 2.0, "d2": 1.0, "d3": 0.0}
        assert question.ideal == (2.0, 1.0)

    @pytest.mark.parametrize("method", ["dense", "hybrid"])
    def test_a_document_that_is_the_query_is_left_out_as_beir_leaves_it_out(
        self, tmp_path: Path, embedder: BiEncoder, method: RetrievalName
    ) -> None:
        """Every query of ArguAna and of Quora is a document too, and would be the best for itself."""
        query = "How long does Mercury take around the Sun?"
        queries = {"q1": query, "q2": "What is bread made of?"}
        qrels = {"q1": {"d1": 1.0}, "q2": {"d3": 1.0}}
        collection = JudgedCollection("self", {"q1": query, **self.corpus}, queries, qrels)
        config = settings(tmp_path, retrieval__candidates=3)
        run = evaluate_beir(config, collection, rerankers=[config.reranking], methods=[method])
        assert {c.id for c in run.questions[0].candidates} == {"d1", "d2", "d3"}
        assert len(run.questions[1].candidates) == 3  # for another query it is a document like any other
        assert "q1" in {c.id for c in run.questions[1].candidates}
        vectors = embedder.embed(list(collection.corpus.values()))
        asked = embedder.embed(list(queries.values()), query=True)
        ranked = [
            ir_measures.ScoredDoc(name, document, float(vector @ text))
            for name, text in zip(queries, asked, strict=True)
            for document, vector in zip(collection.corpus, vectors, strict=True)
            if document != name
        ]
        judged = [ir_measures.Qrel(q, d, int(g)) for q, grades in qrels.items() for d, g in grades.items()]
        expected = ir_measures.calc_aggregate([nDCG @ 10], judged, ranked)[nDCG @ 10]
        if method == "dense":
            assert summarise(run).arms[0].means[MAIN] == pytest.approx(expected)
        assert summarise(run).arms[0].means[MAIN] == 1.0

    def test_vectors_are_kept_for_the_next_time_and_for_this_corpus_only(self, tmp_path: Path) -> None:
        config = settings(tmp_path)
        told: list[str] = []

        def evaluate(collection: JudgedCollection) -> Run:
            told.clear()
            return evaluate_beir(
                config, collection, rerankers=[], progress=lambda stage, *_: told.append(stage)
            )

        first = evaluate(self.collection())
        assert "embedding" in told
        assert evaluate(self.collection()).questions == first.questions
        assert "embedding" not in told
        changed = evaluate(self.collection(d3="Mercury: A day on Mercury lasts 59 days of ours."))
        assert "embedding" in told
        assert changed.questions != first.questions

    def test_two_cross_encoders_share_the_candidates(self, tmp_path: Path) -> None:
        config = settings(tmp_path)
        other = config.reranking.model_copy(update={"prior_weight": 0.0})
        run = evaluate_beir(config, self.collection(), rerankers=[config.reranking, other])
        assert [scoring.prior.weight for scoring in run.scorings] == [12.0, 0.0]
        assert run.scorings[0].logits == run.scorings[1].logits

    def test_nothing_judged_is_an_error(self, tmp_path: Path) -> None:
        empty = JudgedCollection("x", self.corpus, {"q": "?"}, {})
        with pytest.raises(UsageError, match="holds no judged question"):
            evaluate_beir(settings(tmp_path), empty, rerankers=[])


class TestScoringAcrossQuestions:
    lists = (
        ("What does a python eat?", ["Pythons eat mammals.", "Bread", "Python is a language. " * 8]),
        ("What is baked?", ["Bread", "Pythons eat mammals."]),
        ("Nothing?", []),
    )

    def test_it_equals_scoring_one_by_one(self, reranker: CrossEncoderReranker) -> None:
        together = reranker.logits_of_lists(self.lists)
        for (question, texts), logits in zip(self.lists, together, strict=True):
            assert logits == pytest.approx(reranker.logits(question, texts), abs=0.05)

    def test_equal_pairs_tie_exactly(self, reranker: CrossEncoderReranker) -> None:
        (one, *_), (other, *_) = reranker.logits_of_lists([self.lists[1], self.lists[1]])
        assert one == other

    def test_every_pair_is_announced(self, reranker: CrossEncoderReranker) -> None:
        announced: list[int] = []
        reranker.logits_of_lists(self.lists, announced.append)
        assert sum(announced) == 5


def test_many_questions_to_chroma_are_as_many_searches(index: Path, embedder: BiEncoder) -> None:
    from ragcli import store

    vectors = embedder.embed([question.text for question in QUESTIONS], query=True)
    with store.open_store(settings(index), embedder, create=False) as opened:
        together = opened.search_many(vectors, 5, Filters())
        assert together == tuple(opened.search(vector, 5, Filters()) for vector in vectors)
        assert opened.search_many(np.empty((0, embedder.dimension), np.float32), 5, Filters()) == ()
