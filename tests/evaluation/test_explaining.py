"""Why a passage moved: with the real models, in the run's record and in its reports."""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from cli_helper import run

from ragcli.config import EmbeddingConfig, RerankingConfig
from ragcli.encoders.bi_encoder import BiEncoder
from ragcli.encoders.reranking import CrossEncoderReranker
from ragcli.evaluation.collect import Progress
from ragcli.evaluation.explaining import MOST_EXPLAINED, explain, passages_to_explain
from ragcli.evaluation.judging import passage_text
from ragcli.evaluation.run_files import read_run
from ragcli.evaluation.summary import summarise
from ragcli.reporting.files.html_report import report_html
from ragcli.reporting.files.report_files import write_report
from tests.evaluation_records import random_run, small_run

CORPUS = Path(__file__).parents[2] / "corpora" / "homonyms"
# The bi-encoder has its passage third: "Jaguar family" sounds like animals. The second one does not move.
QUESTIONS = [
    {"id": "owner", "question": "Who took over the Jaguar family in 1989?", "relevant": ["jaguar-cars.md"],
     "evidence": ["Ford"]},
    {"id": "prey", "question": "What does the jaguar hunt?", "relevant": ["jaguar-animal.md"]},
]  # fmt: skip


def silent(_stage: str, _done: int, _total: int) -> None: ...


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explaining")
    (folder / "articles").mkdir()
    for name in ("jaguar-animal.md", "jaguar-cars.md"):
        shutil.copy(CORPUS / name, folder / "articles")
    lines = "".join(json.dumps(question) + "\n" for question in QUESTIONS)
    (folder / "q.jsonl").write_text(lines, encoding="utf-8")
    environ = {"RAGCLI_STORE_PATH": str(folder / "index"), "RAGCLI_RETRIEVAL_CANDIDATES": "5"}
    assert run("ingest", str(folder / "articles"), environ=environ).status == 0
    command = ("eval", str(folder / "q.jsonl"), "--report", str(folder / "r.html"))
    both = run(*command, "--report", str(folder / "r.json"), environ=environ)
    assert both.status == 0, both.stderr
    alone = run(*command[:2], "--report", str(folder / "alone.json"), environ=environ)
    assert alone.status == 0, alone.stderr
    return folder


class TestWhatIsExplained:
    def test_the_relevant_passage_that_moved_with_its_question(self) -> None:
        wanted = [
            (question.id, passage.id) for question, passage in passages_to_explain(summarise(small_run()))
        ]
        assert wanted == [("mercury", "planet#0"), ("notice", "probation#0"), ("bank", "river#0")]

    def test_only_a_few_of_the_questions_that_changed_most(self) -> None:
        summary = summarise(random_run(60, strength=0.5))
        wanted = [question.id for question, _ in passages_to_explain(summary)]
        changes = (*summary.helped[:MOST_EXPLAINED], *summary.hurt[:MOST_EXPLAINED])
        assert wanted == [change.question.id for change in changes]
        assert len(wanted) == 2 * MOST_EXPLAINED

    def test_both_readings_are_those_of_the_scoring(
        self, embedder: BiEncoder, reranker: CrossEncoderReranker
    ) -> None:
        told: list[tuple[str, int, int]] = []
        tell: Progress = lambda stage, done, total: told.append((stage, done, total))  # noqa: E731
        summary = explain(summarise(small_run()), EmbeddingConfig(), RerankingConfig(), tell)
        assert told[0] == ("explaining", 0, 3)
        assert told[-1] == ("explaining", 3, 3)
        found = {one.question_id: one.occlusion for one in summary.run.explanations}
        assert list(found) == ["mercury", "notice", "bank"]
        question = summary.judged[0]
        planet = passage_text(question.candidates[2])
        read = found["mercury"]
        assert (read.question, read.passage) == (question.text, planet)
        assert read.cross_encoder.score == pytest.approx(
            reranker.logits(question.text, [planet])[0], abs=0.02
        )
        asked, passage = embedder.embed([question.text], query=True)[0], embedder.embed([planet])[0]
        assert read.bi_encoder.score == pytest.approx(float(asked @ passage), abs=0.001)
        assert {planet[word.start : word.end] for word in read.cross_encoder.passage} >= {"88", "days"}

    def test_where_nothing_changed_no_model_is_loaded(self) -> None:
        summary = summarise(replace(small_run(), scorings=()))
        nowhere = RerankingConfig(model="/no/such/model")
        assert explain(summary, EmbeddingConfig(), nowhere, silent) is summary


class TestReports:
    def test_the_page_shows_both_readings_of_what_moved(self, reports: Path) -> None:
        page = (reports / "r.html").read_text(encoding="utf-8")
        (title,) = re.findall(r"<summary>Why did (.*?) move\?</summary>", page)
        assert title == "Jaguar (car maker) &gt; Owners"
        assert len(re.findall(r"<h3>(?:Cross|Bi)-encoder: ", page)) == 2
        assert re.search(r'<b class="[ud]3" title="[+−]\d', page)

    def test_another_report_of_the_run_shows_the_same(self, reports: Path) -> None:
        (found,) = read_run(reports / "r.json").explanations
        assert found.question_id == "owner"
        assert "Ford" in found.occlusion.passage
        assert run("report", str(reports / "r.json"), "-o", str(reports / "again.html")).status == 0
        again = (reports / "again.html").read_text(encoding="utf-8")
        assert again == (reports / "r.html").read_text(encoding="utf-8")

    def test_without_a_page_nobody_waits_for_it(self, reports: Path) -> None:
        assert read_run(reports / "alone.json").explanations == ()

    def test_words_of_others_do_not_act_in_the_page(self) -> None:
        hostile = small_run()
        mercury = replace(hostile.questions[0], text="<script>alert(1)</script> Mercury?")
        summary = summarise(replace(hostile, questions=(mercury, *hostile.questions[1:])))
        page = report_html(explain(summary, EmbeddingConfig(), RerankingConfig(), silent))
        assert page.count("<summary>Why did ") == 3
        assert "<script" not in page

    def test_a_reading_that_is_not_a_number_is_left_out(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Otherwise the run could not be written."""

        def broken(_: object, lists: list[tuple[str, list[str]]]) -> list[list[float]]:
            return [[math.nan] * len(texts) for _, texts in lists]

        monkeypatch.setattr(CrossEncoderReranker, "logits_of_lists", broken)
        summary = explain(summarise(small_run()), EmbeddingConfig(), RerankingConfig(), silent)
        assert summary.run.explanations == ()
        write_report(summary, tmp_path / "r.json")
