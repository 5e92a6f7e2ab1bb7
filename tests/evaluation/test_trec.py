"""Rankings of other pipelines are measured, and ours are written: in formats that the field's tools read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import ir_measures
import pytest
import pytrec_eval
from cli_helper import run as ragcli
from ir_measures import AP, RR, R, Success, nDCG

from ragcli.errors import UsageError
from ragcli.evaluation.measures import FOUND, MAIN
from ragcli.evaluation.questions import Question
from ragcli.evaluation.results import Arm, Summary
from ragcli.evaluation.run_files import read_run
from ragcli.evaluation.summary import summarise
from ragcli.evaluation.trec import read_qrels, read_ranking, run_of_rankings, save_rankings
from ragcli.reporting.files.report_files import write_report
from tests.evaluation_records import random_run, small_run

ORACLE = {
    MAIN: nDCG @ 10,
    "mrr@10": RR @ 10,
    "map": AP,
    "hit@5": Success @ 5,
    "recall@10": R @ 10,
    FOUND: R @ 1000,
}
# Without mrr@10: trec_eval's reciprocal rank has no cutoff.
TREC_EVAL = {
    MAIN: "ndcg_cut.10",
    "map": "map",
    "hit@5": "success.5",
    "recall@10": "recall.10",
    FOUND: "recall.1000",
}
RANX = {MAIN: "ndcg@10", "mrr@10": "mrr@10", "map": "map", "hit@5": "hit_rate@5", "recall@10": "recall@10"}


def expected(qrels: Path, ranking: Path) -> dict[str, float]:
    found = ir_measures.calc_aggregate(
        list(ORACLE.values()),
        list(ir_measures.read_trec_qrels(str(qrels))),
        list(ir_measures.read_trec_run(str(ranking))),
    )
    return {name: found[measure] for name, measure in ORACLE.items()}


def means(arm: Arm) -> dict[str, float]:
    return {name: arm.means[name] for name in ORACLE}


@pytest.fixture(scope="module")
def summary() -> Summary:
    return summarise(random_run(40, 20))


@pytest.fixture(scope="module")
def saved(summary: Summary, tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    return save_rankings(summary, tmp_path_factory.mktemp("trec") / "run.trec")


class TestWhatIsSaved:
    def test_ir_measures_finds_in_it_what_the_summary_says(
        self, summary: Summary, saved: Sequence[Path]
    ) -> None:
        ranking, base, qrels = saved
        assert [path.name for path in saved] == ["run.trec", "run.base.trec", "run.qrels"]
        assert expected(qrels, base) == pytest.approx(means(summary.arms[0]))
        assert expected(qrels, ranking) == pytest.approx(means(summary.arms[1]))

    def test_trec_eval_does(self, summary: Summary, saved: Sequence[Path]) -> None:
        """Its own code, which pytrec_eval has compiled in, reads both files and measures each question."""
        *rankings, qrels = saved
        with qrels.open(encoding="utf-8") as file:
            evaluator = pytrec_eval.RelevanceEvaluator(pytrec_eval.parse_qrel(file), TREC_EVAL.values())
        for path, arm in zip(rankings, (summary.arms[1], summary.arms[0]), strict=True):
            with path.open(encoding="utf-8") as file:
                found = evaluator.evaluate(pytrec_eval.parse_run(file))
            for name, theirs in TREC_EVAL.items():
                values = [found[question.id][theirs.replace(".", "_")] for question in summary.judged]
                assert values == pytest.approx(arm.values[name]), name

    def test_ranx_does(self, summary: Summary, saved: Sequence[Path]) -> None:
        """Not one of the packages of `make venv`: with numba and pandas it would bring 700 MB."""
        ranx = pytest.importorskip("ranx", reason="ranx is not installed: pip install ranx")
        *rankings, qrels = map(str, saved)
        judgements = ranx.Qrels.from_file(qrels, kind="trec")
        for path, arm in zip(rankings, (summary.arms[1], summary.arms[0]), strict=True):
            ranked = ranx.Run.from_file(path, kind="trec")
            found = ranx.evaluate(judgements, ranked, list(RANX.values()), make_comparable=True)
            assert {name: found[theirs] for name, theirs in RANX.items()} == pytest.approx(
                {name: arm.means[name] for name in RANX}
            )

    def test_relevant_passages_that_were_not_found_are_judgements_too(self, tmp_path: Path) -> None:
        run = small_run()
        gold = {
            "mercury": ("planet#0",),
            "notice": ("contract#0", "probation#0", "lost#0"),
            "bank": ("river#0",),
        }
        questions = tuple(replace(q, gold=gold.get(q.id, ())) for q in run.questions)
        *_, qrels = save_rankings(summarise(replace(run, questions=questions)), tmp_path / "r.trec")
        assert read_qrels(qrels)["notice"] == {"contract#0": 1, "probation#0": 1, "lost#0": 1}

    def test_what_holds_a_space_stays_one_column(self, tmp_path: Path) -> None:
        run = small_run()
        question = replace(run.questions[0], id="line 3", gold=("planet#0",))
        one = replace(run, questions=(question, *run.questions[3:]), scorings=(), answers=())
        ranking, _ = save_rankings(summarise(one), tmp_path / "r.trec")
        first = ranking.read_text(encoding="utf-8").splitlines()[0]
        assert first == "line%203 Q0 element#0 1 4 all-MiniLM-L6-v2"

    def test_half_gains_become_whole_grades(self, tmp_path: Path) -> None:
        run = small_run()
        halved = tuple(replace(c, gain=c.gain / 2) for c in run.questions[0].candidates)
        questions = (
            replace(run.questions[0], candidates=halved, ideal=(0.5,), gold=("planet#0",)),
            replace(run.questions[2], gold=("river#0",)),
        )
        made = replace(run, questions=questions, scorings=(), answers=())
        ranking, qrels = save_rankings(summarise(made), tmp_path / "r.trec")
        assert read_qrels(qrels) == {"mercury": {"planet#0": 1}, "bank": {"river#0": 2}}
        assert expected(qrels, ranking) == pytest.approx(means(summarise(made).arms[0]))


class TestRankingsOfOthers:
    def test_they_are_measured_as_ir_measures_does(self, summary: Summary, saved: Sequence[Path]) -> None:
        ranking, base, qrels = saved
        rankings = {path.name: read_ranking(path) for path in (base, ranking)}
        found = summarise(run_of_rankings(rankings, read_qrels(qrels), title="mine"))
        assert [(arm.name, arm.kind) for arm in found.arms] == [
            ("run.base.trec", "ranking"),
            ("run.trec", "ranking"),
        ]
        for arm, path in zip(found.arms, (base, ranking), strict=True):
            assert means(arm) == pytest.approx(expected(qrels, path))

    def test_the_tests_are_those_of_two_arms(self, summary: Summary, saved: Sequence[Path]) -> None:
        ranking, base, qrels = saved
        rankings = {path.name: read_ranking(path) for path in (base, ranking)}
        found = summarise(run_of_rankings(rankings, read_qrels(qrels), title="mine")).contrasts[0]
        for one, other in zip(found.measures, summary.contrasts[0].measures, strict=True):
            assert one.difference == other.difference
        assert found.gap_closed is None, "each has candidates of its own"

    def test_equal_scores_and_grades_are_taken_as_trec_eval_takes_them(self, tmp_path: Path) -> None:
        ranking, qrels = tmp_path / "r.trec", tmp_path / "q.qrels"
        ranking.write_text(
            "q1 Q0 a 1 5.0 x\nq1 Q0 c 2 5.0 x\nq1 Q0 b 3 9 x\nq2 Q0 a 1 1 x\n", encoding="utf-8"
        )
        qrels.write_text("q1 0 c 3\nq1 0 a 1\nq1 0 b 0\nq2 0 z -1\nq3 0 a 1\n", encoding="utf-8")
        assert read_ranking(ranking)["q1"] == ["b", "c", "a"]
        found = summarise(run_of_rankings({"r": read_ranking(ranking)}, read_qrels(qrels), title="t"))
        assert [question.id for question in found.judged] == ["q1", "q3"]
        assert means(found.arms[0])[MAIN] == pytest.approx(
            ir_measures.calc_aggregate(
                [nDCG @ 10],
                [row for row in ir_measures.read_trec_qrels(str(qrels)) if row.query_id != "q2"],
                list(ir_measures.read_trec_run(str(ranking))),
            )[nDCG @ 10]
        )

    def test_a_passage_that_one_lacks_comes_from_nowhere(self) -> None:
        rankings = {"one": {"q": ["a", "b"]}, "other": {"q": ["c", "a"]}}
        found = summarise(run_of_rankings(rankings, {"q": {"c": 1.0}}, title="t"))
        moves = [(move.passage.id, move.before, move.after) for move in found.helped[0].moved]
        assert moves == [("c", None, 1), ("a", 1, 2), ("b", 2, None)]

    def test_questions_of_a_file_say_more_of_them(self) -> None:
        questions = [Question("q", "How long?", grade="easy", others={"team": "sales"})]
        run = run_of_rankings({"r": {"q": ["a"]}}, {"q": {"a": 1.0}}, title="t", questions=questions)
        (asked,) = run.questions
        assert (asked.text, asked.grade, asked.fields) == ("How long?", "easy", {"team": "sales"})

    @pytest.mark.parametrize("header", ["", "query-id\tcorpus-id\tscore\n"])
    def test_judgements_of_beir(self, tmp_path: Path, header: str) -> None:
        path = tmp_path / "test.tsv"
        path.write_text(f"{header}q1\td1\t2\n", encoding="utf-8")
        assert read_qrels(path) == {"q1": {"d1": 2.0}}

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("q1 Q0 d1", "line 2: not a line of a TREC run"),
            ("q1 Q0 d1 1 high x", "line 2: not a line of a TREC run"),
            ("q1 Q0 d0 1 7 x", "line 2: d0 is ranked twice for q1"),
        ],
    )
    def test_what_is_no_run_is_refused(self, tmp_path: Path, line: str, message: str) -> None:
        path = tmp_path / "r.trec"
        path.write_text(f"q1 Q0 d0 1 9.0 x\n{line}\n", encoding="utf-8")
        with pytest.raises(UsageError, match=message):
            read_ranking(path)

    def test_what_is_no_judgement_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "q"
        path.write_text("q1 0 d1 1\nq1 0 d2 good\n", encoding="utf-8")
        with pytest.raises(UsageError, match="line 2: not a judgement"):
            read_qrels(path)

    def test_no_question_in_common(self) -> None:
        with pytest.raises(UsageError, match="no question in common"):
            run_of_rankings({"r": {"q": ["a"]}}, {"p": {"a": 1.0}}, title="t")


class TestTheCommand:
    def test_it_needs_neither_index_nor_model(self, saved: Sequence[Path], tmp_path: Path) -> None:
        ranking, base, qrels = map(str, saved)
        report = tmp_path / "r.json"
        outcome = ragcli("eval", "--runs", base, "--runs", ranking, "--qrels", qrels, "--report", str(report))
        assert outcome.status == 0, outcome.stderr
        assert outcome.stdout.startswith("run.trec instead of run.base.trec raises nDCG@10 from 0.")
        assert re.search(r"^ +run.base.trec +run.trec +Change", outcome.stdout, re.MULTILINE)
        again = ragcli("report", str(report), "-o", str(tmp_path / "r.html"), "-o", str(tmp_path / "r.md"))
        assert again.status == 0
        assert read_run(report).retrievals[1].name == "run.trec"

    def test_one_ranking_is_measured_alone(self, saved: Sequence[Path]) -> None:
        ranking, _, qrels = map(str, saved)
        outcome = ragcli("eval", "--runs", ranking, "--qrels", qrels, "--json")
        (arm,) = json.loads(outcome.stdout)["summary"]["arms"]
        assert arm["kind"] == "ranking"

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (("--runs", "r.trec"), "--runs and --qrels belong together"),
            (("--qrels", "q"), "--runs and --qrels belong together"),
            (("--runs", "r", "--qrels", "q", "--beir", "b"), "Give a question file, or --beir"),
            (("--runs", "r", "--qrels", "q", "--answers"), "--answers needs an index"),
            *(
                (("--runs", "r", "--qrels", "q", f"--{name}", value), f": --{name} would have no effect")
                for name, value in (
                    ("depths", "5,10"),
                    ("reranker", "ragcli"),
                    ("embedder", "all-MiniLM-L6-v2"),
                    ("retrieval", "hybrid"),
                    ("candidates", "20"),
                )
            ),
            (
                ("--runs", "r", "--qrels", "q", "--candidates", "20", "--depths", "5"),
                ": --depths, --candidates would",
            ),
            (("q.jsonl", "--save-run", "nowhere/r.trec"), "There is no folder nowhere"),
        ],
    )
    def test_what_does_not_go_together(self, flags: tuple[str, ...], message: str) -> None:
        outcome = ragcli("eval", *flags)
        assert outcome.status == 2
        assert message in outcome.stderr

    def test_a_report_of_rankings_comes_back(self, tmp_path: Path) -> None:
        rankings = {"one": {"q": ["a", "b"]}, "other": {"q": ["c", "a"]}}
        run = run_of_rankings(rankings, {"q": {"c": 1.0}}, title="t")
        write_report(summarise(run), tmp_path / "r.json")
        assert read_run(tmp_path / "r.json") == run
