"""`ragcli judge`: 20 questions by keystrokes, killed and gone on with, merged; an LLM; answers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import pytest
from answer_server import AnswerServer, answer_server, end, text
from cli_helper import run

from ragcli.config.loading import load_config
from ragcli.errors import ExitCode
from ragcli.evaluation.questions import Question, read_questions
from ragcli.evaluation.relevance import relevant_chunks
from ragcli.judging.pool_file import read_session, write_session
from ragcli.judging.preparing import Documents
from ragcli.llm import asking
from ragcli.servers.retrying import Backoff
from ragcli.training.own_questions import own_pairs

CORPUS = Path(__file__).parents[2] / "corpora" / "homonyms"
ARTICLES = (
    "jaguar-animal.md",
    "jaguar-cars.md",
    "jaguar-console.md",
    "crane-author.md",
    "crane-bird.md",
    "crane-machine.md",
    "bat-animal.md",
)
ASKED = 20
KEYS = "r relevant  p partly  n not relevant  s skip  u undo  o in context  q quit"
ENTER = "\n"


def gold() -> dict[str, Question]:
    rows = map(json.loads, (CORPUS / "questions.jsonl").read_text(encoding="utf-8").splitlines())
    mine = [row for row in rows if set(row["relevant"]) & set(ARTICLES)][:ASKED]
    assert len(mine) == ASKED
    return {
        row["question"]: Question("", "", (), tuple(row["relevant"]), tuple(row["evidence"])) for row in mine
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working folder: an index, a file of questions, and `new.jsonl`, a session that nobody has begun."""
    folder = tmp_path_factory.mktemp("judge")
    (folder / "articles").mkdir()
    for name in ARTICLES:
        shutil.copy(CORPUS / name, folder / "articles")
    (folder / "asked.txt").write_text("\n".join(gold()), encoding="utf-8")
    (folder / "config.toml").write_text("[retrieval]\ncandidates = 8\n", encoding="utf-8")
    with chdir(folder):
        assert run("ingest", "articles").status == 0
        assert run("judge", "asked.txt", "-o", "new.jsonl").status == 0
        yield folder


@pytest.fixture
def session(place: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(place / "new.jsonl", tmp_path / "ada.jsonl"))


@pytest.fixture(scope="module")
def keys(place: Path) -> str:
    """Those of a judge who knows the gold, a passage each."""
    documents, known = Documents(load_config(environ={})), gold()
    _, pools = read_session(place / "new.jsonl")
    found = ""
    for pool in pools:
        chunks = [documents.chunk(passage) for passage in pool.passages]
        relevant = relevant_chunks(known[pool.question.text], chunks)
        found += "".join("r" if chunk.id in relevant else "n" for chunk in chunks)
    return found


def pressed(path: Path) -> str:
    """The keys that what was decided came of."""
    names = {1.0: "r", 0.5: "p", 0.0: "n", None: "s"}
    return "".join(names[gain] for pool in read_session(path)[1] for gain in pool.decisions.values())


def decided(path: Path) -> int:
    return sum(len(pool.decisions) for pool in read_session(path)[1])


# --- a session


def test_it_says_beforehand_what_a_verdict_takes(session: Path) -> None:
    outcome = run("judge", "asked.txt", "-o", str(session))
    assert f"{ASKED} questions, " in outcome.stderr
    assert "takes about" in outcome.stderr
    assert "minutes. The verdict comes then" in outcome.stderr
    assert outcome.stdout == f"No verdict yet: 0 of {ASKED} questions with a relevant passage judged.\n"


def test_no_figure_is_shown_before_the_verdict(session: Path, keys: str) -> None:
    outcome = run("judge", str(session), stdin=ENTER + keys[:20])
    assert decided(session) == 20
    for line in (outcome.stdout + outcome.stderr).splitlines():
        assert "interval" not in line or "always valid" in line or "settles" in line
    assert outcome.stdout.startswith("No verdict yet")
    seen = json.loads(run("judge", str(session), "--json", "-q").stdout)
    assert [seen[key] for key in ("means", "difference", "interval", "more")] == [None] * 4


def test_a_whole_session_ends_with_a_verdict_and_a_file_that_eval_reads(session: Path, keys: str) -> None:
    outcome = run("judge", str(session), stdin=ENTER + keys + ENTER)
    assert outcome.status == 0
    assert "All that the verdict needs is judged." in outcome.stderr
    assert "judged by a person; always-valid 95 % interval" in outcome.stdout
    shown = json.loads(run("judge", str(session), "--json").stdout)
    assert shown["state"] in ("better", "not settled")
    evaluated = run("eval", str(session), "--json")
    assert evaluated.status == 0
    report = json.loads(evaluated.stdout)
    assert report["summary"]["judged"] == shown["questions"]
    judged = read_questions(session)
    assert {question.judged_by for question in judged} == {"a person"}
    documents = Documents(load_config(environ={}))
    chunks = [chunk for name in ARTICLES for chunk in documents.chunks(f"articles/{name}")]
    assert len({pair.group for pair in own_pairs(judged, chunks)}) == shown["questions"]


def test_drafts_that_were_judged_are_still_drafts_and_in_their_groups(place: Path, tmp_path: Path) -> None:
    drafted, path = tmp_path / "drafted.jsonl", tmp_path / "judged.jsonl"
    own = [
        {"kind": kind, "drafted_by": "Qwen", "reviewed": kind == "easy", "team": "sales", "tags": [kind]}
        for kind in ("easy", "confusable")
    ]
    rows = [{"question": one, **kept} for one, kept in zip(gold(), own, strict=False)]
    drafted.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert run("judge", str(drafted), "-o", str(path), "-q", stdin=ENTER + "r" * 40).status == 0
    judged = {row["question"]: row for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    for row in rows:
        assert row.items() <= judged[row["question"]].items()
    outcome = run("eval", str(path), "--by", "kind", "--by", "team", "--json")
    assert outcome.status == 0, outcome.stderr
    summary = json.loads(outcome.stdout)["summary"]
    assert summary["notes"][0] == "2 questions were drafted by Qwen, 1 of them reviewed by a person."
    groups = [{one["name"] for one in found["strata"]} for found in summary["strata"]]
    assert groups == [{"easy", "confusable"}, {"sales"}]


# --- what an evaluation makes of a session that is not at its end


def cut_short(path: Path) -> Path:
    """Judged whole with a relevant passage, whole without one, half with one, and not at all."""
    plan, pools = read_session(path)
    whole = [dict.fromkeys((passage.id for passage in pool.passages), 0.0) for pool in pools]
    first = pools[0].passages[0].id, pools[2].passages[0].id
    decisions = [{**whole[0], first[0]: 1.0}, whole[1], {first[1]: 1.0}, {}]
    write_session(path, plan, [replace(p, decisions=d) for p, d in zip(pools, decisions, strict=False)])
    return path


def test_eval_measures_what_was_judged_whole_and_says_what_became_of_the_rest(session: Path) -> None:
    page = session.with_suffix(".html")
    outcome = run("eval", str(cut_short(session)), "--report", str(page))
    assert outcome.status == 0, outcome.stderr
    shown = " ".join(outcome.stdout.split())
    counts = ("1 with judged passages", "1 had no relevant passage among those judged", "2 not judged yet")
    assert "; ".join(counts) in shown
    assert ", ".join(counts) in page.read_text(encoding="utf-8")
    for untrue in ("name none in the index", "neither 'relevant'", "not found"):
        assert untrue not in outcome.stdout
    summary = json.loads(run("eval", str(session), "--json").stdout)["summary"]
    counted = [summary[key] for key in ("judged", "unjudged", "none_relevant", "not_judged_yet", "missing")]
    assert counted == [1, 0, 1, 2, []]


def test_questions_check_says_which_are_still_to_be_judged(session: Path) -> None:
    half, none = read_session(cut_short(session))[1][2:]
    outcome = run("questions", "check", str(session))
    assert outcome.stdout.splitlines() == [
        f"{half.question.id}: it has not been judged yet (passages left: {len(half.passages) - 1})",
        f"{none.question.id}: it has not been judged yet (passages left: {len(none.passages)})",
        f"{session.name}: 4 questions, 1 with gold in the index; left out of the ranking measures: 3",
    ]


def test_a_session_that_nobody_has_begun_says_so(session: Path) -> None:
    outcome = run("eval", str(session), "-q")
    assert outcome.status == ExitCode.USAGE
    assert f"not judged yet: {ASKED}." in outcome.stderr
    assert "ragcli judge FILE goes on" in outcome.stderr
    plan, pools = read_session(session)
    whole = dict.fromkeys((passage.id for passage in pools[0].passages), 0.0)
    write_session(session, plan, [replace(pools[0], decisions=whole)])
    assert "had a relevant passage among those judged" in run("eval", str(session), "-q").stderr


def test_unanswerable_questions_are_left_out_and_counted(place: Path, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    rows = [{"question": one} for one in list(gold())[:2]] + [{"question": "Who?", "answerable": False}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    outcome = run("judge", str(path), "-o", str(tmp_path / "s.jsonl"))
    assert "1 unanswerable question left out" in outcome.stderr
    assert len(read_session(tmp_path / "s.jsonl")[1]) == 2


def test_a_slip_is_taken_back_also_after_the_last_passage(session: Path, keys: str) -> None:
    run("judge", str(session), "-q", stdin=ENTER + "pu" + keys[0] + "o" + keys[1:] + "up" + ENTER)
    said = pressed(session)
    assert keys.startswith(said[:-1])
    assert said[-1] == "p"


def test_a_passage_is_shown_in_its_document(session: Path) -> None:
    outcome = run("judge", str(session), stdin=ENTER + "o", columns=80)
    assert "articles/" in outcome.stderr.split(KEYS)[1]
    assert "articles/" not in outcome.stderr.split(KEYS)[0]
    assert decided(session) == 0


def test_the_same_questions_index_and_seed_give_the_same_session(place: Path, tmp_path: Path) -> None:
    few, made = tmp_path / "few.txt", {}
    few.write_text("\n".join(list(gold())[:4]), encoding="utf-8")
    for name, seed in (("one", "7"), ("again", "7"), ("other", "8")):
        run("judge", str(few), "-o", f"{tmp_path}/{name}.jsonl", "--seed", seed)
        made[name] = read_session(tmp_path / f"{name}.jsonl")
    assert made["one"] == made["again"]
    assert [pool.passages for pool in made["one"][1]] != [pool.passages for pool in made["other"][1]]


@pytest.mark.parametrize(
    "flag", [("--seed", "8"), ("--effect", "0.2"), ("--retrieval", "hybrid")], ids=lambda flag: flag[0]
)
def test_a_session_is_not_gone_on_with_under_other_flags(session: Path, flag: tuple[str, str]) -> None:
    before = session.read_bytes()
    outcome = run("judge", str(session), *flag)
    assert outcome.status == ExitCode.USAGE
    assert f"was begun with another {flag[0]}" in outcome.stderr
    assert "to go on" in outcome.stderr
    assert session.read_bytes() == before


def test_the_flags_that_a_session_was_begun_with_may_be_written_or_left_out(session: Path) -> None:
    plan, pools = read_session(session)
    assert run("judge", str(session), "--seed", "7", "--retrieval", "dense").status == 0
    write_session(session, replace(plan, seed=8, effect=0.2), pools)
    assert run("judge", str(session)).status == 0


def test_hybrid_passages_are_pooled_too(place: Path, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text(next(iter(gold())), encoding="utf-8")
    path = tmp_path / "s.jsonl"
    run("judge", str(tmp_path / "one.txt"), "-o", str(path), "--retrieval", "dense", "--retrieval", "hybrid")
    _, (pool,) = read_session(path)
    assert list(pool.arms)[:2] == ["bi-encoder", "reranked"]
    assert {"hybrid", "hybrid, reranked"} < set(pool.arms)
    assert {one for arm in pool.arms.values() for one in arm} == {one.id for one in pool.passages}


# --- at a terminal, killed


class Tmux:
    """A real terminal of this width in a server of its own."""

    def __init__(self, width: int, *command: str) -> None:
        self._socket = f"ragcli-{os.getpid()}-{width}"
        self.run("new-session", "-d", "-x", str(width), "-y", "40", *command)

    def run(self, *arguments: str) -> str:
        made = subprocess.run(
            ["tmux", "-L", self._socket, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return made.stdout

    def wait_for(self, *texts: str, seconds: float = 90) -> str:
        """The screen, once it holds all of the texts."""
        deadline = time.monotonic() + seconds
        while not all(wanted in (screen := self.run("capture-pane", "-p")) for wanted in texts):
            assert time.monotonic() < deadline, screen
            time.sleep(0.2)
        return screen

    def type(self, keys: str) -> None:
        self.run("send-keys", "-l", keys)

    @property
    def process(self) -> int:
        return int(self.run("list-panes", "-F", "#{pane_pid}"))

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True, check=False)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_twenty_questions_at_80_columns_killed_and_gone_on_with_at_120(session: Path, keys: str) -> None:
    command = (sys.executable, "-m", "ragcli", "judge", str(session))
    half = len(keys) // 2
    terminal = Tmux(80, *command)
    try:
        terminal.wait_for(f"{ASKED} questions, ", "enter begins")
        terminal.type("\r")
        screen = terminal.wait_for(f"Question 1 of {ASKED} · passage 1 of", KEYS)
        assert max(map(len, screen.splitlines())) <= 80
        assert screen.splitlines()[0].startswith("Question 1")
        terminal.type(keys[:half])
        deadline = time.monotonic() + 120
        while decided(session) < half:
            assert time.monotonic() < deadline, terminal.run("capture-pane", "-p")
            time.sleep(0.2)
        os.kill(terminal.process, signal.SIGKILL)
    finally:
        terminal.close()
    assert decided(session) == half
    terminal = Tmux(120, *command)
    try:
        terminal.wait_for(f"{half} passages judged already.")
        terminal.type("\r" + keys[half:])
        screen = terminal.wait_for("All that the verdict needs is judged.", seconds=180)
        assert max(map(len, screen.splitlines())) <= 120
    finally:
        terminal.close()
    assert keys.startswith(pressed(session))
    assert run("judge", str(session)).stdout.count("always-valid 95 % interval") == 1


# --- several judges


def test_two_judges_are_merged_and_their_kappa_is_printed(session: Path, keys: str, tmp_path: Path) -> None:
    ben, both = tmp_path / "ben.jsonl", tmp_path / "both.jsonl"
    shutil.copy(session, ben)
    run("judge", str(session), "--all", stdin=ENTER + keys)
    # Ben finds every tenth passage relevant in part, whatever it is.
    other = "".join("p" if n % 10 == 0 else key for n, key in enumerate(keys))
    run("judge", str(ben), "--all", stdin=ENTER + other)
    outcome = run("judge", "--merge", str(session), str(ben), "-o", str(both))
    assert outcome.status == 0
    assert "ben.jsonl: Cohen's kappa 0." in outcome.stdout
    assert f"{len(keys) - -(-len(keys) // 10)} of {len(keys)} passages alike" in outcome.stdout
    assert "judged by 2 people" in outcome.stdout
    _, pools = read_session(both)
    assert {gain for pool in pools for gain in pool.decisions.values()} == {0.0, 0.25, 0.75, 1.0}
    assert run("eval", str(both), "-q").status == 0
    agreed = run("judge", str(session), "--agree", str(ben))
    assert "Cohen's kappa 0." in agreed.stdout


def test_a_merge_does_not_replace_a_judge_s_session(session: Path, tmp_path: Path) -> None:
    ben, before = Path(shutil.copy(session, tmp_path / "ben.jsonl")), session.read_bytes()
    outcome = run("judge", "--merge", str(session), str(ben), "-o", str(session))
    assert outcome.status == ExitCode.USAGE
    assert "is one of the sessions to merge" in outcome.stderr
    assert session.read_bytes() == before


# --- an LLM


@pytest.fixture
def server() -> Iterator[AnswerServer]:
    with answer_server() as running:
        running.parts = [text("Grade: 3"), end()]
        yield running


def test_an_llm_judges_the_same_passages_and_is_named(
    session: Path, server: AnswerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGCLI_LLM_API_KEY_ENV", "")
    plan, pools = read_session(session)
    write_session(session, replace(plan, judge="m"), pools[:2])
    asked = ("judge", str(session), "--by", "llm", "--base-url", server.base_url, "--model", "m")
    outcome = run(*asked)
    assert outcome.status == 0
    assert "2 questions judged by m" in outcome.stdout
    assert "2503.19092" in outcome.stdout
    assert len(server.requests) == sum(len(pool.passages) for pool in pools[:2])
    assert {question.judged_by for question in read_questions(session)} == {"m"}


def test_an_llm_s_server_that_is_busy_for_a_moment_is_asked_again(
    session: Path, server: AnswerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "Backoff", lambda: Backoff(first=0.01))
    plan, pools = read_session(session)
    write_session(session, replace(plan, judge="m"), pools[:1])
    busy = (503, {"error": {"message": "busy"}})
    server.refuses = lambda _: busy if len(server.requests) == 2 else None
    outcome = run("judge", str(session), "--by", "llm", "--base-url", server.base_url, "--model", "m")
    assert outcome.status == 0
    assert len(server.requests) == len(pools[0].passages) + 1


def test_a_person_s_session_is_not_gone_on_with_by_an_llm(session: Path, server: AnswerServer) -> None:
    outcome = run("judge", str(session), "--by", "llm", "--base-url", server.base_url, "--model", "m")
    assert outcome.status == ExitCode.USAGE
    assert "holds what a person judged" in outcome.stderr


def test_the_small_llm_is_refused_before_any_work(place: Path, tmp_path: Path) -> None:
    outcome = run("judge", "asked.txt", "--by", "llm", "-o", str(tmp_path / "s.jsonl"))
    assert outcome.status == ExitCode.USAGE
    assert "ragcli models prepare --profile local-large" in outcome.stderr
    assert not (tmp_path / "s.jsonl").exists()


# --- answers


def test_answers_are_made_and_judged_as_a_and_b(
    place: Path, server: AnswerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGCLI_LLM_API_KEY_ENV", "")
    monkeypatch.setenv("RAGCLI_LLM_ANSWER_TOKENS", "16")
    asked = tmp_path / "asked.txt"
    asked.write_text("\n".join(list(gold())[:2]), encoding="utf-8")
    results, path = tmp_path / "results.jsonl", tmp_path / "judged.jsonl"
    options = ("--base-url", server.base_url, "--model", "m", "-q")
    assert run("batch", str(asked), "--compare", "-o", str(results), *options).status == 0
    # The server says the same to both arms: told apart here, as two answers of an LLM would be.
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["base"]["answer"], line["reranked"]["answer"] = "Nobody knows.", "It is known."
    results.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    begun = run("judge", str(results), "--answers", "-o", str(path), stdin=ENTER + "e", columns=80)
    assert "No verdict yet: 1 of 2 pairs are left." in begun.stdout
    ended = run("judge", str(results), "--answers", "-o", str(path), stdin=ENTER + "uexa" + ENTER)
    assert "sign test p = " in ended.stdout
    assert "equal 0" in ended.stdout or "equal 1" in ended.stdout
    shown = json.loads(run("judge", str(results), "--answers", "-o", str(path), "--json", "-q").stdout)
    assert shown["left"] == 0


def test_answers_that_are_not_there_are_made_first_and_equal_ones_not_asked_about(
    place: Path, server: AnswerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGCLI_LLM_API_KEY_ENV", "")
    few = tmp_path / "few.txt"
    few.write_text(next(iter(gold())), encoding="utf-8")
    outcome = run("judge", str(few), "--answers", "--base-url", server.base_url, "--model", "m")
    assert outcome.status == 0
    assert "the same answer 1." in outcome.stdout
    assert "No preference can be shown." in outcome.stdout
    assert json.loads(Path("few-answers.jsonl").read_text(encoding="utf-8"))["kind"] == "batch-comparison"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("asked.txt", "--by", "dog"), "--by dog is not a judge"),
        (("asked.txt", "new.jsonl"), "Several files are for --merge"),
        (("new.jsonl", "--merge"), "--merge takes two sessions or more"),
        (("asked.txt", "--answers", "--by", "llm"), "--by llm judges passages"),
        (("nowhere.txt",), "cannot be read"),
        (("asked.txt", "--agree", "nowhere.jsonl"), "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(place: Path, arguments: tuple[str, ...], problem: str) -> None:
    outcome = run("judge", *arguments)
    assert outcome.status == ExitCode.USAGE
    assert problem in outcome.stderr


def test_an_index_that_has_changed_is_noticed(session: Path) -> None:
    plan, pools = read_session(session)
    gone = [replace(pools[0], passages=(replace(pools[0].passages[0], id="gone"), *pools[0].passages[1:]))]
    write_session(session, plan, gone)
    outcome = run("judge", str(session), stdin=ENTER + "r")
    assert outcome.status == ExitCode.USAGE
    assert "The index has changed since" in outcome.stderr
