"""`ragcli questions draft` with the real encoders and an LLM that writes what a test has laid down: what is
kept, what is not and why, and that it can be killed and go on. How good drafts are no such LLM can say.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from answer_server import AnswerServer, answer_server
from cli_helper import Outcome, library_in, run
from drafting_llm import scripted

from ragcli.drafting import drafts
from ragcli.drafting.draft_file import DraftFile, dropped_of, log_of, read_drafts
from ragcli.drafting.opening import OpenTools
from ragcli.drafting.records import Draft, Gold, Rejection
from ragcli.errors import ExitCode, UsageError
from ragcli.evaluation.questions import read_questions
from ragcli.types import Chunk

FACTS = {
    "kiln": "The large kiln of the workshop reaches 1240 degrees within nine hours of firing. It may be"
    " opened only below 90 degrees, because the glaze of the pots would crack in the cold air of the yard.",
    "glaze": "The white glaze of the workshop is mixed from six parts of feldspar and two parts of chalk."
    " It is kept in the blue barrel behind the door, and is stirred for five minutes before every use.",
    "wheel": "The wheel of the workshop turns at 240 rounds a minute when its pedal is pressed to the floor."
    " Its belt is replaced every second spring by the caretaker, who keeps three in his cupboard.",
    "clay": "The stoneware clay of the workshop comes from the pit at Fallow Hill in bags of twelve"
    " kilograms. It rests in the cellar for at least three weeks under wet cloth before anybody throws it.",
}
COLD = "the glaze of the pots would crack in the cold air of the yard."
COPY = (
    "Of firing: the large kiln of the workshop reaches 1240 degrees within nine hours of firing, as the"
    " caretaker found in spring, and is not used at all while the gallery upstairs has visitors in it."
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    facts = {**FACTS, "copy": COPY}
    notes = {name: f"# The {name}\n\n{fact}\n" for name, fact in facts.items()}
    with library_in(tmp_path_factory.mktemp("workshop"), notes) as folder:
        yield folder


@pytest.fixture
def server() -> Iterator[AnswerServer]:
    with answer_server() as running:
        running.refuses = scripted(running)
        yield running


def draft(server: AnswerServer, path: Path, *options: str) -> Outcome:
    return run("questions", "draft", str(path), "--base-url", server.base_url, "--model", "m", *options)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_small_llm_is_refused_with_the_command_that_brings_a_larger_one(
    library: Path, tmp_path: Path
) -> None:
    outcome = run("questions", "draft", str(tmp_path / "d.jsonl"))
    assert outcome.status == ExitCode.USAGE
    assert "too small to draft" in outcome.stderr
    assert "ragcli models prepare --profile local-large" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_drafts_is_a_question_file_whose_gold_is_found(
    library: Path, server: AnswerServer, tmp_path: Path
) -> None:
    path = tmp_path / "d.jsonl"
    shares = "easy=2,paraphrased=1,unanswerable=1"
    outcome = draft(server, path, "--number", "4", "--shares", shares, "--source", "notes/[!c]*")
    assert outcome.status == ExitCode.OK, outcome.stderr
    assert "holds 4 drafts" in outcome.stdout
    assert Counter(row["kind"] for row in rows(path)) == {"easy": 2, "paraphrased": 1, "unanswerable": 1}
    assert run("questions", "check", str(path)).status == ExitCode.OK
    for row in rows(path):
        assert (row["drafted_by"], row["reviewed"], len(row["chunk"])) == ("m", False, 32)
        assert 0 <= row["overlap"] <= 1
        assert row.get("answerable", True) == (row["kind"] != "unanswerable")
        assert row["drafted_from"].startswith(("notes/kiln", "notes/glaze", "notes/wheel"))
    assert [question.id for question in read_questions(path)] == ["d001", "d002", "d003", "d004"]


def test_the_seed_decides_which_passages_come_first(
    library: Path, server: AnswerServer, tmp_path: Path
) -> None:
    drawn = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2"), ("d", "3")):
        path = tmp_path / f"{name}.jsonl"
        assert draft(server, path, "-n", "2", "--shares", "easy=1", "--seed", seed).status == ExitCode.OK
        drawn.append(tuple(row["drafted_from"] for row in rows(path)))
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


def test_a_rival_that_answers_too_is_gold_by_its_own_words(
    library: Path, server: AnswerServer, tmp_path: Path
) -> None:
    def judge(task: str, asked: str) -> str:
        return "yes" if task == "judge" and asked.startswith("The copy") else ""

    server.refuses = scripted(server, judge)
    path = tmp_path / "d.jsonl"
    draft(server, path, "-n", "1", "--shares", "easy=1", "--source", "notes/kiln.md")
    (row,) = rows(path)
    assert row["relevant"] == ["notes/kiln.md", "notes/copy.md"]
    assert row["evidence"][1] in COPY
    assert run("questions", "check", str(path)).status == ExitCode.OK


def test_a_rival_without_a_sentence_that_states_the_answer_is_no_gold_whatever_the_llm_says(
    library: Path, server: AnswerServer, tmp_path: Path
) -> None:
    """The kiln's passage has both words of the answer, one in each sentence."""
    answer = "workshop glaze"
    assert all(word in FACTS["kiln"] for word in answer.split())
    fact = {"quotation": FACTS["glaze"].partition(".")[0], "answer": answer}
    asked = "Which white mixture needs feldspar and chalk?"
    replies = {"fact": json.dumps(fact), "ask": asked, "read": answer, "judge": "yes"}
    server.refuses = scripted(server, lambda task, _: replies.get(task, ""))
    path = tmp_path / "d.jsonl"
    draft(server, path, "-n", "1", "--shares", "easy=1", "--source", "notes/glaze.md")
    (row,) = rows(path)
    assert row["relevant"] == ["notes/glaze.md"]


@pytest.mark.parametrize(
    ("reason", "task", "reply"),
    [
        ("unreadable", "fact", "I would rather not."),
        ("unreadable", "fact", '{"quotation": "", "answer": ""}'),
        ("quotation not found", "fact", '{"quotation": "It is a very large kiln.", "answer": "large"}'),
        ("answer not in its quotation", "fact", json.dumps({"quotation": COLD, "answer": "1240 degrees"})),
        ("too short", "ask", "Which kiln?"),
        ("dangling reference", "ask", "What does this section say about the kiln?"),
        ("of the prompt's example", "ask", "How long does the kiln of the library need?"),
        ("vague", "ask", "What is the purpose of the workshop?"),
        ("gives its answer away", "ask", "Does the kiln need nine hours of firing?"),
        ("answerable without the documents", "known", "Nine hours of firing!"),
        ("not in other words", "reword", "What of the large kiln of the workshop?"),
        ("not answered by its passage", "read", "by the caretaker"),
        ("answered by the index", "judge", "Yes."),
    ],
)
def test_every_draft_that_is_not_kept_is_counted_with_its_reason(
    library: Path, server: AnswerServer, tmp_path: Path, reason: str, task: str, reply: str
) -> None:
    server.refuses = scripted(server, lambda asked_for, _: reply if asked_for == task else "")
    kind = {"reword": "paraphrased", "judge": "unanswerable"}.get(task, "easy")
    outcome = draft(
        server,
        tmp_path / "d.jsonl",
        "-n",
        "1",
        "--shares",
        f"{kind}=1",
        "--source",
        "notes/kiln.md",
        "--json",
    )
    assert outcome.status == ExitCode.FAILED
    report = json.loads(outcome.stdout)
    assert {name: count for name, count in report["rejected"].items() if count} == {reason: 1}
    assert (report["schema"], report["drafts"], report["given_up"]) == (1, 0, [kind])


@pytest.mark.parametrize(
    ("task", "asked", "again"),
    [
        ("specify", "What is the purpose of the workshop?", "How hot does the kiln of the workshop become?"),
        ("specify", "How hot does it become?", "How hot does the kiln of the workshop become?"),
        (
            "reword",
            "The large kiln of the workshop reaches 1240 degrees within how much?",
            "How soon is the kiln at its hottest?",
        ),
    ],
)
def test_a_question_that_is_unclear_or_a_copy_is_asked_for_once_more(
    library: Path, server: AnswerServer, tmp_path: Path, task: str, asked: str, again: str
) -> None:
    replies = {"ask": asked, task: again}
    server.refuses = scripted(server, lambda asked_for, _: replies.get(asked_for, ""))
    path = tmp_path / "d.jsonl"
    assert draft(server, path, "-n", "1", "--shares", "easy=1", "--source", "notes/kiln.md").status == 0
    assert [row["question"] for row in rows(path)] == [again]


def test_the_same_question_twice_is_a_duplicate(library: Path, server: AnswerServer, tmp_path: Path) -> None:
    def same(task: str, asked: str) -> str:
        return "How hot does a kiln become?" if task == "ask" else ""

    server.refuses = scripted(server, same)
    outcome = draft(server, tmp_path / "d.jsonl", "-n", "5", "--shares", "easy=1", "--json")
    report = json.loads(outcome.stdout)
    assert (report["drafts"], report["rejected"]["duplicate"]) == (1, 4)


def test_what_a_server_stopped_goes_on_where_it_was(
    library: Path, server: AnswerServer, tmp_path: Path
) -> None:
    path, answer = tmp_path / "d.jsonl", server.refuses

    def out_of_credit(body: dict[str, Any]) -> Any:
        return (401, {"error": {"message": "no"}}) if path.exists() else answer(body)

    server.refuses = out_of_credit
    stopped = draft(server, path, "-n", "4", "--shares", "easy=1")
    assert stopped.status == ExitCode.UNAVAILABLE
    assert "the same command goes on from there" in stopped.stderr
    with log_of(path).open("ab") as log, path.open("ab") as file:
        log.write(b'{"chunk": "half a li')
        file.write(b'{"id": "d002", "que')
    server.refuses = answer
    assert draft(server, path, "-n", "4", "--shares", "easy=1").status == ExitCode.OK
    assert [row["id"] for row in rows(path)] == ["d001", "d002", "d003", "d004"]
    tried = [(row["chunk"], row["kind"]) for row in rows(log_of(path))]
    assert len(tried) == len(set(tried))
    asked = len(server.requests)
    assert draft(server, path, "-n", "4", "--shares", "easy=1").status == ExitCode.OK
    assert len(server.requests) == asked


def test_a_run_that_goes_on_looks_for_rivals_of_the_same_passages(
    library: Path, server: AnswerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = []

    def nearest_rivals(_tools: OpenTools, passages: Sequence[Chunk]) -> dict[str, float]:
        looked_at.append([passage.id for passage in passages])
        return {passage.id: 0.9 for passage in passages}

    monkeypatch.setattr(OpenTools, "nearest_rivals", nearest_rivals)
    monkeypatch.setattr(drafts, "LEAST_LOOKED_AT", 1)
    monkeypatch.setattr(drafts, "LOOKED_AT", 1)
    path, shares = tmp_path / "d.jsonl", "easy=1,confusable=1"
    assert draft(server, path, "-n", "4", "--shares", shares).status == ExitCode.OK
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:2]), encoding="utf-8")
    draft(server, path, "-n", "4", "--shares", shares)
    assert len(looked_at[0]) == 4
    assert looked_at[1] == looked_at[0]


def test_what_a_reader_dropped_does_not_come_back(
    library: Path, server: AnswerServer, tmp_path: Path
) -> None:
    path = tmp_path / "d.jsonl"
    assert draft(server, path, "-n", "1", "--shares", "easy=1").status == ExitCode.OK
    (dropped,) = rows(path)
    path.rename(dropped_of(path))
    server.refuses = scripted(server, lambda task, _: dropped["question"] if task == "ask" else "")
    report = json.loads(draft(server, path, "-n", "1", "--shares", "easy=1", "--json").stdout)
    assert (report["drafts"], report["rejected"]["duplicate"]) == (0, len(FACTS))
    server.refuses = scripted(server)
    draft(server, path, "-n", "1", "--shares", "paraphrased=1")
    assert [row["id"] for row in rows(path)] == ["d002"]


def test_a_server_that_knows_no_schema_is_asked_without(
    library: Path, server: AnswerServer, tmp_path: Path
) -> None:
    answer = server.refuses

    def refuse(body: dict[str, Any]) -> Any:
        if "response_format" in body:
            return 400, {"error": {"message": "response_format is not supported", "param": "response_format"}}
        return answer(body)

    server.refuses = refuse
    assert draft(server, tmp_path / "d.jsonl", "-n", "2", "--shares", "easy=1").status == ExitCode.OK
    formats = [body["response_format"]["type"] for body in server.requests if "response_format" in body]
    assert formats == ["json_schema"]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("d.csv", (), "does not end in .jsonl"),
        ("own.jsonl", (), "not drafted"),
        ("d.jsonl", ("--shares", "hard=1"), "'hard=1' is not KIND=N"),
        ("d.jsonl", ("--shares", "easy=many"), "'easy=many' is not KIND=N"),
        ("d.jsonl", ("--shares", "easy=0"), "leaves no kind"),
    ],
)
def test_what_cannot_be_done_is_said_before_an_llm_is_asked(
    library: Path, server: AnswerServer, tmp_path: Path, name: str, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "own.jsonl").write_text('{"question": "Whose?"}\n', encoding="utf-8")
    outcome = draft(server, tmp_path / name, *options)
    assert (outcome.status, server.requests) == (ExitCode.USAGE, [])
    assert said in outcome.stderr


def test_where_no_document_matches_there_is_nothing_to_draft_from(
    library: Path, server: AnswerServer, tmp_path: Path
) -> None:
    outcome = draft(server, tmp_path / "d.jsonl", "--source", "*.pdf")
    assert outcome.status == ExitCode.NOTHING_FOUND


def test_a_draft_that_the_log_does_not_know_of_counts_as_tried(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    chunk = Chunk("c", "a.md", 0, "A", (), "It is so.", 0, 9, 1, 1, None, None, 3)
    file = DraftFile(path, "m")
    file.write(chunk, "easy", Draft("easy", "Is it so?", "so", (Gold("a.md", "It is so."),)), 1.0)
    file.write(chunk, "paraphrased", Rejection("too short"), 1.0)
    log_of(path).unlink()
    assert read_drafts(path).tried == (("c", "easy"),)


def test_a_damaged_file_of_drafts_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    for content in ("[1]\n", "{\n{}\n"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(UsageError):
            read_drafts(path)
        assert path.read_text(encoding="utf-8") == content
