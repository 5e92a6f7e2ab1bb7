"""`ragcli eval`, `eval diff` and `report`: what a person sees, and what a script relies on."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import pytest
from cli_helper import Outcome, run
from safetensors.numpy import load_file, save_file

from ragcli.config.loading import load_config
from ragcli.encoders.prior import Prior
from ragcli.errors import UsageError
from ragcli.evaluation.diff import compare_runs
from ragcli.evaluation.gates import missed, parse_threshold, worse_than
from ragcli.evaluation.measures import MAIN, MEASURES
from ragcli.evaluation.run_files import read_run
from ragcli.evaluation.summary import summarise
from ragcli.models.locate import bi_encoder_files
from ragcli.pipeline import open_pipeline
from ragcli.reporting import figures
from ragcli.reporting.files.report_files import write_report
from tests.evaluation_records import models_run, random_run, small_run, two_retrievals

CORPUS = Path(__file__).parents[2] / "corpora" / "homonyms"
GOLDEN = Path(__file__).parents[1] / "golden"
QUESTIONS = [
    {
        "id": "ornament",
        "question": "Who designed the bonnet ornament of the Jaguar cars?",
        "relevant": ["jaguar-cars.md"],
        "team": "cars",
    },
    {"id": "prey", "question": "What does the jaguar hunt?", "relevant": ["jaguar-animal.md"]},
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    (folder / "articles").mkdir()
    for name in ("jaguar-animal.md", "jaguar-cars.md"):
        shutil.copy(CORPUS / name, folder / "articles")
    lines = "".join(json.dumps(question) + "\n" for question in QUESTIONS)
    (folder / "questions.jsonl").write_text(lines, encoding="utf-8")
    (folder / "config.toml").write_text(
        f"[store]\npath = {str(folder / 'index')!r}\n[retrieval]\ncandidates = 5\n", encoding="utf-8"
    )
    with open_pipeline(load_config(folder / "config.toml")) as rag:
        rag.ingest([folder / "articles"])
    return folder


@pytest.fixture(scope="module")
def planets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judged collection of two documents and one question."""
    folder = tmp_path_factory.mktemp("planets")
    (folder / "qrels").mkdir()
    corpus = ({"_id": f"d{n}", "title": "", "text": text} for n, text in enumerate(("Sun.", "Bread.")))
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)), encoding="utf-8")
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "What is baked?"}', encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td1\t1\n", encoding="utf-8")
    return folder


Evaluate = Callable[..., Outcome]


@pytest.fixture
def evaluate(place: Path) -> Evaluate:
    def evaluated(
        *flags: str, questions: str = "questions.jsonl", environ: Mapping[str, str] | None = None
    ) -> Outcome:
        command = ("eval", str(place / questions), "--config", str(place / "config.toml"), *flags)
        return run(*command, environ=environ)

    return evaluated


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reports") / "run.json"
    write_report(summarise(small_run()), path)
    return path


class TestTheCommand:
    def test_it_measures_both_orders_and_writes_what_is_asked_for(
        self, evaluate: Evaluate, tmp_path: Path
    ) -> None:
        files = [tmp_path / f"report{ending}" for ending in (".html", ".md", ".csv", ".json")]
        flags = [part for path in files for part in ("--report", str(path))]
        outcome = evaluate(*flags, "--depths", "2,5")
        assert outcome.status == 0
        assert outcome.stdout.startswith("Too few questions to tell: 2.")
        first, *others = outcome.stderr.splitlines()
        assert first.startswith("2 questions can show a difference of about 0.396 or more in nDCG@10")
        assert others == [f"wrote {path}" for path in files]
        assert all(path.stat().st_size > 200 for path in files)
        assert [path for path in tmp_path.iterdir() if path not in files] == []
        assert read_run(files[3]).depths == (2, 5)

    def test_json_is_one_document_of_figures(self, evaluate: Evaluate) -> None:
        outcome = evaluate("--json", "--quiet")
        document = json.loads(outcome.stdout)
        assert (document["schema"], document["kind"]) == (1, "evaluation")
        assert set(document["summary"]["contrasts"][0]["measures"]) == set(MEASURES)
        assert "run" not in document
        assert outcome.stderr == ""

    def test_groups_are_by_a_field_of_the_file_or_computed(self, evaluate: Evaluate) -> None:
        outcome = evaluate("--by", "team", "--by", "document", "--json", "--quiet")
        team, document = json.loads(outcome.stdout)["summary"]["strata"]
        assert [(one["name"], one["questions"]) for one in team["strata"]] == [("cars", 1), ("(none)", 1)]
        assert [one["name"].rpartition("/")[2] for one in document["strata"]] == [
            "jaguar-cars.md",
            "jaguar-animal.md",
        ]

    def test_the_rankings_are_written_for_other_tools(self, evaluate: Evaluate, tmp_path: Path) -> None:
        saved = tmp_path / "run.trec"
        outcome = evaluate("--save-run", str(saved), "--json")
        assert outcome.stderr.endswith(
            f"wrote {saved}\nwrote {tmp_path}/run.base.trec\nwrote {tmp_path}/run.qrels\n"
        )
        found = {row.query_id for row in ir_measures.read_trec_run(str(saved))}
        assert found == {"ornament", "prey"}
        again = run("eval", "--runs", str(saved), "--qrels", str(tmp_path / "run.qrels"), "--json")
        arms = [json.loads(one.stdout)["summary"]["arms"] for one in (outcome, again)]
        assert arms[1][0]["means"] == pytest.approx(arms[0][1]["means"])

    def test_two_cross_encoders_share_one_run(self, evaluate: Evaluate) -> None:
        folder = Path(__file__).parents[2] / "ragcli" / "reranker"
        outcome = evaluate("--reranker", "ragcli", "--reranker", str(folder))
        assert outcome.status == 0
        assert outcome.stdout.count(str(folder)) == 2  # in use, and alone

    def test_a_second_bi_encoder_reads_the_index_anew(self, evaluate: Evaluate, tmp_path: Path) -> None:
        """The same weights from a folder, through sentence-transformers: what it finds is the same."""
        folder = bi_encoder_files("all-MiniLM-L6-v2").folder
        outcome = evaluate("--embedder", folder, "--json", "--report", str(tmp_path / "r.json"))
        assert outcome.status == 0
        one, other = [row for row in models_of(outcome) if row["kind"] == "bi-encoder"]
        assert (one["name"], other["name"]) == ("all-MiniLM-L6-v2", folder)
        assert one["means"] == pytest.approx(other["means"])
        run_ = read_run(tmp_path / "r.json")
        (second,) = run_.others
        judged = [question for question in run_.questions if question.ideal]
        for question, again in zip(judged, second.questions, strict=True):
            assert [c.id for c in again.candidates] == [c.id for c in question.candidates]
            assert [c.gain for c in again.candidates] == [c.gain for c in question.candidates]

    def test_several_bi_encoders_on_a_judged_collection(self, place: Path, planets: Path) -> None:
        folder = bi_encoder_files("all-MiniLM-L6-v2").folder
        flags = ("--embedder", "all-MiniLM-L6-v2", "--embedder", folder, "--json")
        outcome = run("eval", "--beir", str(planets), "--config", str(place / "config.toml"), *flags)
        assert outcome.status == 0
        bases = [row["embedder"] for row in models_of(outcome) if row["kind"] == "bi-encoder"]
        assert bases == ["all-MiniLM-L6-v2", folder]

    def test_a_judged_collection(self, place: Path, planets: Path) -> None:
        outcome = run("eval", "--beir", str(planets), "--config", str(place / "config.toml"), "--json")
        assert outcome.status == 0
        assert json.loads(outcome.stdout)["summary"]["judged"] == 1


class TestTheAudit:
    """Cross-encoders that are broken on purpose: the shipped one with other weights in its last layer."""

    @pytest.mark.parametrize(
        ("weight", "words"),
        [
            (
                0.0,
                ("scores tie although", "saturated or empty", "nothing was reranked"),
            ),
            (math.nan, ("scores are not numbers: they were ranked last", "nothing was reranked")),
        ],
    )
    def test_scores_that_say_nothing(
        self, evaluate: Evaluate, tmp_path: Path, weight: float, words: tuple[str, ...]
    ) -> None:
        outcome = evaluate("--reranker", str(broken_reranker(tmp_path, weight)))
        assert outcome.status == 0
        shown = " ".join(outcome.stdout.split())
        assert shown.count("warning: ") == len(words)
        assert all(word in shown for word in words)

    def test_pairs_that_are_cut(self, evaluate: Evaluate) -> None:
        shown = evaluate(environ={"RAGCLI_RERANKING_MAX_TOKENS": "32"}).stdout
        assert re.search(r"ragcli: 10 of 10 pairs are longer than 32 tokens and lost \d+ each", shown)

    def test_passages_in_another_language(self, tmp_path: Path) -> None:
        text = "Der Merkur umkreist die Sonne in 88 Tagen, schneller als jeder andere Planet. " * 4
        question = {"question": "Wie lange braucht der Merkur um die Sonne? " * 20, "relevant": ["merkur.md"]}
        (tmp_path / "merkur.md").write_text(text, encoding="utf-8")
        (tmp_path / "venus.md").write_text(text.replace("Merkur", "Venus"), encoding="utf-8")
        # Below 200 words the language is not judged.
        (tmp_path / "q.jsonl").write_text(f"{json.dumps(question)}\n" * 2, encoding="utf-8")
        environ = {"RAGCLI_STORE_PATH": str(tmp_path / "index")}
        run("ingest", str(tmp_path / "merkur.md"), str(tmp_path / "venus.md"), environ=environ)
        shown = run("eval", str(tmp_path / "q.jsonl"), environ=environ).stdout
        assert "warning: ragcli: the questions do not look English" in shown


def broken_reranker(folder: Path, weight: float) -> Path:
    shipped = Path(__file__).parents[2] / "ragcli" / "reranker"
    shutil.copytree(shipped, folder / "broken")
    weights = load_file(shipped / "model.safetensors")
    weights["classifier.weight"] = np.full_like(weights["classifier.weight"], weight)
    save_file(weights, folder / "broken" / "model.safetensors", metadata={"format": "pt"})
    return folder / "broken"


def models_of(outcome: Outcome) -> list[dict[str, Any]]:
    models: list[dict[str, Any]] = json.loads(outcome.stdout)["summary"]["models"]
    return models


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (("--report", "x.pdf"), "x.pdf: .pdf is not a report"),
            (("--report", "nowhere/x.html"), "There is no folder nowhere"),
            (("--depths", "5,x"), "--depths 5,x is not a list of numbers"),
            (("--depths", "0"), "--depths 0 is not"),
            (("--by", "tema"), "--by tema: no question has a field of this name"),
            (("--save-run", "nowhere/x.trec"), "There is no folder nowhere"),
            (("--fail-under", "ndgc@10=0.7"), "no measure 'ndgc@10'"),
            (("--fail-under", "ndcg@10"), "is not MEASURE=VALUE"),
            (("--fail-under", "ndcg@10=7"), "is not MEASURE=VALUE"),
            (("--fail-if-worse", "none.json"), "none.json cannot be read"),
            (("--beir", "x"), "Give a question file, or --beir FOLDER"),
        ],
    )
    def test_it_is_said_before_the_work(
        self, evaluate: Evaluate, flags: tuple[str, ...], message: str
    ) -> None:
        outcome = evaluate(*flags)
        assert outcome.status == 2
        assert message in outcome.stderr
        assert "hint: " in outcome.stderr
        assert outcome.stdout == ""

    def test_a_model_that_is_not_there_is_missing_and_not_wrong_usage(self, evaluate: Evaluate) -> None:
        outcome = evaluate("--embedder", "/no/such/model")
        assert outcome.status == 4
        assert "error: There is no model folder /no/such/model." in outcome.stderr

    def test_neither_questions_nor_a_collection(self) -> None:
        assert "Give a question file, or --beir FOLDER" in run("eval").stderr

    def test_questions_of_another_corpus(self, evaluate: Evaluate, place: Path) -> None:
        (place / "other.jsonl").write_text('{"question": "Q?", "relevant": ["x.md"]}', encoding="utf-8")
        outcome = evaluate(questions="other.jsonl")
        assert outcome.status == 2
        assert "None of the questions names a passage in the index" in outcome.stderr


class TestGates:
    def test_a_threshold_that_is_missed_fails_the_command(self, evaluate: Evaluate) -> None:
        assert evaluate("--fail-under", "recall@candidates=0.1").status == 0
        outcome = evaluate("--candidates", "1", "--fail-under", "recall@5=1.0")
        assert outcome.status == 1
        assert "failed: recall@5 is 0." in outcome.stderr

    def test_only_what_is_below_is_missed(self) -> None:
        summary = summarise(random_run(20))
        reached = summary.arms[1].means[MAIN]
        assert missed(summary, [parse_threshold(f"ndcg@10={reached}")]) == ()
        (line,) = missed(summary, [parse_threshold(f"NDCG@10={reached + 0.001}")])
        assert line.startswith("nDCG@10 is 0.")

    def test_worse_is_worse_beyond_chance(self) -> None:
        good, bad = random_run(60, strength=2.0), random_run(60, strength=0.0)
        (line,) = worse_than(good, bad)
        assert "the baseline had" in line
        assert worse_than(bad, good) == ()
        assert worse_than(good, good) == ()
        slightly = replace(good, scorings=(replace(good.scorings[0], prior=Prior(4.01)),))
        assert worse_than(good, slightly) == ()

    def test_passages_that_left_the_index_are_worse(self) -> None:
        """They leave no trace in a mean, which no longer includes their questions."""
        before = random_run(20)
        gone = [replace(question, ideal=()) for question in before.questions[:7]]
        after = replace(before, questions=(*gone, *before.questions[7:]))
        (line,) = worse_than(before, after)
        assert "no longer holds the passages of 7 of the baseline's questions: " in line
        assert [question.id for question in gone[:5]] == line.partition("questions: ")[2].split(" ...")[
            0
        ].split(", ")
        assert worse_than(after, before) == ()
        meant = [replace(question, answerable=False) for question in gone]
        assert worse_than(before, replace(before, questions=(*meant, *before.questions[7:]))) == ()
        assert worse_than(before, replace(before, questions=before.questions[7:], scorings=())) == ()


class TestRunFiles:
    def test_a_run_comes_back_as_it_was(self, report: Path) -> None:
        assert read_run(report) == small_run()

    def test_so_does_one_of_several_models(self, tmp_path: Path) -> None:
        write_report(summarise(models_run()), tmp_path / "m.json")
        assert read_run(tmp_path / "m.json") == models_run()

    def test_so_does_a_score_that_is_no_number(self, tmp_path: Path) -> None:
        run_ = random_run(4, 5)
        rows = ((math.nan, *run_.scorings[0].logits[0][1:]), *run_.scorings[0].logits[1:])
        broken = replace(run_, scorings=(replace(run_.scorings[0], logits=rows),))
        write_report(summarise(broken), tmp_path / "x.json")
        (scoring,) = read_run(tmp_path / "x.json").scorings
        assert math.isnan(scoring.logits[0][0])
        assert scoring.logits[1:] == run_.scorings[0].logits[1:]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("no json", "is not JSON"),
            ("[]", "contains no evaluation"),
            ('{"schema": 1, "kind": "answer"}', "contains no evaluation"),
            ('{"schema": 9, "kind": "evaluation", "run": {}}', "another version of ragcli (schema 9)"),
            ('{"schema": 1, "kind": "evaluation", "run": {"scorings": []}}', "is damaged: title"),
        ],
    )
    def test_what_is_none_is_refused(self, tmp_path: Path, content: str, message: str) -> None:
        path = tmp_path / "x.json"
        path.write_text(content, encoding="utf-8")
        with pytest.raises(UsageError) as caught:
            read_run(path)
        assert message in caught.value.message
        assert caught.value.hint

    def test_reports_are_made_again_from_it(self, report: Path, tmp_path: Path) -> None:
        assert run("report", str(report), "-o", str(tmp_path / "again.json")).status == 0
        assert (tmp_path / "again.json").read_bytes() == report.read_bytes()

    def test_without_a_file_to_write_it_is_shown(self, report: Path) -> None:
        assert run("report", str(report)).stdout.startswith("Too few questions to tell: 3.")


class TestDiff:
    def test_questions_are_paired_by_id_and_text(self) -> None:
        before = random_run(30)
        questions = (replace(before.questions[0], text="Another?"), *before.questions[1:])
        found = compare_runs(before, replace(before, questions=questions))
        assert (found.shared, found.only_before, found.only_after) == (29, 1, 1)

    def test_a_better_cross_encoder_shows_in_its_arm_alone(self) -> None:
        found = compare_runs(random_run(60, strength=0.5), random_run(60, strength=2.0))
        base, reranked = found.arms
        assert all(row.difference.mean == 0 for row in base.measures)
        assert reranked.measures[0].difference.mean > 0.1
        assert reranked.measures[0].difference.p_value < 0.01
        assert found.questions[0].after != found.questions[0].before

    def test_settings_that_differ_are_named_by_their_key(self) -> None:
        one = replace(small_run(), settings={"config": {"retrieval": {"candidates": 50}}, "chunks": 9})
        other = replace(small_run(), settings={"config": {"retrieval": {"candidates": 20}}, "chunks": 9})
        (change,) = compare_runs(one, other).settings
        assert (change.key, change.before, change.after) == ("config.retrieval.candidates", 50, 20)

    def test_runs_that_share_nothing_cannot_be_compared(self) -> None:
        with pytest.raises(UsageError, match="share no judged question"):
            compare_runs(small_run(), random_run(3))

    def test_the_command(self, report: Path, tmp_path: Path) -> None:
        better = small_run()
        rows = better.scorings[0].logits
        better = replace(
            better, scorings=(replace(better.scorings[0], logits=(*rows[:2], (9.0, 0, 0, 0), rows[3])),)
        )
        write_report(summarise(better), tmp_path / "b.json")
        shown = run("eval", "diff", str(report), str(tmp_path / "b.json"))
        assert shown.status == 0
        assert "0.631 → 1.000  Who owns the bank on the river?" in shown.stdout
        document = json.loads(run("eval", "diff", str(report), str(tmp_path / "b.json"), "--json").stdout)
        assert (document["kind"], document["shared"]) == ("evaluation-diff", 3)


class TestScreens:
    @pytest.mark.parametrize("columns", [80, 120])
    def test_the_summary(self, report: Path, columns: int) -> None:
        golden(f"evaluation-{columns}.txt", run("report", str(report), terminal=True, columns=columns).stdout)

    @pytest.mark.parametrize("columns", [80, 120])
    def test_the_table_of_several_models(self, tmp_path: Path, columns: int) -> None:
        write_report(summarise(models_run()), tmp_path / "m.json")
        shown = run("report", str(tmp_path / "m.json"), terminal=True, columns=columns).stdout
        golden(f"evaluation-models-{columns}.txt", shown)

    @pytest.mark.parametrize("columns", [80, 120])
    def test_the_summary_of_two_retrievals(self, tmp_path: Path, columns: int) -> None:
        write_report(summarise(two_retrievals()), tmp_path / "run.json")
        shown = run("report", str(tmp_path / "run.json"), terminal=True, columns=columns).stdout
        golden(f"evaluation-retrievals-{columns}.txt", shown)

    @pytest.mark.parametrize("columns", [80, 120])
    def test_groups_of_questions(self, tmp_path: Path, columns: int) -> None:
        teams = ("purchasing and procurement", "sales")
        run_ = random_run(40)
        questions = tuple(
            replace(question, fields={"team": teams[place % 2]}, overlap=place / 40)
            for place, question in enumerate(run_.questions)
        )
        write_report(summarise(replace(run_, questions=questions)), tmp_path / "run.json")
        flags = ("--by", "team", "--by", "overlap")
        shown = run("report", str(tmp_path / "run.json"), *flags, terminal=True, columns=columns).stdout
        golden(f"evaluation-groups-{columns}.txt", shown)

    def test_what_happens_to_the_gap(self) -> None:
        perfect = "to a perfect order of these candidates (0.900)."
        assert figures.gap(0.38, 0.9) == f"Reranking closes 38 % of the gap {perfect}"
        assert figures.gap(-0.5, 0.9) == f"Reranking widens the gap {perfect[:-1]} by 50 %."
        for closed in (0.0, 0.004, -0.004):
            assert figures.gap(closed, 0.9) == f"Reranking neither closes nor widens the gap {perfect}"

    def test_a_pipe_gets_no_colours(self, report: Path) -> None:
        assert "\x1b" not in run("report", str(report)).stdout


def golden(name: str, shown: str) -> None:
    path = GOLDEN / name
    if os.environ.get("RAGCLI_UPDATE_GOLDEN"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


class TestTables:
    def test_csv_has_a_row_for_each_question_arm_and_measure(self, report: Path, tmp_path: Path) -> None:
        run("report", str(report), "-o", str(tmp_path / "x.csv"))
        rows = list(csv.DictReader(io.StringIO((tmp_path / "x.csv").read_text(encoding="utf-8"))))
        assert len(rows) == 3 * 3 * len(MEASURES)
        first = rows[0]
        assert (first["question_id"], first["kind"], first["measure"]) == ("mercury", "bi-encoder", MAIN)
        assert float(first["value"]) == 0.5

    def test_a_question_cannot_be_a_formula(self, tmp_path: Path) -> None:
        question = replace(small_run().questions[0], text="=HYPERLINK(1)")
        write_report(
            summarise(replace(small_run(), questions=(question, *small_run().questions[1:]))),
            tmp_path / "x.csv",
        )
        assert ",'=HYPERLINK(1)," in (tmp_path / "x.csv").read_text(encoding="utf-8")

    def test_markdown_shows_the_tables_and_nothing_of_a_text_acts_in_it(self, tmp_path: Path) -> None:
        question = replace(small_run().questions[0], text="A | <b>pipe</b> [x](y)?")
        run_ = replace(small_run(), questions=(question, *small_run().questions[1:]))
        write_report(summarise(run_), tmp_path / "x.md")
        text = (tmp_path / "x.md").read_text(encoding="utf-8")
        assert "| nDCG@10 | 0.724 | 0.799 | +0.075 | too few | 0.75 | 2 / 1 / 0 |" in text
        assert r"A \| \<b\>pipe\</b\> \[x\](y)?" in text
