"""`ragcli batch`: results in order, resumed, retried, and safe to kill. The encoders and HTTP are real."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_helper import Outcome, run
from fault_server import FaultServer, fault_server
from interruptible import interruptible

from ragcli.batch.reading import read_batch
from ragcli.config.loading import load_config
from ragcli.errors import ServerError
from ragcli.evaluation.records import JudgedQuestion, Run
from ragcli.evaluation.run_files import read_run
from ragcli.evaluation.summary import summarise
from ragcli.pipeline import open_pipeline
from ragcli.servers.retrying import Backoff

CORPUS = Path(__file__).parents[2] / "corpora" / "homonyms"
QUESTIONS = [
    {
        "id": "ornament",
        "question": "Who designed the bonnet ornament of the Jaguar cars?",
        "answers": ["Frederick Gordon Crosby"],
        "relevant": ["jaguar-cars.md"],
    },
    {"id": "prey", "question": "What does the jaguar hunt?", "relevant": ["jaguar-animal.md"]},
    {"id": "chip", "question": "Which processors does the console have?", "relevant": ["jaguar-console.md"]},
    {"id": "moon", "question": "Who walked on the Moon first?", "answerable": False},
]
CONFIG = """
[store]
path = {path!r}
[retrieval]
candidates = 4
[prompting]
style = "passages"
citations = "model"
min_probability = 0.0
min_similarity = 0.0
[llm]
base_url = {url!r}
model = {model!r}
timeout_seconds = 1.0
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batch")
    (folder / "articles").mkdir()
    for name in ("jaguar-animal.md", "jaguar-cars.md", "jaguar-console.md"):
        shutil.copy(CORPUS / name, folder / "articles")
    with open_pipeline(load_config(overrides={"store.path": str(folder / "index")})) as rag:
        rag.ingest([folder / "articles"])
    return folder / "index"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_server() as opened:
        yield opened


class Place:
    """A folder with questions and settings, and the command run in it."""

    def __init__(self, folder: Path, index: Path, server: FaultServer) -> None:
        self.folder, self.index, self.server = folder, index, server
        self.questions = folder / "questions.jsonl"
        self.results = folder / "results.jsonl"
        self.ask(QUESTIONS)

    def ask(self, questions: Sequence[dict[str, Any]]) -> None:
        self.questions.write_text("".join(json.dumps(q) + "\n" for q in questions), encoding="utf-8")

    def config(self, model: str) -> Path:
        path = self.folder / f"{model}.toml"
        settings = {"path": str(self.index), "url": self.server.base_url, "model": model}
        path.write_text(CONFIG.format(**settings), encoding="utf-8")
        return path

    def batch(self, *flags: str, model: str = "answers", environ: Mapping[str, str] | None = None) -> Outcome:
        out = () if "-o" in flags else ("-o", str(self.results))
        command = ("batch", str(self.questions), *out, "--config", str(self.config(model)), *flags)
        return run(*command, environ=environ)

    def command(self, model: str, *flags: str) -> list[str]:
        """For a separate process, which can be killed."""
        files = [str(self.questions), "-o", str(self.results), "--config", str(self.config(model))]
        return [sys.executable, "-m", "ragcli.cli.main", "batch", *files, *flags]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.results.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def place(tmp_path: Path, index: Path, server: FaultServer) -> Place:
    return Place(tmp_path, index, server)


def ids(records: Sequence[dict[str, Any]]) -> list[str]:
    return [record["id"] for record in records]


class TestALine:
    def test_it_holds_the_answer_and_all_that_it_came_from(self, place: Place) -> None:
        outcome = place.batch()
        assert (outcome.status, outcome.stdout) == (0, "")
        assert outcome.stderr == "4 answered\n"
        first = place.records[0]
        assert (first["schema"], first["kind"], first["id"]) == (1, "batch-answer", "ornament")
        assert first["answer"].startswith("The orbit takes 88 days")
        assert [c["rank"] for c in first["candidates"]] == [1, 2, 3, 4]
        assert all(isinstance(c["logit"], float) for c in first["candidates"])
        assert {c["gain"] for c in first["candidates"] if "cars" in c["source"]} == {1}
        assert first["gold"]["answers"] == ["Frederick Gordon Crosby"]
        assert first["gold"]["relevant_passages"] > 1
        assert first["usage"] == {"prompt_tokens": 40, "completion_tokens": 6}
        assert {"embed", "retrieve", "rerank", "answer"} <= set(first["timings"])
        assert first["models"]["llm"] == "answers"

    def test_a_comparison_holds_both_arms_and_can_be_reported_on(self, place: Place) -> None:
        assert place.batch("--compare").status == 0
        first = place.records[0]
        assert first["kind"] == "batch-comparison"
        assert first["base"]["answer"] == first["reranked"]["answer"]
        assert sorted(c["base_rank"] for c in first["candidates"]) == [1, 2, 3, 4]
        summary = summarise(read_batch(place.results))
        assert [question.id for question in summary.judged] == ["ornament", "prey", "chip"]
        assert summary.answers
        reported = run("report", str(place.results))
        assert reported.status == 0
        assert reported.stdout.startswith("Too few questions to tell: 3.")

    def test_without_a_file_they_go_to_stdout_and_nothing_else_does(self, place: Place) -> None:
        outcome = place.batch("-o", "-", "--no-rerank")
        lines = [json.loads(line) for line in outcome.stdout.splitlines()]
        assert ids(lines) == ["ornament", "prey", "chip", "moon"]
        assert {line["models"]["reranker"] for line in lines} == {""}

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("What hunts?\n\nWhat drives?\n", ["1", "3"]),
            ('{"question": "What hunts?", "id": "a"}\n{"question": "What drives?"}', ["a", "2"]),
        ],
    )
    def test_questions_may_come_from_standard_input(
        self, place: Place, text: str, expected: list[str]
    ) -> None:
        outcome = run("batch", "-", "--config", str(place.config("answers")), stdin=text)
        assert outcome.status == 0
        assert [json.loads(line)["id"] for line in outcome.stdout.splitlines()] == expected

    def test_many_jobs_keep_the_order(self, place: Place) -> None:
        place.ask([{"id": str(n), "question": f"What does the jaguar hunt in month {n}?"} for n in range(12)])
        assert place.batch("--jobs", "6", model="slow-9").status == 0
        assert ids(place.records) == [str(n) for n in range(12)]


class TestAReport:
    """Of `ragcli batch --compare`, next to that of `ragcli eval --answers` of the same questions."""

    SETTINGS: Mapping[str, str] = {
        "RAGCLI_LLM_PRICE_IN": "2.5",
        "RAGCLI_LLM_PRICE_OUT": "10",
        "RAGCLI_RETRIEVAL_TOP_K": "2",
    }

    @pytest.fixture
    def place(self, place: Place) -> Place:
        with open_pipeline(load_config(overrides={"store.path": str(place.index)})) as rag:
            first, second, third, *_ = (c.id for c in rag.chunks() if "console" in c.source)
        judged = {first: 1.0, second: 0.5, third: 0.0}
        gone = {"id": "gone", "question": "What does the jaguar eat?", "judged": {"no-such-chunk": 1.0}}
        place.ask(
            [
                {**QUESTIONS[0], "team": "sales", "pages": 3},
                {**QUESTIONS[2], "judged": judged, "judged_by": "a person", "team": "games"},
                {"id": "lost", "question": "How fast is it?", "relevant": ["jaguar-plane.md"]},
                {**gone, "judged_by": "a person"},
                QUESTIONS[3],
            ]
        )
        return place

    @pytest.fixture
    def runs(self, place: Place) -> tuple[Run, Run]:
        assert place.batch("--compare", environ=self.SETTINGS).status == 0
        evaluated = place.folder / "run.json"
        config = str(place.config("answers"))
        flags = ("--answers", "--report", str(evaluated), "--config", config)
        assert run("eval", str(place.questions), *flags, environ=self.SETTINGS).status == 0
        return read_batch(place.results), read_run(evaluated)

    def test_it_says_the_same(self, runs: tuple[Run, Run]) -> None:
        batch, evaluated = (summarise(found, by=("team", "document", "overlap")) for found in runs)
        assert batch.contrasts == evaluated.contrasts
        assert batch.strata == evaluated.strata
        assert batch.stages == evaluated.stages
        assert batch.judged_share == evaluated.judged_share
        assert batch.cost == evaluated.cost is not None

    def test_the_questions_and_their_gold_are_the_same(self, runs: tuple[Run, Run]) -> None:
        batch, evaluated = runs
        assert batch.missing == evaluated.missing
        assert [gap.question_id for gap in batch.missing] == ["lost", "gone"]
        assert [*map(but_similarities, batch.questions)] == [*map(but_similarities, evaluated.questions)]

    def test_it_holds_the_settings_that_repeat_it(self, runs: tuple[Run, Run]) -> None:
        batch, evaluated = runs
        assert batch.settings["config"] == evaluated.settings["config"]

    def test_results_from_before_all_that_was_kept_are_read(self, place: Place) -> None:
        place.ask(QUESTIONS)
        place.batch("--compare")
        measured = summarise(read_batch(place.results)).contrasts
        old = place.records
        for record in old:
            del record["settings"]
            kept = ("answers", "answerable", "grade", "relevant_passages")
            record["gold"] = {key: record["gold"][key] for key in kept}
            for candidate in record["candidates"]:
                del candidate["judged"]
        place.results.write_text("\n".join(map(json.dumps, old)), encoding="utf-8")
        assert summarise(read_batch(place.results)).contrasts == measured


def but_similarities(question: JudgedQuestion) -> JudgedQuestion:
    """The bi-encoder rounds a text among others differently than alone."""
    return replace(question, candidates=tuple(replace(one, similarity=0.0) for one in question.candidates))


class TestASecondRun:
    def test_it_goes_on_where_the_first_one_stopped(self, place: Place) -> None:
        place.batch()
        whole = place.results.read_bytes()
        first, second, *_ = whole.splitlines(keepends=True)
        place.results.write_bytes(first + second[:200])
        asked = len(place.server.requests)
        outcome = place.batch()
        assert outcome.stderr == "3 answered, 1 were there already\n"
        assert len(place.server.requests) == asked + 3
        assert timeless(place.results.read_bytes()) == timeless(whole)

    def test_nothing_is_asked_when_all_is_there(self, place: Place) -> None:
        place.batch()
        asked, whole = len(place.server.requests), place.results.read_bytes()
        assert place.batch().stderr == "0 answered, 4 were there already\n"
        assert len(place.server.requests) == asked
        assert place.results.read_bytes() == whole

    def test_questions_that_were_added_are_answered_below(self, place: Place) -> None:
        place.ask(QUESTIONS[:2])
        place.batch()
        place.ask(QUESTIONS)
        assert place.batch().stderr == "2 answered, 2 were there already\n"
        assert ids(place.records) == ["ornament", "prey", "chip", "moon"]

    @pytest.mark.parametrize("flags", [("--compare",), ("--top-k", "2"), ("--source", "*cars*")])
    def test_other_settings_are_refused(self, place: Place, flags: tuple[str, ...]) -> None:
        place.batch()
        whole = place.results.read_bytes()
        outcome = place.batch(*flags)
        assert outcome.status == 2
        assert "has results from other settings, models or documents (line 1)" in outcome.stderr
        assert "--overwrite" in outcome.stderr
        assert place.results.read_bytes() == whole
        assert place.batch(*flags, "--overwrite").status == 0

    def test_another_question_under_the_same_id_is_refused(self, place: Place) -> None:
        place.batch()
        place.ask([{**QUESTIONS[0], "question": "Who designed the boot?"}])
        assert "has results for other questions (line 1)" in place.batch().stderr

    def test_a_file_of_something_else_is_not_touched(self, place: Place) -> None:
        place.results.write_text("my diary\n", encoding="utf-8")
        outcome = place.batch()
        assert outcome.status == 2
        assert "line 1: not a result of ragcli batch" in outcome.stderr
        assert place.results.read_text(encoding="utf-8") == "my diary\n"

    def test_failed_questions_are_tried_again_and_the_order_stays(self, place: Place) -> None:
        place.batch()
        good = place.results.read_bytes().splitlines(keepends=True)
        second = json.loads(good[1])
        failed = {key: second[key] for key in ("schema", "id", "question", "fingerprint")}
        failed |= {"kind": "batch-error", "error": {"message": "It broke off."}}
        place.results.write_bytes(b"".join((good[0], json.dumps(failed).encode() + b"\n", *good[2:])))
        asked = len(place.server.requests)
        assert place.batch().stderr == "1 answered, 3 were there already\n"
        assert len(place.server.requests) == asked + 1
        assert timeless(place.results.read_bytes()) == timeless(b"".join(good))
        assert [path.name for path in place.folder.glob("results*")] == ["results.jsonl"]


class TestFailures:
    def test_a_question_that_fails_for_good_is_a_record_and_the_run_goes_on(self, place: Place) -> None:
        """The local clock is real: a malformed answer is not retried, so there is no wait."""
        outcome = place.batch(model="malformed")
        assert outcome.status == 1
        assert "4 failed: the same command tries these again" in outcome.stderr
        assert {record["kind"] for record in place.records} == {"batch-error"}
        error = place.records[0]["error"]
        assert "is not an answer" in error["message"]
        assert error["partial"] == "The orbit "
        assert error["exit_code"] == 4

    @pytest.mark.parametrize(("model", "words"), [("http-401", "refused the key"), ("http-404", "not know")])
    def test_what_would_fail_for_every_question_ends_the_run_at_once(
        self, place: Place, model: str, words: str
    ) -> None:
        outcome = place.batch(model=model)
        assert outcome.status == 4
        assert words in outcome.stderr
        assert len(place.server.requests) <= 2
        assert place.records == []

    def test_what_is_missing_for_all_of_them_is_said_once(self, place: Place) -> None:
        outcome = place.batch(environ={"RAGCLI_LLM_API_KEY_ENV": "NO_SUCH_KEY"})
        assert outcome.status == 4
        assert outcome.stderr.count("NO_SUCH_KEY is not set") == 1
        assert place.server.requests == []

    def test_retry_after_is_obeyed(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        seconds, waited = Backoff.seconds, []

        def noted(backoff: Backoff, attempt: int, error: ServerError) -> float:
            waited.append(seconds(backoff, attempt, error))
            return waited[-1]

        monkeypatch.setattr(Backoff, "seconds", noted)
        place.ask(QUESTIONS[:1])
        assert place.batch(model="http-429-then-fine").status == 0
        assert waited == [0.5]
        assert len(place.server.requests) == 2

    def test_an_empty_question_file_is_one_line(self, place: Place) -> None:
        place.questions.write_text("", encoding="utf-8")
        outcome = place.batch()
        assert outcome.status == 2
        assert "holds no question" in outcome.stderr
        assert not place.results.exists()


@pytest.mark.parametrize(("questions", "kills"), [(20, 2), pytest.param(200, 10, marks=pytest.mark.long)])
def test_killed_at_random_moments_it_ends_as_an_uninterrupted_run_does(
    place: Place, questions: int, kills: int
) -> None:
    """Questions with refusals, stalls and cut streams; the last start is not killed.

    Every other kill waits for a new line first: the others may hit a program that is still starting.
    """
    place.ask(
        [{"id": f"q{n}", "question": f"What does the jaguar hunt in month {n}?"} for n in range(questions)]
    )
    whole = place.folder / "whole.jsonl"
    flags = ("--jobs", "4", "--quiet")
    assert place.batch("-o", str(whole), *flags, model="flaky").status == 0
    place.server.requests.clear()
    draw = random.Random(5)
    for kill in range(kills):
        before = place.results.stat().st_size if place.results.exists() else 0
        process = subprocess.Popen(place.command("flaky", *flags))
        while kill % 2 == 0 and process.poll() is None and not _grew(place.results, before):
            time.sleep(0.05)
        time.sleep(draw.uniform(0, 0.5 if kill % 2 == 0 else 6))
        process.kill()
        process.wait()
    assert place.batch(*flags, model="flaky").status == 0
    assert timeless(place.results.read_bytes()) == timeless(whole.read_bytes())


def _grew(path: Path, before: int) -> bool:
    return path.exists() and path.stat().st_size > before


def test_an_interrupted_run_leaves_whole_lines_and_says_how_to_go_on(place: Place) -> None:
    place.ask([{"id": f"q{n}", "question": f"What does the jaguar hunt in month {n}?"} for n in range(40)])
    output, config = str(place.results), str(place.config("slow-5"))
    command = interruptible("-m", "ragcli", "batch", str(place.questions), "-o", output, "--config", config)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not _grew(place.results, 0):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, diagnostics = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on from there" in diagnostics
    assert diagnostics.endswith("interrupted\n")
    assert place.results.read_bytes().endswith(b"\n")
    assert 0 < len(place.records) < 40


def timeless(content: bytes) -> bytes:
    """The file, byte for byte, without its times, which differ in each run."""
    return re.sub(rb'"timings": \{[^{}]*\}', b'"timings": {}', content)
